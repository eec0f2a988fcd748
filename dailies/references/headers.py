"""What the first bytes of an image say, read without decoding it.

The content alone decides: names and media types are not asked. Everything that could make a
decoder work or allocate without measure (pixels, sides, progressive scans) is read here, before a
decoder sees the file.

Formats: JPEG, ITU-T T.81 annex B; PNG, https://www.w3.org/TR/png-3/; WebP, RFC 9649; Exif 2.32.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from dailies.errors import UnusableReference
from dailies.references.geometry import swaps_axes
from dailies.videos import Size

__all__ = ["MAX_SIDE", "ImageFormat", "ImageInfo", "check", "probe"]

MAX_SIDE = 65_535
"""Pixels. The most that JPEG can hold; a PNG may claim more, at some bytes of memory per row."""

_MAX_SCANS = 100
"""A progressive JPEG has about ten scans; each costs a pass over the whole picture."""

_MAX_SEGMENTS = 10_000
"""How many chunks or markers to look at; made-up files hold millions of empty ones."""

_REMEDY = "Save the picture as JPEG, PNG or WebP"


class ImageFormat(StrEnum):
    """The formats that may be a reference image."""

    JPEG = "jpeg"
    PNG = "png"
    WEBP = "webp"


@dataclass(frozen=True, slots=True)
class ImageInfo:
    """What the header of an image says.

    ``width`` and ``height`` are in pixels as stored; a viewer turns the picture by its EXIF
    ``orientation`` (1 to 8) and shows it in the size ``upright``.
    """

    format: ImageFormat
    width: int
    height: int
    orientation: int = 1

    @property
    def upright(self) -> Size:
        if swaps_axes(self.orientation):
            return Size(self.height, self.width)
        return Size(self.width, self.height)

    @property
    def pixels(self) -> int:
        return self.width * self.height


def probe(data: bytes) -> ImageInfo:
    """Read format, size and orientation without decoding.

    For format and size the beginning of a file is enough: 32 bytes of a PNG or WebP, all before the
    first scan of a JPEG. PNG and WebP may keep the orientation at their end.

    Raises:
        UnusableReference: ``unsupported_image_type`` for anything but JPEG, PNG and WebP,
            ``invalid_image`` for a header that makes no sense.
    """
    if not data:
        raise UnusableReference(f"The image is empty. {_REMEDY}.", code="invalid_image")
    if data.startswith(b"\xff\xd8\xff"):
        info = _jpeg(data)
    elif data.startswith(b"\x89PNG\r\n\x1a\n"):
        info = _png(data)
    elif data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        info = _webp(data)
    else:
        raise _unsupported(data)
    if not info.pixels:
        raise _broken(info.format, f"it says that it is {info.width}x{info.height} pixels")
    return info


def check(data: bytes, *, max_pixels: int) -> ImageInfo:
    """``probe`` the image and refuse what would cost too much to decode.

    Raises:
        UnusableReference: as ``probe``; ``image_too_large`` for one of more than ``max_pixels``,
            more than ``MAX_SIDE`` pixels along a side, or very many progressive scans.
    """
    info = probe(data)
    if info.pixels > max_pixels or max(info.width, info.height) > MAX_SIDE:
        raise UnusableReference(
            f"The image has {info.width}x{info.height} pixels. Scale it down to at most "
            f"{max_pixels / 1e6:g} megapixels and {MAX_SIDE:,} pixels along each side.",
            code="image_too_large",
        )
    if info.format is ImageFormat.JPEG and _jpeg_scans(data) > _MAX_SCANS:
        raise UnusableReference(
            f"The JPEG has more than {_MAX_SCANS} scans. Save it anew, not as progressive.",
            code="image_too_large",
        )
    return info


def _png(data: bytes) -> ImageInfo:
    if len(data) < 24 or data[12:16] != b"IHDR":
        raise _broken(ImageFormat.PNG, "its header is incomplete")
    width, height = (int.from_bytes(data[at : at + 4], "big") for at in (16, 20))
    at, exif = 8, b""
    for _ in range(_MAX_SEGMENTS):
        if exif or len(data) < at + 8:
            break
        length, kind = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        exif = data[at + 8 : at + 8 + length] if kind == b"eXIf" else b""
        at += length + 12
    return ImageInfo(ImageFormat.PNG, width, height, _orientation(exif))


def _webp(data: bytes) -> ImageInfo:
    chunk = data[12:16]
    exif = b""
    if len(data) >= 30 and chunk == b"VP8X":
        width, height = (int.from_bytes(data[at : at + 3], "little") + 1 for at in (24, 27))
        exif = _webp_exif(data)
    elif len(data) >= 30 and chunk == b"VP8 " and data[23:26] == b"\x9d\x01\x2a":
        width, height = (int.from_bytes(data[at : at + 2], "little") & 0x3FFF for at in (26, 28))
    elif len(data) >= 25 and chunk == b"VP8L" and data[20] == 0x2F:
        bits = int.from_bytes(data[21:25], "little")
        width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    else:
        raise _broken(ImageFormat.WEBP, "its header is incomplete")
    return ImageInfo(ImageFormat.WEBP, width, height, _orientation(exif))


def _webp_exif(data: bytes) -> bytes:
    at = 12
    for _ in range(_MAX_SEGMENTS):
        length = int.from_bytes(data[at + 4 : at + 8], "little")
        if data[at : at + 4] == b"EXIF":
            return data[at + 8 : at + 8 + length]
        at += 8 + length + length % 2
    return b""


def _orientation(exif: bytes) -> int:
    """The orientation (1 to 8) in a block of EXIF data; 1 when there is none or it is broken.

    A wrong orientation costs less than a refused photo, so broken metadata is no error.
    """
    tiff = exif.removeprefix(b"Exif\0\0")
    order: Literal["little", "big"]
    if tiff[:4] == b"II*\0":
        order = "little"
    elif tiff[:4] == b"MM\0*":
        order = "big"
    else:
        return 1

    def number(start: int, length: int) -> int:
        return int.from_bytes(tiff[start : start + length], order)

    directory = number(4, 4)
    for index in range(number(directory, 2)):
        entry = directory + 2 + 12 * index
        if entry + 12 > len(tiff):
            break
        if number(entry, 2) == 0x0112:  # Orientation, a SHORT
            value = number(entry + 8, 2)
            return value if 1 <= value <= 8 else 1
    return 1


_SOF_MARKERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_STANDALONE_MARKERS = frozenset(range(0xD0, 0xD9)) | {0x01}
_SOS, _EOI, _APP1 = 0xDA, 0xD9, 0xE1
_MARKER = re.compile(rb"\xff+([^\x00\xff])", re.DOTALL)
_MARKER_AFTER_SCAN = re.compile(rb"\xff+([^\x00\xd0-\xd7\xff])", re.DOTALL)


def _jpeg(data: bytes) -> ImageInfo:
    at, exif = 2, b""
    for _ in range(_MAX_SEGMENTS):
        if (marker := _MARKER.match(data, at)) is None:
            break
        kind, at = marker[1][0], marker.end()
        if kind in _STANDALONE_MARKERS:
            continue
        if kind in (_SOS, _EOI):
            break
        end = at + max(2, int.from_bytes(data[at : at + 2], "big"))
        if kind in _SOF_MARKERS and len(data) >= at + 7:
            height, width = (int.from_bytes(data[i : i + 2], "big") for i in (at + 3, at + 5))
            return ImageInfo(ImageFormat.JPEG, width, height, _orientation(exif))
        if kind == _APP1 and not exif and data[at + 2 : at + 8] == b"Exif\0\0":
            exif = data[at + 2 : end]
        at = end
    raise _broken(ImageFormat.JPEG, "its header is incomplete")


def _jpeg_scans(data: bytes) -> int:
    """Count the scans of a JPEG whose header is sound; above ``_MAX_SCANS`` it may be a guess."""
    at, scans, pattern = 2, 0, _MARKER
    for _ in range(_MAX_SEGMENTS):
        marker = pattern.search(data, at)
        if marker is None or marker[1][0] == _EOI or scans > _MAX_SCANS:
            return scans
        kind, at = marker[1][0], marker.end()
        if kind in _STANDALONE_MARKERS:
            continue
        if kind == _SOS:
            scans, pattern = scans + 1, _MARKER_AFTER_SCAN
        at += int.from_bytes(data[at : at + 2], "big")
    return _MAX_SCANS + 1


def _broken(format: ImageFormat, detail: str) -> UnusableReference:
    return UnusableReference(
        f"The file looks like {format.name} but can't be read: {detail}. {_REMEDY} again.",
        code="invalid_image",
    )


_OTHER_TYPES: tuple[tuple[str, re.Pattern[bytes]], ...] = tuple(
    (name, re.compile(pattern, re.DOTALL | re.IGNORECASE))
    for name, pattern in (
        ("a HEIC picture", rb"....ftyp(hei[cxms]|hev[cmsx]|mif1|msf1)"),
        ("an AVIF picture", rb"....ftypavi[fs]"),
        ("a video", rb"....ftyp|\x1a\x45\xdf\xa3|RIFF....AVI "),
        ("a GIF", rb"GIF8[79]a"),
        ("a TIFF picture", rb"II\*\0|MM\0\*"),
        ("a BMP picture", rb"BM.{4}\0{4}"),
        ("a JPEG XL picture", rb"\xff\x0a|\0\0\0\x0cJXL "),
        ("a JPEG 2000 picture", rb"\0\0\0\x0cjP  |\xff\x4f\xff\x51"),
        ("a Photoshop document", rb"8BPS"),
        ("a PDF", rb"%PDF-"),
        ("an icon", rb"\0\0\x01\0"),
        ("a ZIP archive", rb"PK\x03\x04"),
        ("an SVG drawing", rb"\s*(<\?xml.{0,500}?)?(<!--.{0,500}?-->\s*)?<svg\b"),
        ("a web page", rb"\s*<(!doctype html|html|head)\b"),
        ("JSON", rb'\s*[{\[]\s*["{\[}\]]'),
    )
)


def _unsupported(data: bytes) -> UnusableReference:
    head = data[:1024]
    kind = next((name for name, pattern in _OTHER_TYPES if pattern.match(head)), None)
    return UnusableReference(
        f"The file is {kind or 'no image that can be used here'}. {_REMEDY}.",
        code="unsupported_image_type",
    )
