"""The header of a PNG, and how it is to be turned: https://www.w3.org/TR/png-3/."""

from __future__ import annotations

import zlib

from dailies.inputs.image_info import ImageFormat, ImageInfo, broken
from dailies.inputs.orientation import MOST_BYTES, orientation, profile_in_text
from dailies.inputs.reading import Reading

__all__ = ["read_png"]

_MOST_CHUNKS = 50_000
"""Made-up files hold millions of empty ones; a picture of 20 MB in small pieces has 20,000."""

_EXIF = (b"Raw profile type exif", b"Raw profile type APP1")
_XMP = (b"XML:com.adobe.xmp", b"Raw profile type xmp")
_LONGEST_KEYWORD = 79


def read_png() -> Reading[ImageInfo]:
    """Size and orientation of a PNG.

    Raises:
        UnusableReference: ``invalid_image`` when its header is incomplete.
    """
    head = yield (0, 24)
    if len(head) < 24 or head[12:16] != b"IHDR":
        raise broken(ImageFormat.PNG, "its header is incomplete")
    width, height = (int.from_bytes(head[at : at + 4], "big") for at in (16, 20))
    exif, in_text, xmp, is_whole = yield from _metadata()
    turned = orientation(exif or in_text, xmp)
    return ImageInfo(ImageFormat.PNG, width, height, turned, is_whole=is_whole)


def _metadata() -> Reading[tuple[bytes, bytes, bytes, bool]]:
    """Exif of its own chunk, Exif in a text, and XMP, each the first that is there; and whether
    there is a picture to its end."""
    at, exif, in_text, xmp, has_picture = 8, b"", b"", b"", False
    for _ in range(_MOST_CHUNKS):
        head = yield (at, 8)
        if len(head) < 8 or head[4:] == b"IEND":
            # Decoders do without the last checksum, and without what comes behind it.
            is_whole = has_picture and bool((yield (at - 5, 1)))
            return exif, in_text, xmp, is_whole
        has_picture = has_picture or head[4:] == b"IDAT"
        length, kind = int.from_bytes(head[:4], "big"), head[4:]
        if kind == b"eXIf" and not exif:
            exif = yield (at + 8, min(length, MOST_BYTES))
        elif kind in (b"tEXt", b"zTXt", b"iTXt"):
            start = yield (at + 8, min(length, _LONGEST_KEYWORD + 1))
            keyword = start.partition(b"\0")[0]
            if keyword in _EXIF and not in_text:
                in_text = _profile((yield (at + 8, min(length, MOST_BYTES))), kind)
            elif keyword in _XMP and not xmp:
                xmp = _profile((yield (at + 8, min(length, MOST_BYTES))), kind)
        at += length + 12
    raise broken(ImageFormat.PNG, "it is in very many pieces")


def _profile(chunk: bytes, kind: bytes) -> bytes:
    """The Exif or XMP in a chunk of text, unpacked as far as it may be worth looking at."""
    keyword, _, rest = chunk.partition(b"\0")
    text, is_packed = rest, kind == b"zTXt"
    if kind == b"zTXt":
        text = rest[1:]  # behind the method
    elif kind == b"iTXt":
        # a flag and a method, then a language and a translated keyword, each with its end
        is_packed = rest[:1] == b"\1"
        text = rest[2:].partition(b"\0")[2].partition(b"\0")[2]
    if is_packed:
        try:
            text = zlib.decompressobj().decompress(text, MOST_BYTES)
        except zlib.error:
            return b""
    return profile_in_text(text) if keyword.startswith(b"Raw") else text
