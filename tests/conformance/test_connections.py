"""Connections, and requests that get lost between host and worker."""

from __future__ import annotations

import http.client
import time
from contextlib import closing
from urllib.parse import urlsplit

import pytest

from tests.conformance.wire import ask, connect, head, read_answer
from tests.stack import RunningStack


def test_an_idle_connection_is_kept_for_longer_than_eight_seconds(stack: RunningStack) -> None:
    at = urlsplit(stack.base_url)
    with closing(http.client.HTTPConnection(str(at.hostname), at.port, timeout=30)) as connection:
        ours = []
        for pause in (0, 9):
            time.sleep(pause)
            connection.request("GET", "/health")
            assert connection.getresponse().read()
            ours.append(connection.sock.getsockname())
    assert ours[0] == ours[1]


def test_requests_may_be_sent_before_their_answers_come(stack: RunningStack) -> None:
    one = b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"
    answer = ask(stack, one * 4 + head("/health"))
    assert (answer.headers + answer.body).lower().count(b"http/1.1 200") == 5


@pytest.mark.parametrize(
    "line",
    ["X-U: \xc3\xa9", "X-U: a\x0bb", "X-U: a\x0cb", "x-ms-invocation-id: a"],
    ids=["UTF-8", "vertical tab", "form feed", "an invocation of the caller's"],
)
def test_a_request_that_is_not_brought_to_its_function_ends_and_harms_nobody(
    stack: RunningStack, line: str
) -> None:
    began = time.monotonic()
    answer = ask(stack, head("/health", line))
    assert answer.status >= 500 or (line.startswith("x-ms") and answer.status == 200)
    assert time.monotonic() - began < 20
    assert stack.healthy()


def test_a_request_in_flight_when_the_worker_dies_is_an_empty_500(stack: RunningStack) -> None:
    worker = stack.pids()["worker"]
    with connect(stack) as connection:
        lines = (f"Authorization: Bearer {stack.api_key}", "Transfer-Encoding: chunked")
        kind = "Content-Type: application/json"
        connection.sendall(head("/v1/videos", *lines, kind, method="POST") + b"2\r\n{ \r\n")
        time.sleep(1)  # the function has been called and waits for the rest
        assert stack.kill("worker") == worker
        answer = read_answer(connection)
    assert (answer.status, answer.body) == (500, b"")
    stack.wait_restarted("worker", worker)
