"""How large the pictures in an AVIF really are, as their own headers say it.

The boxes of an AVIF can claim any size; a decoder makes room for what the coded picture says, and
compares afterwards. Source: AV1 bitstream specification, 5.3 (OBU headers) and 5.5 (sequence
header).
"""

from __future__ import annotations

from dailies.inputs.heif_boxes import BoxError, Items
from dailies.inputs.reading import Reading

__all__ = ["coded_pixels"]

_MOST_ITEMS = 600
_MOST_UNITS = 64
_SEQUENCE_HEADER = 1


def coded_pixels(items: Items) -> Reading[int]:
    """The pixels of all coded pictures in a file together.

    Raises:
        BoxError: a picture has no header that could be read.
    """
    coded = [item for item, kind in items.types.items() if kind == b"av01"]
    if not 0 < len(coded) <= _MOST_ITEMS:
        raise BoxError("it has no pictures, or very many")
    pixels = 0
    for item in coded:
        pieces = items.extents.get(item, [])
        if len(pieces) != 1:
            raise BoxError("its picture lies in pieces")
        pixels += yield from _pixels_of(*pieces[0])
    return pixels


def _pixels_of(at: int, length: int) -> Reading[int]:
    """The most pixels that a sequence header in these bytes of the file gives."""
    end, most = at + length, 0
    for _ in range(_MOST_UNITS):
        if at >= end:
            break
        head = yield (at, 64)
        kind, start, size = _unit(head, end - at)
        if kind == _SEQUENCE_HEADER:
            most = max(most, _sequence_pixels(head[start : start + size]))
        at += start + size
    else:
        raise BoxError("its picture has too many parts")
    if not most:
        raise BoxError("its picture has no header")
    return most


def _unit(head: bytes, left: int) -> tuple[int, int, int]:
    """Kind of an OBU, bytes of its own header, and bytes behind that."""
    if len(head) < 2:
        raise BoxError("its picture ends too early")
    kind, has_extension, has_size = head[0] >> 3 & 15, head[0] & 4, head[0] & 2
    start = 2 if has_extension else 1
    if not has_size:  # to the end
        return kind, start, left
    size = 0
    for place in range(8):  # leb128
        byte = head[start + place] if start + place < len(head) else 0
        size |= (byte & 0x7F) << (7 * place)
        if not byte & 0x80:
            return kind, start + place + 1, size
    raise BoxError("the length of a part of its picture makes no sense")


class _Bits:
    """Reads numbers of so many bits; what is beyond the end is 0."""

    def __init__(self, data: bytes) -> None:
        self._bits = int.from_bytes(data.ljust(64, b"\0"), "big")
        self._left = 8 * max(64, len(data))

    def take(self, count: int) -> int:
        self._left -= count
        if self._left < 0:
            raise BoxError("the header of its picture ends too early")
        return self._bits >> self._left & ((1 << count) - 1)


def _sequence_pixels(header: bytes) -> int:
    """The most that a frame of the sequence may have."""
    bits = _Bits(header)
    bits.take(4)  # profile, still_picture
    if bits.take(1):  # reduced_still_picture_header
        bits.take(5)
    else:
        if bits.take(1):  # timing_info_present_flag
            raise BoxError("its picture is a film")
        has_delays = bits.take(1)
        for _ in range(bits.take(5) + 1):
            bits.take(12)
            if bits.take(5) > 7:  # seq_level_idx, then seq_tier
                bits.take(1)
            if has_delays and bits.take(1):
                bits.take(4)
    of_width, of_height = bits.take(4) + 1, bits.take(4) + 1
    return (bits.take(of_width) + 1) * (bits.take(of_height) + 1)
