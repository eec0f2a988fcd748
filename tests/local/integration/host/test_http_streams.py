"""HTTP streams: requests and answers that pass the host without being held."""

from __future__ import annotations

import hashlib
import http.client
import json
import re
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any
from urllib.parse import unquote

import httpx
import pytest

from bench.memory import peak_mb, reset_peak, rss_mb
from tests.local.integration.host.harness import (
    APPS,
    NEVER_BROUGHT,
    LocalHost,
    eventually,
    running_host,
)

MB = 1024 * 1024
ENABLED = {"PYTHON_ENABLE_INIT_INDEXING": "1"}


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalHost]:
    with running_host(APPS / "streams", tmp_path_factory.mktemp("host"), **ENABLED) as shared:
        yield shared


def test_a_function_sees_the_request_as_it_was_sent(host: LocalHost) -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    response = host.http.put(
        "/echo/a/b%20c?x=1&y=2&x=3&empty=",
        content=b"\x00\xff",
        headers=[("X-Twice", "1"), ("X-Twice", "2"), ("traceparent", trace)],
    )
    seen = response.json()
    assert (response.status_code, response.headers["x-custom"]) == (201, "yes")
    assert (seen["method"], seen["rest"], seen["bytes"]) == ("PUT", "a/b c", 2)
    assert (seen["path"], seen["query"]) == ("/echo/a/b%20c", "x=1&y=2&x=3&empty=")
    assert ["x-twice", "1, 2"] in seen["headers"]
    assert ["x-ms-invocation-id", seen["invocation_id"]] in seen["headers"]
    assert seen["traceparent"] == trace
    assert seen["has_client"]


def test_a_function_sees_the_way_of_a_request_as_the_host_tells_it(host: LocalHost) -> None:
    told = {
        "Host": "evil.example",
        "Forwarded": "host=evil.example",
        "X-Forwarded-For": "10.0.0.1",
        "X-Forwarded-Host": "other.example",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Prefix": "/evil",
    }
    seen = dict(host.http.get("/echo/x", headers=told).json()["headers"])
    assert re.fullmatch(r"127\.0\.0\.1:\d+", seen["host"])
    assert seen["host"] != f"127.0.0.1:{host.port}"
    assert (seen["x-forwarded-for"], seen["x-forwarded-proto"]) == ("127.0.0.1", "http")
    assert seen["x-forwarded-host"] == "evil.example"
    assert not {"forwarded", "x-forwarded-prefix"} & set(seen)


@pytest.mark.parametrize("value", ["a%0Db", "a%0Bb", "a%01b", "a%09b", "caf%E9", "caf%C3%A9"])
def test_an_answer_with_an_odd_header_is_a_500(host: LocalHost, value: str) -> None:
    assert host.http.get(f"/header?{value}").status_code == 500
    assert host.http.get("/header?plain").headers["x-odd"] == "plain"


def raw(host: LocalHost, head: bytes) -> tuple[int, bytes]:
    """Status and body of the answer to a request as it is written here, up to the end of both."""
    with socket.create_connection(("127.0.0.1", host.port), timeout=10) as connection:
        connection.sendall(head)
        answer = connection.makefile("rb").read()
    status, _, rest = answer.partition(b"\r\n")
    return int(status.split(b" ")[1]), rest.partition(b"\r\n\r\n")[2]


def getting(path: str, *lines: str) -> bytes:
    """The head of a request."""
    head = (f"GET {path} HTTP/1.1", "Host: x", "Connection: close", *lines, "", "")
    return "\r\n".join(head).encode("latin-1")


@pytest.mark.parametrize(
    ("path", "seen"),
    [
        ("/echo/a%2Fb", "a%2Fb"),
        ("/echo/%FFa", "%FFa"),
        ("/echo/%zz", "%zz"),
        ("/echo/caf%C3%A9", "caf\N{LATIN SMALL LETTER E WITH ACUTE}"),
        ("/echo/x/../y/./z", "y/z"),
        ("/echo/x/%2E%2e/y", "y"),
        ("/ECHO/x/", "x/"),
        ("/echo/a//b", "a//b"),
    ],
)
def test_a_path_is_decoded_and_written_anew(host: LocalHost, path: str, seen: str) -> None:
    status, body = raw(host, getting(path))
    assert status == 201
    document = json.loads(body)
    assert document["rest"] == seen
    assert unquote(document["path"]).lower() == f"/echo/{seen}".lower()


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (getting("//echo/x"), 404),
        (getting("/echo//x"), 404),
        (getting("/echo/%00"), 400),
        (getting("/echo/\xe9"), 400),
        (getting("/echo/" + "x" * 7994), 201),
        (getting("/echo/" + "x" * 8174), 414),
        (getting("/echo/?" + "x" * 8174), 414),
        (getting("/echo/x", "X-Large: " + "x" * 32_600), 201),
        (getting("/echo/x", "X-Large: " + "x" * 33_000), 431),
        (getting("/echo/x", "X-Large: " + "x" * 300_000), 431),
        (getting("/echo/x", *(f"X-{number}: x" for number in range(98))), 201),
        (getting("/echo/x", *(f"X-{number}: x" for number in range(99))), 431),
        (getting("/echo/x", "X-Folded: a", " b"), 400),
        (getting("/echo/x", "Content-Length: 0", "Content-Length: 0"), 400),
        (getting("/echo/x").replace(b"Host: x", b"Host: x/y"), 400),
        (getting("/echo/x").replace(b"Host: x", b"Host: [::1]:80"), 201),
    ],
)
def test_a_head_is_judged_as_kestrel_does(host: LocalHost, head: bytes, status: int) -> None:
    given, body = raw(host, head)
    assert given == status
    assert status == 201 or not body


def test_a_header_that_is_no_text_is_a_400(host: LocalHost) -> None:
    with socket.create_connection(("127.0.0.1", host.port), timeout=10) as connection:
        connection.sendall(b"GET /echo/x HTTP/1.1\r\nHost: x\r\nX-Odd: \xff\xfe\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 400")


def test_a_chunked_body_arrives(host: LocalHost) -> None:
    def chunks() -> Iterator[bytes]:
        yield b"some"
        yield b"thing"

    assert host.http.post("/echo/x", content=chunks()).json()["bytes"] == 9


def test_an_answer_arrives_while_it_is_made(host: LocalHost) -> None:
    with host.http.stream("GET", "/ticks") as response:
        lines = response.iter_lines()
        assert next(lines) == "first"
        host.http.get("/tick")
        assert next(lines) == "second"


def test_a_large_body_is_held_by_nobody(host: LocalHost) -> None:
    size = 90 * MB
    pids = _warmed(host)
    body = bytes(MB)
    answer = host.http.post("/digest", content=(body for _ in range(size // MB)))
    assert answer.json()["bytes"] == size
    assert answer.json()["sha256"] == hashlib.sha256(bytes(size)).hexdigest()
    assert _growth(pids) < 24


def test_a_large_answer_is_held_by_nobody(host: LocalHost) -> None:
    pids = _warmed(host)
    size = 0
    with host.http.stream("GET", f"/zeros/{300 * MB}") as response:
        for chunk in response.iter_raw():
            size += len(chunk)
    assert size == 300 * MB
    assert _growth(pids) < 24


def test_head_tells_what_a_get_would_have(host: LocalHost) -> None:
    head = host.http.head(f"/zeros/{300 * MB}")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(300 * MB)


def test_a_caller_that_leaves_frees_the_worker(host: LocalHost) -> None:
    with host.http.stream("GET", f"/zeros/{300 * MB}") as response:
        next(response.iter_raw())
    assert host.http.get("/echo/x").status_code == 201


def test_a_body_above_the_limit_is_a_500_and_the_end_of_the_connection(host: LocalHost) -> None:
    head = "POST /digest HTTP/1.1\r\nHost: x\r\nContent-Length: 104857601\r\n\r\n"
    assert raw(host, head.encode()) == (500, b"")
    chunk = bytes(MB)
    endless = host.http.post("/digest", content=(chunk for _ in range(110)))
    assert (endless.status_code, endless.content) == (500, b"")
    assert host.http.get("/echo/x").status_code == 201


def test_a_body_with_a_length_is_read_before_the_function_starts(host: LocalHost) -> None:
    """A chunked one starts it at once: `refuses` answers without reading."""
    with socket.create_connection(("127.0.0.1", host.port), timeout=10) as connection:
        head = b"POST /refuses HTTP/1.1\r\nHost: x\r\nContent-Length: 2000\r\n\r\n"
        connection.sendall(head + bytes(1000))
        connection.settimeout(0.5)
        with pytest.raises(TimeoutError):
            connection.recv(100)
        assert host.invocations() == []
        connection.settimeout(10)
        connection.sendall(bytes(1000))
        assert connection.recv(100).startswith(b"HTTP/1.1 403")
    with socket.create_connection(("127.0.0.1", host.port), timeout=10) as connection:
        head = b"POST /refuses HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        connection.sendall(head + b"5\r\nhello\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 403")


def test_a_body_that_hardly_moves_is_a_500(host: LocalHost) -> None:
    head = b"POST /digest HTTP/1.1\r\nHost: x\r\nContent-Length: 2000\r\n\r\n"
    began = time.monotonic()
    assert raw(host, head + b"half") == (500, b"")
    assert 4.5 < time.monotonic() - began < 9


def test_an_answer_may_come_before_the_body_is_read(host: LocalHost) -> None:
    chunk = bytes(MB)
    answer = host.http.post("/refuses", content=(chunk for _ in range(50)))
    assert (answer.status_code, answer.json()) == (403, {"no": True})
    assert host.http.get("/echo/x").status_code == 201


def test_a_body_that_stops_short_reaches_nobody_else(host: LocalHost) -> None:
    with socket.create_connection(("127.0.0.1", host.port), timeout=10) as connection:
        head = "POST /digest HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n"
        connection.sendall(head.encode() + b"half")
    assert host.http.post("/digest", content=b"x" * 10).json()["bytes"] == 10


def test_a_function_that_raises_answers_500(host: LocalHost) -> None:
    response = host.http.get("/raises")
    assert response.status_code == 500
    assert "for the test" not in response.text
    eventually(lambda: "function raises failed: LookupError" in host.log())


def test_an_answer_that_breaks_is_seen_to_be_broken(host: LocalHost) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        host.http.get("/breaks")
    assert host.http.get("/echo/x").status_code == 201


def test_what_is_no_response_becomes_json(host: LocalHost) -> None:
    assert host.http.get("/plain").json() == '{"thread": true}'


def test_an_idle_connection_is_kept(host: LocalHost) -> None:
    with closing(http.client.HTTPConnection("127.0.0.1", host.port, timeout=10)) as connection:
        ours = []
        for pause in (0, 8.1):
            time.sleep(pause)
            connection.request("POST", "/digest", b"x")
            assert b'"bytes":1' in connection.getresponse().read()
            ours.append(connection.sock.getsockname())
    assert ours[0] == ours[1]


def test_requests_in_flight_when_the_worker_dies_are_answered(
    make_host: Callable[..., LocalHost],
) -> None:
    host = make_host(APPS / "streams", **ENABLED)
    host.start()
    with host.http.stream("GET", "/ticks") as response:
        chunks = response.iter_raw()
        assert next(chunks) == b"first\n"
        host.kill_worker()
        with pytest.raises(httpx.RemoteProtocolError):
            next(chunks)
    assert eventually(lambda: host.http.get("/echo/x").status_code == 201)
    assert "broke off" in host.log()
    assert "Traceback" not in host.log()
    assert host.stop() == 0


def test_an_invocation_lasts_until_its_answer_is_sent(host: LocalHost) -> None:
    def running() -> list[dict[str, Any]]:
        return [one for one in host.invocations() if one["function"] == "zeros"]

    with host.http.stream("GET", f"/zeros/{300 * MB}") as response:
        pieces = response.iter_raw()
        assert next(pieces)
        (found,) = running()
        assert len(found["id"]) == 36
        assert found["seconds"] >= 0
    eventually(lambda: not running())


@pytest.mark.parametrize("header", NEVER_BROUGHT.values(), ids=NEVER_BROUGHT)
def test_a_request_that_is_not_brought_to_the_worker_ends_it_in_the_end(
    make_host: Callable[..., LocalHost], header: bytes
) -> None:
    """As in Azure, where an app does nothing against it: Microsoft's coordinator waits."""
    limit = {"AzureFunctionsJobHost__functionTimeout": "00:00:02"}
    host = make_host(APPS / "streams", **ENABLED, **limit)
    host.start()
    before = host.status()["worker_pid"]
    with socket.create_connection(("127.0.0.1", host.port), timeout=30) as connection:
        connection.sendall(b"GET /echo/x HTTP/1.1\r\nHost: x\r\n" + header + b"\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 500")
    eventually(lambda: host.status()["worker_pid"] not in (None, before))
    assert "ran longer than functionTimeout" in host.log()


def test_an_answer_that_is_sent_for_longer_than_the_limit_ends_the_worker(
    make_host: Callable[..., LocalHost],
) -> None:
    limit = {"AzureFunctionsJobHost__functionTimeout": "00:00:02"}
    host = make_host(APPS / "streams", **ENABLED, **limit)
    host.start()
    before = host.status()["worker_pid"]
    with host.http.stream("GET", "/ticks") as response:
        chunks = response.iter_raw()
        assert next(chunks) == b"first\n"
        with pytest.raises(httpx.RemoteProtocolError):
            next(chunks)
    eventually(lambda: host.status()["worker_pid"] not in (None, before))
    assert "ran longer than functionTimeout" in host.log()


@pytest.mark.skipif(
    sys.version_info >= (3, 13), reason="the worker of these versions indexes at its start anyway"
)
def test_without_the_setting_the_app_cannot_be_indexed(
    make_host: Callable[..., LocalHost],
) -> None:
    host = make_host(APPS / "streams", PYTHON_ENABLE_INIT_INDEXING="0")
    host.start("error")
    assert "PYTHON_ENABLE_INIT_INDEXING" in host.status()["error"]
    assert host.http.get("/echo/x").status_code == 404


def test_whole_and_streamed_requests_do_not_mix(make_host: Callable[..., LocalHost]) -> None:
    host = make_host(APPS / "mixed", **ENABLED)
    host.start("error")
    assert "whole" in host.status()["error"]
    assert "HttpRequest" in host.status()["error"]


def _warmed(host: LocalHost) -> dict[int, float]:
    """The processes that a request passes, and their memory once they have worked a little."""
    host.http.get(f"/zeros/{8 * MB}")
    host.http.post("/digest", content=bytes(8 * MB))
    assert host.pid is not None
    pids = [host.pid, host.status()["worker_pid"]]
    for pid in pids:
        reset_peak(pid)
    return {pid: rss_mb(pid) for pid in pids}


def _growth(before: dict[int, float]) -> float:
    return max(peak_mb(pid) - idle for pid, idle in before.items())
