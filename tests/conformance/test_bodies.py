"""Bodies: which are read before the function starts, which are refused."""

from __future__ import annotations

import time

import httpx
import pytest

from tests.conformance.wire import ask, connect, head, read_answer
from tests.stack import RunningStack

LIMIT = 100 * 1024 * 1024
CREATE = "/v1/videos"


def posting(*lines: str) -> bytes:
    return head(CREATE, "Content-Type: application/json", *lines, method="POST")


def test_a_body_with_a_length_is_read_whole_before_the_function_starts(stack: RunningStack) -> None:
    """Without a key the app answers 401 at once, whatever the body: here, only at its end."""
    with connect(stack) as connection:
        connection.sendall(posting("Content-Length: 4000") + b" " * 3000)
        connection.settimeout(2)
        with pytest.raises(TimeoutError):
            connection.recv(1)
        connection.settimeout(30)
        connection.sendall(b" " * 1000)
        assert read_answer(connection).status == 401


def test_a_chunked_body_starts_the_function_at_once(stack: RunningStack) -> None:
    with connect(stack) as connection:
        connection.sendall(posting("Transfer-Encoding: chunked") + b"2\r\n{ \r\n")
        connection.settimeout(30)
        assert connection.recv(12) == b"HTTP/1.1 401"


def test_a_chunked_body_arrives(stack: RunningStack) -> None:
    def pieces() -> list[bytes]:
        return [b'{"model": "sora-2", ', b'"prompt": "in pieces"}']

    answer = stack.api.post(
        CREATE, content=iter(pieces()), headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 200, answer.text
    assert answer.json()["prompt"] == "in pieces"


def test_a_body_above_the_limit_is_an_empty_500_and_the_end(stack: RunningStack) -> None:
    answer = ask(stack, posting(f"Content-Length: {LIMIT + 1}") + b"{}")
    assert (answer.status, answer.body) == (500, b"")


def test_a_body_that_hardly_moves_is_a_500(stack: RunningStack) -> None:
    began = time.monotonic()
    answer = ask(stack, posting("Content-Length: 4000") + b"{")
    assert (answer.status, answer.body) == (500, b"")
    assert 4 < time.monotonic() - began < 15


def test_a_caller_may_ask_whether_to_send(stack: RunningStack) -> None:
    sent = posting("Expect: 100-continue", "Content-Length: 2") + b"{}"
    answer = ask(stack, sent)
    assert answer.status in (100, 401)
    assert b" 401 " in answer.headers + answer.body


def test_head_tells_what_get_has(stack: RunningStack) -> None:
    listed = stack.api.get("/v1/models")
    asked = stack.api.head("/v1/models")
    assert (asked.status_code, asked.content) == (200, b"")
    assert asked.headers["content-type"] == listed.headers["content-type"]


def test_a_file_is_sent_in_ranges(stack: RunningStack) -> None:
    video = stack.wait_for(stack.create("a pier, for its ranges"))
    path = f"/v1/videos/{video['id']}/content"
    whole = _followed(stack, path, {})
    part = _followed(stack, path, {"Range": "bytes=4-11"})
    assert (whole.status_code, part.status_code) == (200, 206)
    assert part.content == whole.content[4:12]


def _followed(stack: RunningStack, path: str, headers: dict[str, str]) -> httpx.Response:
    return stack.api.get(path, headers=headers, follow_redirects=True)
