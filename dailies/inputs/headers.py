"""What the first bytes of an image say, read without decoding it.

The content alone decides: names and media types are not asked. Everything that could make a
decoder work or allocate without measure (pixels, sides, progressive scans, what a pixel takes) is
read here, before a decoder sees the file.
"""

from __future__ import annotations

from dailies.inputs.heif import looks_like_heif, read_heif
from dailies.inputs.image_info import REMEDY, ImageFormat, ImageInfo, broken
from dailies.inputs.jpeg import MOST_SCANS, read_jpeg
from dailies.inputs.other_types import name_of
from dailies.inputs.png import read_png
from dailies.inputs.reading import RangeReader, Reading, read_bytes, read_file
from dailies.inputs.webp import read_webp
from dailies.video.errors import UnusableReference

__all__ = ["MAX_SIDE", "ImageFormat", "ImageInfo", "check", "check_file", "probe"]

MIN_SIDE = 8
"""Pixels. A picture of fewer shows nothing: it is a placeholder or a counting pixel, which some
providers refuse and others make a paid video of."""

MAX_SIDE = 65_535
"""Pixels. The most that JPEG can hold; a PNG may claim more, at some bytes of memory per row."""

_BYTES_PER_PIXEL = 6
"""Of memory for each pixel that is allowed: what common pictures need. Of those whose decoder needs
more (``ImageInfo.bytes_per_pixel``), fewer pixels are taken."""

_MOST_PASSES = 20
"""Over as many pixels as are allowed: many scans of a small picture cost as little."""


def probe(data: bytes) -> ImageInfo:
    """Read format, size and orientation without decoding.

    For format and size the beginning of a file is enough: 32 bytes of a PNG or WebP, all before the
    first scan of a JPEG. PNG and WebP may keep the orientation at their end.

    Raises:
        UnusableReference: ``unsupported_image_type`` for anything but JPEG, PNG, WebP, HEIC and
            AVIF, ``invalid_image`` for a header that makes no sense.
    """
    return read_bytes(_image(), data)


def check(data: bytes, *, max_pixels: int) -> ImageInfo:
    """``probe`` the image and refuse what would cost too much to decode, or shows nothing.

    Raises:
        UnusableReference: as ``probe``; ``image_too_small`` for one of fewer than ``MIN_SIDE``
            pixels along a side; ``image_too_large`` for one of more than ``max_pixels``,
            or of fewer whose decoder would need more memory than for those; for more than
            ``MAX_SIDE`` pixels along a side; for very many progressive scans. ``invalid_image``
            for a picture whose end is missing.
    """
    return _affordable(probe(data), max_pixels)


async def check_file(file: RangeReader, *, max_pixels: int) -> ImageInfo:
    """``check`` an image piece by piece; it is never whole in memory.

    Raises:
        UnusableReference: as ``check``.
    """
    return _affordable(await read_file(_image(), file), max_pixels)


def _image() -> Reading[ImageInfo]:
    head = yield (0, 1024)
    if not head:
        raise UnusableReference(f"The image is empty. {REMEDY}.", code="invalid_image")
    if head.startswith(b"\xff\xd8\xff"):
        info = yield from read_jpeg()
    elif head.startswith(b"\x89PNG\r\n\x1a\n"):
        info = yield from read_png()
    elif head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        info = yield from read_webp()
    elif looks_like_heif(head):
        info = yield from read_heif()
    else:
        raise UnusableReference(
            f"The file is {name_of(head) or 'no image that can be used here'}. {REMEDY}.",
            code="unsupported_image_type",
        )
    if not info.pixels:
        raise broken(info.format, f"it says that it is {info.width}x{info.height} pixels")
    return info


def _affordable(info: ImageInfo, max_pixels: int) -> ImageInfo:
    most = round(max_pixels * min(1.0, _BYTES_PER_PIXEL / info.bytes_per_pixel))
    if info.pixels > most or max(info.width, info.height) > MAX_SIDE:
        kind = "" if most == max_pixels else f" for a {info.format.name} of its kind"
        raise UnusableReference(
            f"The image has {info.width}x{info.height} pixels. Scale it down to at most "
            f"{most / 1e6:.3g} megapixels{kind} and {MAX_SIDE:,} pixels along each side.",
            code="image_too_large",
        )
    if min(info.width, info.height) < MIN_SIDE:
        raise UnusableReference(
            f"The image has {info.width}x{info.height} pixels, too few to show anything. Send one "
            f"of at least {MIN_SIDE} pixels along each side.",
            code="image_too_small",
        )
    if info.scans > MOST_SCANS or info.scans * info.pixels > _MOST_PASSES * max_pixels:
        raise UnusableReference(
            f"The JPEG has {_told(info.scans)} scans. Save it anew, not as progressive.",
            code="image_too_large",
        )
    if not info.is_whole:
        raise UnusableReference(
            f"The {info.format.name} is cut off before its end. Save it anew, and see that "
            "it is uploaded whole.",
            code="invalid_image",
        )
    return info


def _told(scans: int) -> str:
    return f"more than {MOST_SCANS}" if scans > MOST_SCANS else str(scans)
