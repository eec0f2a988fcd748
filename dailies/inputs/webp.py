"""The header of a WebP, and how it is to be turned: RFC 9649."""

from __future__ import annotations

from dailies.inputs.image_info import ImageFormat, ImageInfo, broken
from dailies.inputs.orientation import MOST_BYTES, orientation
from dailies.inputs.reading import Reading

__all__ = ["read_webp"]

_MOST_CHUNKS = 10_000
_BYTES_PER_PIXEL = 16.0
"""Two canvases of the decoder, its answer, and the picture."""


def read_webp() -> Reading[ImageInfo]:
    """Size and orientation of a WebP.

    Raises:
        UnusableReference: ``invalid_image`` when its header is incomplete.
    """
    head = yield (0, 30)
    chunk = head[12:16]
    exif = xmp = b""
    if len(head) >= 30 and chunk == b"VP8X":
        width, height = (int.from_bytes(head[at : at + 3], "little") + 1 for at in (24, 27))
        exif, xmp = yield from _metadata()
    elif len(head) >= 30 and chunk == b"VP8 " and head[23:26] == b"\x9d\x01\x2a":
        width, height = (int.from_bytes(head[at : at + 2], "little") & 0x3FFF for at in (26, 28))
    elif len(head) >= 25 and chunk == b"VP8L" and head[20] == 0x2F:
        bits = int.from_bytes(head[21:25], "little")
        width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    else:
        raise broken(ImageFormat.WEBP, "its header is incomplete")
    last = yield (7 + int.from_bytes(head[4:8], "little"), 1)
    return ImageInfo(
        ImageFormat.WEBP,
        width,
        height,
        orientation(exif, xmp),
        bytes_per_pixel=_BYTES_PER_PIXEL,
        is_whole=bool(last),
    )


def _metadata() -> Reading[tuple[bytes, bytes]]:
    """The chunks with Exif and XMP, which come behind the picture."""
    at, exif, xmp = 12, b"", b""
    for _ in range(_MOST_CHUNKS):
        head = yield (at, 8)
        if len(head) < 8 or (exif and xmp):
            break
        length = int.from_bytes(head[4:], "little")
        if head[:4] == b"EXIF" and not exif:
            exif = yield (at + 8, min(length, MOST_BYTES))
        elif head[:4] == b"XMP " and not xmp:
            xmp = yield (at + 8, min(length, MOST_BYTES))
        at += 8 + length + length % 2
    return exif, xmp
