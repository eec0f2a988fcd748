"""Reference images that travel inside the request, as data URLs (RFC 2397)."""

from __future__ import annotations

import base64
import binascii
from urllib.parse import unquote_to_bytes

from dailies.errors import InvalidRequest, TooLarge

__all__ = ["decode_data_url", "is_data_url"]

_PARAM = "input_reference"


def is_data_url(url: str) -> bool:
    """Whether this is a data URL, good or bad."""
    return url[:5].lower() == "data:"


def decode_data_url(url: str, *, max_bytes: int) -> bytes:
    """The bytes in ``data:image/png;base64,…``.

    The media type is not looked at: the content decides what it is. Line breaks and
    percent-encoding within the base64 are taken, since tools write both.

    Raises:
        InvalidRequest: it is no data URL, not base64, or empty.
        TooLarge: more than ``max_bytes``; found before anything is decoded.
    """
    head, comma, payload = url.partition(",")
    if not (is_data_url(url) and comma and head.lower().endswith(";base64")):
        raise _invalid("Expected a data URL of the form 'data:image/png;base64,…'.")
    try:
        encoded = unquote_to_bytes(payload) if "%" in payload else payload.encode("ascii")
        encoded = encoded.translate(None, b" \t\r\n")
        if len(encoded.rstrip(b"=")) * 3 // 4 > max_bytes:
            raise TooLarge(
                f"The image in 'input_reference' has more than {max_bytes:,} bytes. "
                "Scale it down, or save it as JPEG.",
                param=_PARAM,
                code="image_too_large",
            )
        data = base64.b64decode(encoded, validate=True)
    except (UnicodeEncodeError, binascii.Error):
        raise _invalid("The data URL is not valid base64.") from None
    if not data:
        raise _invalid("The data URL holds no data.")
    return data


def _invalid(message: str) -> InvalidRequest:
    return InvalidRequest(
        f"Invalid 'input_reference.image_url'. {message}", param=_PARAM, code="invalid_image_url"
    )
