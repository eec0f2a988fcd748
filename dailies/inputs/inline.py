"""Files that travel inside a request, as data URLs (RFC 2397), decoded as they arrive."""

from __future__ import annotations

import binascii
import json
import re

__all__ = ["LONGEST_HEAD", "Base64Decoder", "DataUrlError", "TooManyBytes", "head_of", "unescaped"]

LONGEST_HEAD = 256
"""Bytes of ``data:image/png;base64,``, however it is escaped."""

_HEAD = re.compile(rb'data:[^",]{0,200};base64,', re.IGNORECASE)
# What is escaped in base64 by those who escape at all; to look for these is far less work than to
# undo any escape.
_PERCENT = tuple(
    (b"%" + code, character)
    for character, codes in (
        (b"+", (b"2B", b"2b")),
        (b"/", (b"2F", b"2f")),
        (b"=", (b"3D", b"3d")),
        (b"", (b"0D", b"0d", b"0A", b"0a", b"09", b"20")),
    )
    for code in codes
)
_CONTROLS = bytes(range(32))
_ESCAPE = re.compile(rb"\\(?:u[0-9a-fA-F]{0,3})?\Z")


class DataUrlError(ValueError):
    """It is not base64, or holds nothing."""


class TooManyBytes(DataUrlError):
    """It holds more than is taken."""


def head_of(text: bytes) -> bytes | None:
    """The beginning of a data URL in base64, up to its comma; None of anything else."""
    match = _HEAD.match(text)
    return match[0] if match else None


class Base64Decoder:
    """Decodes what follows the comma of a data URL, piece by piece.

    The media type is not looked at: the content decides what it is. Line breaks are taken, and
    percent-encoding of what is no letter or digit, since tools write both.
    """

    def __init__(self, *, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._length = 0
        self._percent = b""  # half an escape
        self._group = b""  # fewer than the four digits that are three bytes
        self._is_padded = False

    def feed(self, text: bytes) -> bytes:
        """The bytes that are known now.

        Raises:
            DataUrlError: it is not base64.
            TooManyBytes: more than ``max_bytes``.
        """
        text = self._percent + text
        percent = text.rfind(b"%", max(0, len(text) - 2))
        text, self._percent = (text, b"") if percent < 0 else (text[:percent], text[percent:])
        if b"%" in text:
            for escape, character in _PERCENT:
                text = text.replace(escape, character)
        text = self._group + text.translate(None, b" \t\r\n")
        whole = len(text) - len(text) % 4
        self._group = text[whole:]
        return self._decode(text[:whole])

    def finish(self) -> bytes:
        """The last bytes.

        Raises:
            DataUrlError: it ends too early, or holds nothing.
        """
        last = self._decode(self._group + self._percent)
        if not self._length:
            raise DataUrlError("The data URL holds no data.")
        return last

    def _decode(self, text: bytes) -> bytes:
        if not text:
            return b""
        try:
            data = binascii.a2b_base64(text, strict_mode=True)
        except binascii.Error:
            raise DataUrlError("The data URL is not valid base64.") from None
        if self._is_padded:
            raise DataUrlError("The data URL is not valid base64.")
        self._is_padded = text.endswith(b"=")
        self._length += len(data)
        if self._length > self._max_bytes:
            raise TooManyBytes(f"The file has more than {self._max_bytes:,} bytes.")
        return data


def unescaped(text: bytes) -> tuple[bytes, bytes]:
    """A piece of a JSON string without its escapes, and what is half an escape at its end.

    Writers escape what stands in base64: PHP ``/``, .NET ``+``.

    Raises:
        DataUrlError: it is no JSON string, or holds what base64 never does.
    """
    if len(text.translate(None, _CONTROLS)) < len(text):
        raise DataUrlError("The data URL is not valid base64.")
    if b"\\" not in text:
        return text, b""
    # An escape is at most six bytes. Of a run of backslashes, every second one begins one.
    half = _half_escape(text)
    whole = text[: len(text) - len(half)]
    try:
        content: str = json.loads((b'"%b"' % whole).decode())
        return content.encode("ascii"), half
    except ValueError:
        raise DataUrlError("The data URL is not valid base64.") from None


def _half_escape(text: bytes) -> bytes:
    match = _ESCAPE.search(text, max(0, len(text) - 5))
    if match is None:
        return b""
    before = text[: match.start()]
    backslashes = len(before) - len(before.rstrip(b"\\"))
    return match[0] if backslashes % 2 == 0 else b""
