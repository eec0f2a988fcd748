"""Requests that no client of ours sends: each is answered by the app, in its envelope."""

from __future__ import annotations

import socket
from collections.abc import Iterable
from urllib.parse import urlsplit

import pytest

from tests.stack import RunningStack


@pytest.mark.parametrize(
    "path",
    [
        "/v1/videos/%0A",
        "/v1/videos/a%0D%0Ab",
        "/v1/videos/%FF%FE",
        "/v1/videos/..%2F..%2Fhealth",
        "/v1/videos/" + "x" * 4000,
        "/v1//videos",
        "/v1%2Fvideos",
        "/admin/nothing",
        "/docs",
        "/redoc",
        "/v1/docs",
        "/%0A",
    ],
)
def test_a_path_that_leads_nowhere_is_a_404_of_the_app(stack: RunningStack, path: str) -> None:
    answer = stack.api.get(stack.base_url + path)
    assert answer.status_code == 404, answer.text
    assert answer.json()["error"]["message"]
    assert answer.headers["x-request-id"]


@pytest.mark.parametrize(("path", "status"), [("//v1/videos", 404), ("/v1/videos/%00", 400)])
def test_some_paths_never_reach_the_app(stack: RunningStack, path: str, status: int) -> None:
    answer = stack.api.get(stack.base_url + path)
    assert (answer.status_code, answer.content) == (status, b"")


def test_the_document_is_the_apps_own(stack: RunningStack) -> None:
    document = stack.anonymous.get("/openapi.json").json()
    assert document["info"]["title"] == "Dailies"
    assert "/v1/videos" in document["paths"]


@pytest.mark.parametrize(
    "lines",
    [
        ["GET /health HTTP/1.1", "X-Odd: \xff"],
        ["GET /health HTTP/1.1", "Content-Length: minus one"],
        ["GET /health SPDY/9"],
        ["GET  HTTP/1.1"],
        ["nonsense"],
    ],
)
def test_what_is_no_http_is_refused_and_harms_nobody(stack: RunningStack, lines: list[str]) -> None:
    assert _raw(stack, lines).split(b" ")[1:2] in ([b"400"], []), lines
    assert stack.healthy()


def test_a_caller_may_ask_whether_to_send(stack: RunningStack) -> None:
    """As curl does for larger bodies."""
    answer = _raw(
        stack,
        ["POST /v1/videos HTTP/1.1", "Expect: 100-continue", "Content-Length: 2"],
        then=b"{}",
    )
    assert b"missing_api_key" in answer


def test_a_body_with_two_lengths_is_read_once(stack: RunningStack) -> None:
    """What follows the body must not be taken for another request."""
    answer = _raw(
        stack,
        ["POST /v1/videos HTTP/1.1", "Content-Length: 1", "Transfer-Encoding: chunked"],
        then=b"2\r\n{}\r\n0\r\n\r\n",
    )
    assert answer.split(b" ")[1] in (b"400", b"401")
    assert answer.count(b"HTTP/1.1") == 1


def test_many_requests_share_a_connection(stack: RunningStack) -> None:
    one = "GET /health HTTP/1.1\r\nHost: x\r\n\r\n"
    last = "GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    with _connect(stack) as connection:
        connection.sendall((one * 4 + last).encode())
        answers = connection.makefile("rb").read()
    assert answers.count(b"HTTP/1.1 200 OK") == 5


def _raw(stack: RunningStack, lines: Iterable[str], then: bytes = b"") -> bytes:
    """What comes back until the connection ends."""
    head = "\r\n".join([*lines, "Host: x", "Connection: close", "", ""])
    with _connect(stack) as connection:
        connection.sendall(head.encode("latin-1") + then)
        return connection.makefile("rb").read()


def _connect(stack: RunningStack) -> socket.socket:
    address = urlsplit(stack.base_url)
    assert address.hostname
    assert address.port
    return socket.create_connection((address.hostname, address.port), timeout=20)
