"""When a provider wants to be asked again, read from the headers of its answer."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime

__all__ = ["poll_after", "retry_after"]

_LONGEST = 86_400.0
"""A day: what is asked for beyond it is taken for a mistake."""

_LONGEST_TEXT = 64
"""Characters of a date or a number; what is longer is neither."""


def retry_after(headers: Mapping[str, str], now: float | None = None) -> float | None:
    """Seconds until the request may be sent again; None when the provider did not say.

    ``retry-after-ms`` (Azure) is the finer one and goes first; ``Retry-After`` is seconds or an
    HTTP date, which is read against the answer's own ``Date``, for two clocks may differ.
    """
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return _bounded(milliseconds / 1000)
    value = headers.get("retry-after")
    if value is None:
        return None
    seconds = _number(value)
    if seconds is not None:
        return _bounded(seconds)
    then = _date(value)
    if then is None:
        return None
    sent = _date(headers.get("date", ""))
    return _bounded(then - (sent if sent is not None else time.time() if now is None else now))


def poll_after(headers: Mapping[str, str]) -> float | None:
    """Seconds until a job's status may be asked for again, from ``openai-poll-after-ms`` (OpenAI's
    own servers and official clients), else as ``retry_after``."""
    milliseconds = _number(headers.get("openai-poll-after-ms"))
    return retry_after(headers) if milliseconds is None else _bounded(milliseconds / 1000)


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


def _bounded(seconds: float) -> float:
    return min(max(seconds, 0.0), _LONGEST)
