"""HTTP triggers: routes, keys, limits and what a function sees of a request."""

from __future__ import annotations

import os
import re
import signal
import socket
import time
from collections.abc import Callable, Iterator

import httpx
import pytest

from tests.local.integration.host.harness import APPS, LocalHost, eventually


def test_a_function_sees_the_request_as_in_azure(host: LocalHost) -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    response = host.http.put(
        "/echo/a/b%20c?x=1&y=2&x=3&empty=",
        content=b"\x00\xff",
        headers={"X-Mixed-Case": "Kept", "traceparent": trace},
    )
    seen = response.json()
    assert response.headers["x-custom"] == "yes"
    assert response.headers["set-cookie"] == "a=b; Path=/"
    assert response.headers["content-type"] == "application/json"
    assert (seen["method"], seen["rest"], seen["bytes"]) == ("PUT", "a/b c", 2)
    assert seen["query"] == {"x": "1,3", "y": "2", "empty": ""}
    assert seen["headers"]["x-mixed-case"] == "Kept"
    assert seen["url"] == f"http://127.0.0.1:{host.port}/echo/a/b%20c?x=1&y=2&x=3&empty="
    assert seen["traceparent"] == trace
    assert seen["function"] == "echo"
    assert len(seen["invocation_id"]) == 36


def test_an_invocation_without_a_trace_gets_one(host: LocalHost) -> None:
    seen = host.http.get("/echo/x").json()
    assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-01", seen["traceparent"])


def test_functions_are_asked_in_the_order_of_their_names(host: LocalHost) -> None:
    """The literal route of `literal` comes after the catch-all of `echo`, and is never reached."""
    assert host.http.get("/echo/literal").json()["rest"] == "literal"
    assert host.http.get("/odd/literal").text == "the literal route"


def test_the_host_has_a_page_and_pings_for_everybody(host: LocalHost) -> None:
    for path in ("/", "/admin/host/ping", "/ADMIN/instance/http-health"):
        assert host.http.get(path).status_code == 200
    assert host.http.get("/admin/nothing").status_code == 404
    assert host.http.get("/runtime/webhooks/nothing").status_code == 404


def test_what_is_for_operators_needs_the_master_key(host: LocalHost) -> None:
    for path in (
        "/admin/host/status",
        "/admin/host/keys",
        "/Admin/Host/SystemKeys/durabletask_extension",
        "/admin/functions",
        "/admin/functions/echo",
        "/admin/host/invocations",
    ):
        function_key = {"x-functions-key": host.keys["functions"]["default"]}
        assert host.http.get(path).status_code == 401, path
        assert host.http.get(path, headers=function_key).status_code == 401, path
        assert host.http.get(path, headers=host.master).status_code == 200, path
    key = host.http.get("/admin/host/systemkeys/durabletask_extension", headers=host.master)
    assert key.json()["value"] == host.keys["systemKeys"]["durabletask_extension"]
    for path in ("/admin/host/systemkeys/no", "/admin/functions/no"):
        assert host.http.get(path, headers=host.master).status_code == 404


def test_a_route_serves_its_methods_only(host: LocalHost) -> None:
    assert host.http.get("/numbers/12").text == "12"
    head = host.http.head("/numbers/12")
    assert (head.status_code, head.text, head.headers["content-length"]) == (201, "", "2")
    assert host.http.post("/numbers/12").status_code == 404
    assert host.http.get("/numbers/twelve").status_code == 404


def test_keys_open_what_their_level_allows(host: LocalHost) -> None:
    function_key = host.keys["functions"]["default"]
    master_key = host.keys["master"]

    def answers(path: str, key: str | None) -> list[int]:
        by_header = host.http.get(path, headers={} if key is None else {"x-functions-key": key})
        by_query = host.http.get(path, params={} if key is None else {"code": key})
        return [by_header.status_code, by_query.status_code]

    assert answers("/secured", None) == [401, 401]
    assert answers("/secured", "wrong") == [401, 401]
    assert answers("/secured", function_key) == [200, 200]
    assert answers("/secured", master_key) == [200, 200]
    assert answers("/operators", function_key) == [401, 401]
    assert answers("/operators", master_key) == [200, 200]


def test_a_chunked_body_arrives_empty(host: LocalHost) -> None:
    def chunks() -> Iterator[bytes]:
        yield b"some"
        yield b"thing"

    assert host.http.post("/echo/x", content=chunks()).json()["bytes"] == 0
    assert host.http.post("/echo/x", content=b"something").json()["bytes"] == 9


def test_a_body_above_the_limit_is_refused_unread(host: LocalHost) -> None:
    with socket.create_connection(("127.0.0.1", host.port), timeout=10) as connection:
        head = "POST /echo/x HTTP/1.1\r\nHost: x\r\nContent-Length: 104857601\r\n\r\n"
        connection.sendall(head.encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 500")


def test_a_function_that_raises_answers_500_without_details(host: LocalHost) -> None:
    response = host.http.get("/raises")
    assert (response.status_code, response.text) == (500, "")
    assert "LookupError: for the test" in host.log()
    assert "about to fail" in host.log()


def test_only_what_an_invocation_says_is_logged(host: LocalHost) -> None:
    for path in ("/tells", "/tells_in_thread"):
        assert host.http.get(path).text == "told"
    time.sleep(0.5)  # what comes afterwards has been said as well
    heard = [line.partition(" heard")[2] for line in host.log().splitlines() if " heard" in line]
    assert heard == [
        ": in the invocation",
        ": in a task of the invocation",
        ": in a thread of the pool",
    ]


def test_a_disabled_function_is_not_served(host: LocalHost) -> None:
    assert host.http.get("/switched_off").status_code == 404
    listed = host.http.get("/admin/functions", headers=host.master).json()
    listing = {f["name"]: f["isDisabled"] for f in listed}
    assert listing["switched_off"]
    assert not listing["echo"]


def test_a_request_in_flight_when_the_worker_dies_answers_500(host: LocalHost) -> None:
    before = host.status()["worker_pid"]
    answer = host.http.get("/dies")
    assert (answer.status_code, answer.content) == (500, b"")
    assert host.http.get("/echo/literal").status_code == 200
    after = host.status()
    assert after["state"] == "ready"
    assert after["worker_pid"] != before


def test_an_app_that_cannot_be_indexed_is_one_without_functions(
    make_host: Callable[..., LocalHost],
) -> None:
    broken = make_host(APPS / "mismatch")
    broken.start("error")
    # In our words, or from Python 3.13 on in those of Microsoft's worker.
    why = broken.status()["error"]
    assert "request" in why
    assert "are declared" in why
    assert why[:40] in broken.log()
    assert broken.http.get("/").status_code == 200
    assert broken.http.get("/admin/host/ping").status_code == 200
    response = broken.http.get("/fine")
    assert (response.status_code, response.content) == (404, b"")
    assert broken.http.get("/runtime/webhooks/blobs").status_code == 404
    assert broken.http.get("/admin/functions", headers=broken.master).json() == []
    assert broken.stop() == 0


def test_a_stopped_host_leaves_no_process(make_host: Callable[..., LocalHost]) -> None:
    host = make_host()
    host.start()
    worker = host.status()["worker_pid"]
    assert host.stop() == 0
    with pytest.raises(ProcessLookupError):
        os.kill(worker, 0)
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"http://127.0.0.1:{host.port}/")


def test_a_signal_to_the_whole_group_ends_the_host_in_order(
    make_host: Callable[..., LocalHost],
) -> None:
    host = make_host()
    host.start()
    os.kill(host.status()["worker_pid"], signal.SIGTERM)
    assert host.http.get("/echo/literal").status_code == 200
    assert host.stop() == 0
    assert "ERROR" not in host.log()


def test_a_killed_host_takes_its_worker_along(make_host: Callable[..., LocalHost]) -> None:
    host = make_host()
    host.start()
    worker = host.status()["worker_pid"]
    host.kill()
    eventually(lambda: not os.path.exists(f"/proc/{worker}"))


def test_a_function_above_its_timeout_takes_the_worker_along(
    make_host: Callable[..., LocalHost],
) -> None:
    host = make_host(APPS / "impatient")
    host.start()
    before = host.status()["worker_pid"]
    assert host.http.get("/sleeps").status_code == 500
    eventually(lambda: host.status()["worker_pid"] not in (None, before))
    host.wait_for("ready")
    assert "ran longer than functionTimeout" in host.log()
