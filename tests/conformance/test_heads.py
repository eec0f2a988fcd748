"""The head of a request: limits, odd lines, paths."""

from __future__ import annotations

import json

import pytest

from tests.conformance.wire import ask, head
from tests.stack import RunningStack

OK = 200


@pytest.mark.parametrize(
    ("name", "sent", "status"),
    [
        ("a target of 8,000 bytes", head("/health?" + "x" * 7_992), OK),
        ("a target of 8,180 bytes", head("/health?" + "x" * 8_172), 414),
        ("a header of 32,600 bytes", head("/health", "X: " + "x" * 32_597), OK),
        ("a header of 33,000 bytes", head("/health", "X: " + "x" * 32_997), 431),
        ("100 headers", head("/health", *(f"X-{n}: x" for n in range(98))), OK),
        ("101 headers", head("/health", *(f"X-{n}: x" for n in range(99))), 431),
        ("a folded header", head("/health", "X: a", " b"), 400),
        ("two lengths", head("/health", "Content-Length: 0", "Content-Length: 0"), 400),
        ("an odd host", head("/health", host="a b"), 400),
        ("a host with a path", head("/health", host="a/b"), 400),
        ("a zero byte", head("/v1/videos/%00"), 400),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_head_within_the_limits_passes_and_another_is_refused_without_a_word(
    stack: RunningStack, name: str, sent: bytes, status: int
) -> None:
    answer = ask(stack, sent)
    assert answer.status == status, name
    assert bool(answer.body) == (status == OK)


@pytest.mark.parametrize("path", ["/v1/../health", "/v1/%2E%2e/health", "/./health", "/%68ealth"])
def test_dot_segments_are_resolved_and_letters_decoded(stack: RunningStack, path: str) -> None:
    assert ask(stack, head(path)).status == OK


@pytest.mark.parametrize("path", ["/v1%2Fmodels", "/%FF/health", "/v1//models", "/V1/models/"])
def test_an_encoded_slash_is_none_and_what_is_no_text_stays(stack: RunningStack, path: str) -> None:
    """Each is a path of the app's, and leads nowhere there."""
    answer = ask(stack, head(path, f"Authorization: Bearer {stack.api_key}"))
    assert answer.status == 404
    assert b"error" in answer.body


def test_two_slashes_never_reach_the_app(stack: RunningStack) -> None:
    answer = ask(stack, head("//health"))
    assert (answer.status, answer.body) == (404, b"")


def test_repeated_headers_are_joined(stack: RunningStack) -> None:
    """The app takes one key from a header; two are another key, which nobody has."""
    line = f"api-key: {stack.api_key}"
    assert ask(stack, head("/v1/models", line)).status == OK
    assert ask(stack, head("/v1/models", line, line)).status == 401


def test_the_query_comes_as_it_was_sent(stack: RunningStack) -> None:
    query = "?limit=%31&after=video_%66&limit=2"
    answer = ask(stack, head(f"/v1/videos{query}", f"Authorization: Bearer {stack.api_key}"))
    assert answer.status in (OK, 400, 404)
    assert json.loads(answer.body)
