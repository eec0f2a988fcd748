"""Which page of a list is asked for."""

from __future__ import annotations

from dailies.stores.rows import is_video_id
from dailies.video.errors import InvalidRequest

__all__ = ["MOST_PER_PAGE", "cursor", "page_size"]

_DEFAULT_PAGE = 20
MOST_PER_PAGE = 100


def cursor(after: str | None) -> str | None:
    """After which id a page of a list begins.

    Raises:
        InvalidRequest: it is no id.
    """
    if after is not None and not is_video_id(after):
        raise InvalidRequest(
            f"Invalid 'after': expected the id of a video, but got '{after[:64]}' instead.",
            param="after",
            code="invalid_value",
        )
    return after


def page_size(text: str | None, default: int = _DEFAULT_PAGE) -> int:
    """How many a page of a list holds.

    Raises:
        InvalidRequest: it is no whole number from 1 to 100.
    """
    if text is None:
        return default
    # Of at most three digits: Python refuses to read thousands of them.
    number = int(text) if text.isascii() and text.isdecimal() and len(text) <= 3 else 0
    if not 1 <= number <= MOST_PER_PAGE:
        raise InvalidRequest(
            f"Invalid 'limit': expected a whole number from 1 to {MOST_PER_PAGE}, but got "
            f"'{text[:64]}' instead.",
            param="limit",
            code="invalid_value",
        )
    return number
