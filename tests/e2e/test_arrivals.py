"""Requests that never get to the worker, and callers that leave at any moment: each is answered if
anybody waits for it, nobody else notices, and no invocation is left behind.

``ARRIVALS`` is how many there are of each kind; ``make arrivals`` takes 500.
"""

from __future__ import annotations

import os
import socket
import struct
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from io import BufferedReader
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.e2e.neighbour import Neighbour
from tests.pictures import png
from tests.stack import RunningStack, running_stack

MANY = int(os.environ.get("ARRIVALS", "40"))
AT_ONCE = 32
REQUEST_SECONDS = 10
"""What a request may take here: much less than the minute after which the worker would be ended."""
SETTINGS = {
    "AzureFunctionsJobHost__functionTimeout": "00:01:00",
    "DAILIES_CONTENT_DELIVERY": "stream",
    "DAILIES_REQUEST_SECONDS": str(REQUEST_SECONDS),
}

NEVER_BROUGHT = {
    "UTF-8": b"X-U: \xc3\xa9",
    "Latin-1": b"X-U: \xe9",
    "vertical tab": b"X-U: a\x0bb",
    "form feed": b"X-U: a\x0cb",
    "control": b"X-U: a\x01b",
    "invocation": b"x-ms-invocation-id: a",
    "uuid": b"x-ms-invocation-id: 11111111-2222-3333-4444-555555555555",
}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    with running_stack(tmp_path_factory.mktemp("stack"), settings=SETTINGS) as running:
        yield running


@pytest.fixture(scope="module")
def content(stack: RunningStack) -> str:
    """The path of a video of 250 MB."""
    video = stack.wait_for(stack.create("[sim bytes=250000000] a long pier"), within=120)
    return f"/v1/videos/{video['id']}/content"


@contextmanager
def unnoticed(stack: RunningStack) -> Iterator[None]:
    """Nobody else notices the block, the worker lives, and no invocation is left behind."""
    worker = stack.pids()["worker"]
    with Neighbour(stack):
        yield
    assert stack.healthy()  # so that the host has taken up all that came before
    stack.wait_until(lambda: not invocations(stack), within=60, what="nothing is left")
    assert stack.pids()["worker"] == worker


def invocations(stack: RunningStack) -> list[dict[str, Any]]:
    """Those of requests that have not ended."""
    listed: list[dict[str, Any]] = stack.operator.get("/admin/host/invocations").json()
    return [one for one in listed if one["function"] == "http_api"]


def connect(stack: RunningStack) -> socket.socket:
    at = urlsplit(stack.base_url)
    return socket.create_connection((str(at.hostname), at.port or 80), timeout=60)


def hang_up(connection: socket.socket, *, reset: bool) -> None:
    """Close at once, with or without a word to the other side."""
    if reset:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def head(method: str, path: str, *lines: bytes) -> bytes:
    """The head of a request."""
    return b"\r\n".join((f"{method} {path} HTTP/1.1".encode(), b"Host: x", *lines, b"", b""))


def authorization(stack: RunningStack) -> bytes:
    return f"Authorization: Bearer {stack.api_key}".encode()


@pytest.mark.parametrize("path", ["/health", "/v1/videos"])
def test_a_request_that_never_arrives_is_answered_and_costs_nobody(
    stack: RunningStack, path: str
) -> None:
    def ask(header: bytes) -> bytes:
        with connect(stack) as connection:
            connection.sendall(head("GET", path, header, b"Connection: close"))
            return connection.makefile("rb").read()

    headers = [header for header in NEVER_BROUGHT.values() for _ in range(max(1, MANY // 7))]
    with unnoticed(stack), ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(ask, headers))
    assert {answer[:12] for answer in answers} == {
        b"HTTP/1.1 400",  # no UTF-8
        b"HTTP/1.1 500",
        b"HTTP/1.1 503",
    }


def test_a_body_that_never_arrives_makes_no_video(stack: RunningStack) -> None:
    body = b'{"prompt": "never brought"}'
    lines = (
        authorization(stack),
        b"Content-Type: application/json",
        f"Content-Length: {len(body)}".encode(),
        b"Connection: close",
    )

    def ask(header: bytes) -> bytes:
        with connect(stack) as connection:
            connection.sendall(head("POST", "/v1/videos", header, *lines) + body)
            return connection.makefile("rb").read()

    with unnoticed(stack), ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(ask, NEVER_BROUGHT.values()))
    assert all(answer.startswith((b"HTTP/1.1 4", b"HTTP/1.1 5")) for answer in answers)
    assert stack.jobs("never brought") == []


@pytest.mark.parametrize("reset", [True, False], ids=["reset", "closed"])
def test_a_caller_may_leave_before_anything_is_answered(stack: RunningStack, reset: bool) -> None:
    def ask(number: int) -> None:
        connection = connect(stack)
        connection.sendall(head("GET", "/v1/videos", authorization(stack)))
        time.sleep(number % 10 / 1000)  # any of the moments in which the request is on its way
        hang_up(connection, reset=reset)

    with unnoticed(stack), ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(ask, range(MANY)))


@pytest.mark.parametrize("chunked", [True, False], ids=["chunked", "with a length"])
def test_a_caller_may_leave_at_any_moment_of_an_upload(stack: RunningStack, chunked: bool) -> None:
    part = b'--b\r\nContent-Disposition: form-data; name="prompt"\r\n\r\ngone in the middle\r\n'
    part += b'--b\r\nContent-Disposition: form-data; name="input_reference"; filename="a.png"\r\n'
    body = part + b"Content-Type: image/png\r\n\r\n" + png(1) + b"\r\n--b--\r\n"
    length = b"Transfer-Encoding: chunked" if chunked else f"Content-Length: {len(body)}".encode()
    sent = head(
        *("POST", "/v1/videos"),
        authorization(stack),
        b"Content-Type: multipart/form-data; boundary=b",
        length,
    )
    sent += b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body) if chunked else body

    def ask(number: int) -> None:
        connection = connect(stack)
        connection.sendall(sent[: len(sent) * number // MANY])
        hang_up(connection, reset=number % 2 == 0)

    with unnoticed(stack), ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(ask, range(MANY)))
    assert stack.jobs("gone in the middle") == []


def test_a_caller_may_leave_at_any_moment_of_a_download(stack: RunningStack, content: str) -> None:
    most = 20_000_000

    def ask(number: int) -> None:
        connection = connect(stack)
        connection.sendall(head("GET", content, authorization(stack)))
        left = most * number // MANY
        while left > 0:
            left -= len(connection.recv(65_536))
        hang_up(connection, reset=number % 2 == 0)

    with unnoticed(stack), ThreadPoolExecutor(8) as pool:
        list(pool.map(ask, range(MANY)))


def test_a_download_that_takes_too_long_breaks_off_and_goes_on(
    stack: RunningStack, content: str
) -> None:
    received = 0
    with unnoticed(stack), connect(stack) as connection, connection.makefile("rb") as answer:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16_384)
        connection.sendall(head("GET", content, authorization(stack)))
        lines = iter(answer.readline, b"\r\n")
        headers = dict(line.rstrip().split(b": ", 1) for line in lines if b": " in line)
        # At most 2 MB a second: two minutes for the whole, were it not broken off.
        while piece := _read(answer, 20_000):
            received += len(piece)
            time.sleep(0.01)
    assert 0 < received < int(headers[b"content-length"])
    rest = stack.api.get(
        content,
        headers={
            "Range": f"bytes={received}-{received + 99}",
            "If-Range": headers[b"etag"].decode(),
        },
    )
    assert (rest.status_code, len(rest.content)) == (206, 100)


def _read(answer: BufferedReader, most: int) -> bytes:
    """The next piece, or nothing where the connection has ended."""
    try:
        return answer.read1(most)
    except ConnectionResetError:
        return b""
