"""The header of a JPEG, and how often its decoder passes over the picture.

Formats: ITU-T T.81 annex B (markers, frames, scans), Exif 2.32 and XMP part 3 (segments APP1).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

from dailies.inputs.image_info import ImageFormat, ImageInfo, broken
from dailies.inputs.orientation import orientation
from dailies.inputs.reading import Reading

__all__ = ["MOST_SCANS", "read_jpeg"]

MOST_SCANS = 100
"""A progressive JPEG has about ten scans; each costs a pass over the whole picture."""

_MOST_SEGMENTS = 10_000
"""How many markers to look at; made-up files hold millions of empty ones."""

_MOST_FILL = 128
"""Bytes before a marker that only fill; one of them is usual."""

_WINDOW = 256 * 1024
_PIXEL_BYTES = 4
_SOF_MARKERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_PROGRESSIVE = frozenset({0xC2, 0xC6, 0xCA, 0xCE})
_STANDALONE_MARKERS = frozenset(range(0xD0, 0xD9)) | {0x01}
_SOS, _EOI, _APP1 = 0xDA, 0xD9, 0xE1
# In what is coded. One 0xff only: of a run of them the last is part of the marker, the others fill.
# A pattern with the whole run would be tried anew at each of its bytes.
_MARKER = re.compile(rb"\xff([^\x00\xd0-\xd7\xff])", re.DOTALL)
_EXIF, _XMP = b"Exif\0\0", b"http://ns.adobe.com/xap/1.0/\0"


@dataclass(frozen=True, slots=True)
class _Frame:
    """The frame's header.

    Attributes:
        coefficient_bytes: for each pixel, of what a decoder keeps of the whole picture when it
            comes in several scans: two for each sample of each component.
    """

    width: int
    height: int
    is_progressive: bool
    coefficient_bytes: float

    @classmethod
    def of(cls, kind: int, header: bytes) -> Self:
        """``header`` is precision, height, width, and the components, three bytes each."""
        factors = [(byte >> 4, byte & 15) for byte in header[7 : 6 + 3 * header[5] : 3]]
        most = max((h for h, _ in factors), default=1) * max((v for _, v in factors), default=1)
        samples = sum(h * v for h, v in factors) / max(1, most)
        return cls(
            width=int.from_bytes(header[3:5], "big"),
            height=int.from_bytes(header[1:3], "big"),
            is_progressive=kind in _PROGRESSIVE,
            coefficient_bytes=2 * samples,
        )


def read_jpeg() -> Reading[ImageInfo]:
    """Size, orientation and scans of a JPEG.

    Raises:
        UnusableReference: ``invalid_image`` when no picture begins in it.
    """
    frame, turned, at = yield from _header()
    scans, is_whole = yield from _scans(at)
    memory = float(_PIXEL_BYTES)
    if frame.is_progressive or scans > 1:
        memory += frame.coefficient_bytes
    return ImageInfo(
        ImageFormat.JPEG,
        frame.width,
        frame.height,
        turned,
        bytes_per_pixel=memory,
        scans=scans,
        is_whole=is_whole,
    )


def _header() -> Reading[tuple[_Frame, int, int]]:
    """The frame's header, the orientation, and where the first scan begins.

    What decoders pass over byte by byte (fill, segments without number) is limited here.
    """
    at, exif, xmp, frame = 2, b"", b"", None
    for _ in range(_MOST_SEGMENTS):
        head = yield (at, _MOST_FILL)
        fill = len(head) - len(head.lstrip(b"\xff"))
        if not 0 < fill < len(head) or head[fill] == 0:
            break
        kind, at, head = head[fill], at + fill + 1, head[fill + 1 :]
        if kind in _STANDALONE_MARKERS:
            continue
        if kind == _EOI:
            break
        length = max(2, int.from_bytes(head[:2], "big"))
        if kind == _SOS and frame is not None:
            return frame, orientation(exif, xmp), at + length
        if kind in _SOF_MARKERS and len(head) >= 8:
            if frame is not None:
                raise broken(ImageFormat.JPEG, "it gives two sizes")
            frame = _Frame.of(kind, head[2:])
        if kind == _APP1 and length > 2 and not (exif and xmp):
            segment = yield (at + 2, length - 2)
            exif = exif or (segment if segment.startswith(_EXIF) else b"")
            xmp = xmp or (segment.removeprefix(_XMP) if segment.startswith(_XMP) else b"")
        at += length
    raise broken(ImageFormat.JPEG, "its header is incomplete")


def _scans(at: int) -> Reading[tuple[int, bool]]:
    """Count the scans, of which the first begins at ``at``; above ``MOST_SCANS`` it is a guess. And
    whether the picture ends in the file."""
    scans = 1
    for _ in range(_MOST_SEGMENTS):
        found = yield from _next_marker(at)
        if found is None or found[0] == _EOI or scans > MOST_SCANS:
            return scans, found is not None
        kind, at = found
        if kind in _STANDALONE_MARKERS:
            continue
        if kind == _SOS:
            scans += 1
        head = yield (at, 2)
        at += int.from_bytes(head, "big")
    return MOST_SCANS + 1, True


def _next_marker(at: int) -> Reading[tuple[int, int] | None]:
    """The next marker from ``at``, and where it ends; None when there is none."""
    size = 64  # mostly it is right there
    while True:
        window = yield (at, size)
        found = _MARKER.search(window)
        if found is not None:
            return found[1][0], at + found.end()
        if len(window) < size:
            return None
        at += size - 1  # a marker may lie across two windows
        size = _WINDOW
