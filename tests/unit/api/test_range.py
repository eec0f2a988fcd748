"""What a ``Range`` header asks for (RFC 9110, 14)."""

from __future__ import annotations

import pytest

from dailies.api.streaming import Span, requested_span


@pytest.mark.parametrize(
    ("header", "span"),
    [
        ("bytes=0-0", Span(0, 1)),
        ("bytes=2-4", Span(2, 3)),
        ("bytes=8-", Span(8, 2)),
        ("bytes=8-999", Span(8, 2)),
        ("bytes=-3", Span(7, 3)),
        ("bytes=-999", Span(0, 10)),
        ("Bytes= 0 - 1 ", Span(0, 2)),
        ("bytes=1-\t2", Span(1, 2)),
        ("bytes=0-999999999999999999", Span(0, 10)),
    ],
)
def test_one_range_of_bytes(header: str, span: Span) -> None:
    assert requested_span(header, 10) == span


@pytest.mark.parametrize(
    "header",
    [None, "", "bytes", "bytes=", "bytes=-", "bytes=a-b", "bytes=5-4", "items=0-1", "bytes=--1",
     "bytes=0-1,3-4", "bytes=0x1-", "bytes=1_0-", "bytes=+1-2", "bytes=\u0660-\u0661", "bytes=²-",
     "bytes=99999999999999999999-", "bytes=" + " " * 60_000 + "x", "bytes=0-" + "0" * 200],
)  # fmt: skip
def test_what_is_none_counts_as_none(header: str | None) -> None:
    assert requested_span(header, 10) is None


@pytest.mark.parametrize("header", ["bytes=10-", "bytes=10-20", "bytes=-0", "bytes=999-"])
def test_a_range_beyond_the_file_is_an_error(header: str) -> None:
    with pytest.raises(ValueError, match="10"):
        requested_span(header, 10)
