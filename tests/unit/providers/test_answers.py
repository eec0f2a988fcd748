"""When a provider wants to be asked again."""

from __future__ import annotations

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dailies.net.pauses import retry_after
from dailies.providers.answers import poll_after

NOW = 1_780_000_000.0  # Thu, 28 May 2026 20:26:40 GMT


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "12"}, 12),
        ({"Retry-After": " 1.5 "}, 1.5),
        ({"retry-after": "-3"}, 0),
        ({"retry-after": "Thu, 28 May 2026 20:27:40 GMT"}, 60),
        ({"retry-after": "Thu, 28 May 2026 20:27:40 -0000"}, 60),
        ({"retry-after": "Thu, 28 May 2026 20:00:00 GMT"}, 0),
        ({"retry-after": "86400"}, 86_400),
        ({"retry-after": "86401"}, None),
        ({"retry-after": "Sat, 30 May 2026 20:26:40 GMT"}, None),
        ({"retry-after-ms": "999999999999"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after-ms": "x", "retry-after": "9"}, 9),
        (
            {
                "retry-after": "Thu, 28 May 2026 21:00:10 GMT",
                "date": "Thu, 28 May 2026 21:00:00 GMT",
            },
            10,
        ),
    ],
)
def test_retry_after(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(httpx.Headers(headers), now=NOW) == seconds


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"openai-poll-after-ms": "1500"}, 1.5),
        ({"openai-poll-after-ms": "999999999999"}, None),
        ({"retry-after": "4"}, 4),
    ],
)
def test_poll_after(headers: dict[str, str], seconds: float | None) -> None:
    assert poll_after(httpx.Headers(headers)) == seconds


@given(st.text())
def test_any_header_can_be_read(value: str) -> None:
    seconds = retry_after({"retry-after": value})

    assert seconds is None or 0 <= seconds <= 86_400
