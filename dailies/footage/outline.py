"""Which boxes an MP4 has at its top, before anything is decoded.

Only their headers are read. Format: ISO/IEC 14496-12, 4.2.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from dailies.inputs.reading import Reading

__all__ = ["Box", "boxes_at_top", "boxes_in"]

_MOST_BOXES = 64
"""At the top of a file: each may cost a read of its own; real files have about five."""

_MOST_INNER_BOXES = 1000
_SHORT_HEADER, _LONG_HEADER = 8, 16


@dataclass(frozen=True, slots=True)
class Box:
    """A box: its kind, and where its content begins and ends, in bytes."""

    kind: bytes
    start: int
    end: int


def boxes_at_top(length: int) -> Reading[list[Box]]:
    """The first boxes of a file of ``length`` bytes; what makes no sense ends them."""
    found: list[Box] = []
    offset = 0
    while len(found) < _MOST_BOXES and length - offset >= _SHORT_HEADER:
        box = _box((yield offset, _LONG_HEADER), offset, length)
        if box is None:
            break
        found.append(box)
        offset = box.end
    return found


def boxes_in(data: bytes, start: int, end: int) -> Iterator[Box]:
    """The boxes in a part of some bytes; what makes no sense ends them."""
    for _ in range(_MOST_INNER_BOXES):
        box = _box(data[start : min(end, start + _LONG_HEADER)], start, end)
        if box is None:
            return
        yield box
        start = box.end


def _box(header: bytes, offset: int, end: int) -> Box | None:
    """The box that begins with a header; None when it does not fit in before ``end``."""
    size, kind, begins = int.from_bytes(header[:4], "big"), header[4:8], offset + _SHORT_HEADER
    if size == 1:
        size, begins = int.from_bytes(header[8:16], "big"), offset + _LONG_HEADER
    elif size == 0:  # to the end
        size = end - offset
    if len(header) < _SHORT_HEADER or not begins <= offset + size <= end:
        return None
    return Box(kind, begins, offset + size)
