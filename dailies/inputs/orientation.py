"""How a picture is to be turned, as cameras and editors note it beside the pixels.

A wrong orientation costs less than a refused photo, so broken metadata is none and no error. Where
both are there, Exif goes before XMP, as viewers have it. Sources: Exif 2.32 (4.6.4), XMP part 1 and
the TIFF namespace of XMP part 2.
"""

from __future__ import annotations

import re
from typing import Literal

__all__ = ["MOST_BYTES", "orientation", "profile_in_text"]

MOST_BYTES = 1024**2
"""Of a block of metadata that are looked at. In a JPEG it has at most 64 KiB; elsewhere a thumbnail
may be in it, behind what is looked for."""

_TAG = 0x0112
_XMP_ORIENTATION = re.compile(
    rb"\btiff:Orientation(?:\s{0,8}=\s{0,8}[\"']|\s{0,8}>)\s{0,8}([1-8])(?![0-9])"
)
_HEX_LINES = re.compile(rb"[0-9a-fA-F\s]*")


def orientation(exif: bytes, xmp: bytes = b"") -> int:
    """1 to 8; 1, which is upright, when neither block says it."""
    return _of_exif(exif[:MOST_BYTES]) or _of_xmp(xmp[:MOST_BYTES]) or 1


def profile_in_text(text: bytes) -> bytes:
    """The block in a "raw profile" of a PNG's text: a name, a length, and hex digits in lines.

    That is how ImageMagick and older tools keep Exif and XMP in a PNG.
    """
    *_, digits = text.strip().split(b"\n", 2)
    if _HEX_LINES.fullmatch(digits) is None:
        return b""
    compact = bytes(digits).translate(None, b" \t\r\n")
    return bytes.fromhex(compact[: len(compact) // 2 * 2].decode("ascii"))


def _of_exif(exif: bytes) -> int | None:
    tiff = exif.removeprefix(b"Exif\0\0")
    order: Literal["little", "big"]
    if tiff[:4] == b"II*\0":
        order = "little"
    elif tiff[:4] == b"MM\0*":
        order = "big"
    else:
        return None

    def number(start: int, length: int) -> int:
        return int.from_bytes(tiff[start : start + length], order)

    directory = number(4, 4)
    for index in range(number(directory, 2)):
        entry = directory + 2 + 12 * index
        if entry + 12 > len(tiff):
            break
        if number(entry, 2) == _TAG:  # a SHORT
            value = number(entry + 8, 2)
            return value if 1 <= value <= 8 else None
    return None


def _of_xmp(packet: bytes) -> int | None:
    found = _XMP_ORIENTATION.search(packet)
    return int(found[1]) if found else None
