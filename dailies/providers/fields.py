"""Fields of a provider's JSON, read without trust: what is not as expected is None."""

from __future__ import annotations

import math

__all__ = ["number", "positive", "text", "whole"]

_LONGEST_NUMBER = 64


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
