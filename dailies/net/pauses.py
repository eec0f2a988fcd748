"""For how long another server wants to be left alone, by the headers of its answer."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime

__all__ = ["milliseconds", "retry_after", "sensible"]

_LONGEST_PAUSE = 86_400.0
"""A day, in seconds: what is asked for beyond it is taken for a mistake."""

_LONGEST_TEXT = 64
"""Characters of a date or a number; what is longer is neither."""


def retry_after(headers: Mapping[str, str], now: float | None = None) -> float | None:
    """Seconds until the request may be sent again; None when the server did not say,
    or named more than a day.

    ``retry-after-ms`` (Azure) is the finer one and goes first; ``Retry-After`` is seconds or an
    HTTP date, which is read against the answer's own ``Date``, for two clocks may differ.
    """
    told = milliseconds(headers.get("retry-after-ms"))
    if told is not None:
        return sensible(told)
    value = headers.get("retry-after")
    if value is None:
        return None
    seconds = _number(value)
    if seconds is not None:
        return sensible(seconds)
    then = _date(value)
    if then is None:
        return None
    sent = _date(headers.get("date", ""))
    return sensible(then - (sent if sent is not None else time.time() if now is None else now))


def milliseconds(text: str | None) -> float | None:
    """A header that gives milliseconds, in seconds."""
    number = _number(text)
    return None if number is None else number / 1000


def sensible(seconds: float) -> float | None:
    """The pause, if it is one that a server may mean; a mistake must not cost a video its
    deadline."""
    return max(seconds, 0.0) if seconds <= _LONGEST_PAUSE else None


def _number(text: str | None) -> float | None:
    try:
        number = float((text or "")[:_LONGEST_TEXT])
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _date(text: str) -> float | None:
    try:
        moment = parsedate_to_datetime(text[:_LONGEST_TEXT])
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None
