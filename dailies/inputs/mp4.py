"""What the boxes of an MP4 say, read piece by piece: nothing is decoded, no file is read whole.

Only headers of boxes and the box ``moov`` are read, so a file of any size costs a few short reads.
Whatever the bytes are, the answer is a ``ClipInfo`` or ``UnusableReference``. Format: ISO/IEC
14496-12 (boxes, ``ftyp``, ``moov``) and 14496-14 (brands of MP4).
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from dailies.inputs.heif import looks_like_heif
from dailies.inputs.reading import BytesReader, RangeReader
from dailies.video.basics import Size
from dailies.video.errors import UnusableReference

__all__ = ["BytesReader", "ClipInfo", "RangeReader", "looks_like_mp4", "probe_clip"]

_MOST_BOXES = 1000
_MOST_OUTER_BOXES = 64
"""Each costs a read of its own; real files have about five."""

_MOST_STEPS = 100_000
"""In the table of frame times; a short video has one, or one for each of its frames."""

_MOST_MOOV_BYTES = 4 * 1024**2
"""An index of five seconds has some kilobytes; one of hours is below this."""
_MAX_SIDE = 16_384
_REMEDY = "Save it as an ordinary MP4 (for instance with: ffmpeg -i clip -c copy clip.mp4)."


@dataclass(frozen=True, slots=True)
class ClipInfo:
    """The size in pixels in which players show it, and the length in seconds."""

    size: Size
    seconds: float


@dataclass(frozen=True, slots=True)
class _Box:
    kind: bytes
    content: bytes


def looks_like_mp4(head: bytes) -> bool:
    """Whether a file that begins so is of the family of MP4, QuickTime included.

    Pictures of phones (HEIC, AVIF) begin as an MP4 does, and are none.
    """
    return not looks_like_heif(head) and head[4:8] in (
        b"ftyp",
        b"moov",
        b"mdat",
        b"wide",
        b"free",
        b"skip",
    )


async def probe_clip(file: RangeReader) -> ClipInfo:
    """Size and length of the video in an MP4.

    Raises:
        UnusableReference: ``unsupported_video_type`` for what is no MP4, ``invalid_video`` for one
            that is broken, incomplete, fragmented or without a picture.
    """
    moov = await _find_moov(file)
    try:
        return _describe(moov)
    except (struct.error, IndexError):
        raise _broken("its index makes no sense") from None


async def _find_moov(file: RangeReader) -> bytes:
    """The content of the box ``moov``, of a file whose pictures are all there."""
    offset, moov = 0, None
    for _ in range(_MOST_OUTER_BOXES):
        if offset >= file.length or (moov is not None and file.length - offset < 8):
            break
        head = await file.read(offset, 16)
        kind, header, size = _header(head, file.length - offset)
        if offset == 0:
            await _check_brand(file, header, size - header, kind)
        if offset + size > file.length and (moov is None or kind == b"mdat"):
            raise _broken("it stops short; see that it is uploaded whole")
        if kind == b"moof":
            raise _broken("it is in fragments, as for streaming")
        if kind == b"moov" and moov is None:
            if size > _MOST_MOOV_BYTES:
                raise _broken("its index is larger than that of any short video")
            moov = await file.read(offset + header, size - header)
        offset += size
    if moov is None:
        raise _broken("it has no index, so it is probably incomplete")
    return moov


def _header(head: bytes, remaining: int) -> tuple[bytes, int, int]:
    """Kind, bytes of the header, and bytes of the whole box."""
    if len(head) < 8:
        raise _broken("it ends within a box")
    size, kind = int.from_bytes(head[:4], "big"), head[4:8]
    header = 8
    if size == 1:
        if len(head) < 16:
            raise _broken("it ends within a box")
        size, header = int.from_bytes(head[8:16], "big"), 16
    elif size == 0:  # to the end of the file
        size = remaining
    if size < header:
        raise _broken("the size of a box makes no sense")
    return kind, header, size


async def _check_brand(file: RangeReader, offset: int, length: int, kind: bytes) -> None:
    if kind != b"ftyp":
        raise _unsupported("does not begin as an MP4 does")
    brand = await file.read(offset, min(4, max(0, length)))
    if brand == b"qt  ":
        raise _unsupported("is a QuickTime movie")


def _describe(moov: bytes) -> ClipInfo:
    boxes = {box.kind: box.content for box in reversed(list(_boxes(moov)))}
    if b"mvex" in boxes:
        raise _broken("it is in fragments, as for streaming")
    for box in _boxes(moov):
        if box.kind == b"trak" and (info := _video_track(box.content)) is not None:
            return info
    raise _broken("there is no picture in it")


def _video_track(trak: bytes) -> ClipInfo | None:
    """What a track says; None when it is no picture."""
    track = _children(trak)
    media = _children(track.get(b"mdia", b""))
    if media.get(b"hdlr", b"")[8:12] != b"vide":
        return None
    if b"tkhd" not in track or b"mdhd" not in media:
        raise _broken("its picture has no size or no length")
    samples = _children(_children(media.get(b"minf", b"")).get(b"stbl", b""))
    timescale, declared = _media_header(media[b"mdhd"])
    ticks = max(declared, _total_time(samples.get(b"stts", b"")))
    size = _shown_size(track[b"tkhd"])
    if not (timescale and ticks):
        raise _broken("its picture has no length")
    return ClipInfo(size, ticks / timescale)


def _boxes(data: bytes) -> Iterator[_Box]:
    """The boxes in the content of another; what is broken ends them."""
    offset = 0
    for _ in range(_MOST_BOXES):
        if len(data) - offset < 8:
            return
        kind, header, size = _header(data[offset : offset + 16], len(data) - offset)
        if offset + size > len(data):
            raise _broken("a box in its index is larger than the index")
        yield _Box(kind, data[offset + header : offset + size])
        offset += size


def _children(data: bytes) -> dict[bytes, bytes]:
    """The boxes inside, the first of each kind."""
    return {box.kind: box.content for box in reversed(list(_boxes(data)))}


def _media_header(mdhd: bytes) -> tuple[int, int]:
    """Ticks per second, and the length in ticks; all ones mean that nobody knows it."""
    if mdhd[0] == 1:
        timescale, duration = struct.unpack_from(">IQ", mdhd, 20)
        return timescale, 0 if duration == 2**64 - 1 else duration
    timescale, duration = struct.unpack_from(">II", mdhd, 12)
    return timescale, 0 if duration == 2**32 - 1 else duration


def _total_time(stts: bytes) -> int:
    """The length of all frames together: a header can claim anything, these are what is played."""
    if len(stts) < 8:
        return 0
    count = min(int.from_bytes(stts[4:8], "big"), (len(stts) - 8) // 8)
    if count > _MOST_STEPS:
        raise _broken("its index is larger than that of any short video")
    entries = struct.iter_unpack(">II", stts[8 : 8 + 8 * count])
    return sum(frames * ticks for frames, ticks in entries)


def _shown_size(tkhd: bytes) -> Size:
    """Width and height after the track's rotation, in pixels."""
    at = 52 if tkhd[0] == 1 else 40
    a, b, _, c, d = struct.unpack_from(">iiiii", tkhd, at)
    width, height = (
        side / 65536 for side in struct.unpack_from(">II", tkhd, at + 36)
    )  # 16.16 fixed point
    # A quarter turn has the matrix (0, ±1, ∓1, 0); only then do the sides change places.
    if a == 0 and d == 0 and b and c:
        width, height = height, width
    if not (1 <= width <= _MAX_SIDE and 1 <= height <= _MAX_SIDE):
        raise _broken(f"it says that it is {width:g}x{height:g} pixels")
    return Size(math.floor(width), math.floor(height))


def _unsupported(what: str) -> UnusableReference:
    return UnusableReference(f"The video {what}. {_REMEDY}", code="unsupported_video_type")


def _broken(what: str) -> UnusableReference:
    return UnusableReference(
        f"The MP4 can't be used: {what}. {_REMEDY}",
        code="invalid_video",
    )
