"""Whole numbers that somebody else wrote."""

from __future__ import annotations

__all__ = ["whole_number"]


def whole_number(text: str, *, most_digits: int = 18) -> int | None:
    """The number that ASCII digits say; None for anything else, and for more digits than that.

    Python reads any script's digits, underscores and signs, and refuses thousands of digits with
    an error.
    """
    return int(text) if len(text) <= most_digits and text.isascii() and text.isdecimal() else None
