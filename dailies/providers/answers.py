"""What a provider's answer holds, read without trust: what is not as expected is None.

Fields of its JSON; from its headers, when it wants to be asked again and its own name for the call.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime

from dailies.net.pauses import milliseconds, retry_after, sensible

__all__ = [
    "moment",
    "number",
    "pause",
    "poll_after",
    "positive",
    "request_id",
    "text",
    "whole",
]

_LONGEST_NUMBER = 64
"""Characters of a number that is written as a string."""

_LONGEST_TEXT = 64
"""Characters of a time; what is longer is none."""

_HEADERS = ("apim-request-id", "x-request-id", "x-ms-request-id", "request-id")
"""Azure's gateway, OpenAI and those that speak its protocol, Azure's services, others; after them
whatever else is called so (``x-…-request-id``)."""

_FIT = re.compile(r"[A-Za-z0-9._:/+=-]{1,128}")


def text(value: object) -> str | None:
    """A text that is not empty."""
    return value if isinstance(value, str) and value else None


def number(value: object) -> float | None:
    """A finite number; also one written as a string."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, str) and len(value) > _LONGEST_NUMBER:
        return None
    try:
        result = float(value)
    except (ValueError, OverflowError):
        return None
    return result if math.isfinite(result) else None


def positive(value: object) -> float | None:
    """A number above zero, as times and sizes are."""
    result = number(value)
    return result if result is not None and result > 0 else None


def whole(value: object) -> int | None:
    """A number above zero, rounded."""
    result = positive(value)
    return None if result is None else round(result)


def request_id(headers: Mapping[str, str]) -> str | None:
    """The id in an answer's headers (whose names are in lower case, or of httpx); None when there
    is none that is fit for a log."""
    known = (headers.get(name) for name in _HEADERS)
    others = (value for name, value in headers.items() if name.endswith("-request-id"))
    given = itertools.chain(known, others)
    return next((text for text in given if text and _FIT.fullmatch(text)), None)


def pause(value: object) -> float | None:
    """Seconds of a pause as Google writes durations: ``34.07s``; None as of ``retry_after``."""
    seconds = number(value.removesuffix("s")) if isinstance(value, str) else None
    return None if seconds is None else sensible(seconds)


def poll_after(headers: Mapping[str, str]) -> float | None:
    """Seconds until a job's status may be asked for again, from ``openai-poll-after-ms`` (OpenAI's
    own servers and official clients), else as ``retry_after``."""
    seconds = milliseconds(headers.get("openai-poll-after-ms"))
    return retry_after(headers) if seconds is None else sensible(seconds)


def moment(value: object) -> float | None:
    """Unix seconds of a time in ISO 8601; one that names no zone is UTC."""
    if not isinstance(value, str) or len(value) > _LONGEST_TEXT:
        return None
    try:
        found = datetime.fromisoformat(value)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None
