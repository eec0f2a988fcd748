"""Looking into a stored video, off the loop and one at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

from dailies.footage.credentials import credentials_in
from dailies.footage.outline import Box, boxes_at_top
from dailies.footage.probing import probe
from dailies.footage.source import Blocks, RangeFile, in_thread
from dailies.footage.stills import Still, make_samples, make_stills
from dailies.inputs.mp4 import looks_like_mp4
from dailies.inputs.reading import RangeReader, read_file
from dailies.threads import Pool
from dailies.video.basics import Variant
from dailies.video.errors import LimitReached
from dailies.video.probe import Findings

__all__ = ["examine", "samples", "stills"]

T = TypeVar("T")

_EXAMINE_SECONDS, _EXAMINE_BYTES = 30.0, 128 * 1024**2
"""For the index and two places of a video; it takes some milliseconds and mebibytes."""

_STILLS_SECONDS, _STILLS_BYTES = 90.0, 512 * 1024**2
"""What lies between the tiles is read too: a minute of 1080p has about 100 MB."""

_MOST_INDEX_BYTES = 16 * 1024**2
"""FFmpeg holds the index in memory, several times as large; an hour of video has some MB."""


async def examine(file: RangeReader, pool: Pool) -> Findings:
    """What a video is and who signed it; call it with a place in the pool.

    Raises:
        UnplayableVideo: it does not decode.
        LimitReached: nobody knows, as it would take too much.
    """
    blocks = Blocks(file)
    boxes = await _boxes(blocks)
    found = await in_thread(
        probe, blocks, pool, seconds=_EXAMINE_SECONDS, most_bytes=_EXAMINE_BYTES
    )
    signed = None if boxes is None else await read_file(credentials_in(boxes), blocks)
    return Findings(probe=found, content_credentials=signed)


async def stills(
    file: RangeReader, pool: Pool, variants: Sequence[Variant]
) -> dict[Variant, Still]:
    """The pictures that are wanted of a video; call it with a place in the pool.

    Raises:
        UnplayableVideo: it does not decode.
        LimitReached: it would take too much.
    """
    return await _pictures(partial(make_stills, variants=variants), file, pool)


async def samples(file: RangeReader, pool: Pool, count: int) -> list[bytes]:
    """Pictures from all over a video, as JPEG; call it with a place in the pool.

    Raises:
        UnplayableVideo: it does not decode.
        LimitReached: it would take too much.
    """
    return await _pictures(partial(make_samples, count=count), file, pool)


async def _pictures(make: Callable[[RangeFile], T], file: RangeReader, pool: Pool) -> T:
    blocks = Blocks(file)
    await _boxes(blocks)
    return await in_thread(make, blocks, pool, seconds=_STILLS_SECONDS, most_bytes=_STILLS_BYTES)


async def _boxes(file: RangeReader) -> list[Box] | None:
    """The boxes at the top of an MP4; None of anything else."""
    if not looks_like_mp4(await file.read(0, 16)):
        return None
    boxes = await read_file(boxes_at_top(file.length), file)
    if any(box.kind == b"moov" and box.end - box.start > _MOST_INDEX_BYTES for box in boxes):
        raise LimitReached("its index is larger than that of an hour of video")
    return boxes
