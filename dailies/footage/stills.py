"""Pictures of a video: its thumbnail and its spritesheet.

The spritesheet is laid out as Sora's simulator has it: twelve tiles in four columns and three rows,
in the order of time, left to right and then down. Tile ``n`` of twelve, from 0, shows what is on
at ``(n + 1/2) / 12`` of the length; its longer side is 320 pixels, or the video's where that is
less. The thumbnail is what is on at half the length, its longer side at most 1280 pixels.

What is decoded on the way is bounded. A video that puts more between two tiles than one tile's
share shows the last picture that came within it.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PIL import Image

from dailies.footage.opening import frames, opened
from dailies.footage.probing import length_of
from dailies.footage.source import RangeFile
from dailies.video.basics import Variant
from dailies.video.errors import UnplayableVideo

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

__all__ = ["Still", "make_samples", "make_stills"]

_COLUMNS, _ROWS = 4, 3
_TILES = _COLUMNS * _ROWS
_TILE_EDGE = 320
_THUMBNAIL_EDGE = 1280
_SAMPLE_EDGE = 1024
_TILE_PIXELS = 330_000_000
"""Decoded for one tile at most: 159 frames of 1080p, more than lie between two of the twelve tiles
of a minute."""


@dataclass(frozen=True, slots=True)
class Still:
    """A picture made of a video, as a file."""

    data: bytes
    content_type: str


@dataclass(frozen=True, slots=True)
class _Place:
    """A picture that is wanted: at a share of the length, its longer side at most ``edge``."""

    share: float
    edge: int


def make_stills(file: RangeFile, variants: Sequence[Variant]) -> dict[Variant, Still]:
    """Make those of the pictures that are wanted. Busy: call it in a thread.

    Raises:
        UnplayableVideo: it does not decode.
        LimitReached: it would take too much time, bytes or memory.
    """
    places: list[_Place] = []
    if Variant.SPRITESHEET in variants:
        places += [_Place((tile + 0.5) / _TILES, _TILE_EDGE) for tile in range(_TILES)]
    if Variant.THUMBNAIL in variants:
        places.append(_Place(0.5, _THUMBNAIL_EDGE))
    # One way through the video for both: most of the work is what lies between.
    places.sort(key=lambda place: place.share)
    tiles: list[Image.Image] = []
    made: dict[Variant, Still] = {}
    with opened(file) as (container, stream):
        seconds = length_of(container, stream)
        for place, picture in _pictures(file, container, stream, seconds, places):
            if place.edge == _TILE_EDGE:
                tiles.append(picture)
            else:
                made[Variant.THUMBNAIL] = Still(_saved(picture, "WEBP", 82), "image/webp")
    if tiles:
        made[Variant.SPRITESHEET] = Still(_saved(_sheet(tiles), "JPEG", 85), "image/jpeg")
    return made


def make_samples(file: RangeFile, count: int) -> list[bytes]:
    """Pictures from all over a video, for somebody to judge it by: JPEG, their longer side at most
    1024 pixels. Picture ``n`` of ``count``, from 0, is at ``(n + 1/2) / count`` of the length.
    Busy: call it in a thread.

    Raises:
        UnplayableVideo: it does not decode.
        LimitReached: it would take too much time, bytes or memory.
    """
    with opened(file) as (container, stream):
        seconds = length_of(container, stream)
        places = [_Place((n + 0.5) / count, _SAMPLE_EDGE) for n in range(count)]
        pictures = _pictures(file, container, stream, seconds, places)
        return [_saved(picture, "JPEG", 90) for _, picture in pictures]


def _pictures(
    file: RangeFile,
    container: InputContainer,
    stream: VideoStream,
    seconds: float,
    places: Sequence[_Place],
) -> Iterator[tuple[_Place, Image.Image]]:
    """What is on at each of the places, which rise, of a video of so many seconds.

    Goes from frame to frame, and leaps where a key frame lies on the way.

    Raises:
        UnplayableVideo: there is no frame at all.
    """
    assert stream.time_base is not None  # noqa: S101 - FFmpeg gives every stream one
    start = stream.start_time or 0
    container.seek(start, stream=stream)
    coming = frames(file, container, stream)
    frame = next(coming, None)
    if frame is None:
        raise UnplayableVideo("there is no picture in it")
    at = start if frame.pts is None else frame.pts
    keys = _KeyFrames(stream, at)
    for place in places:
        wanted = start + int(place.share * seconds / stream.time_base)
        if keys.before(wanted) > at:
            container.seek(wanted, stream=stream)
            coming = frames(file, container, stream)
            frame = next(coming, frame)
        left = _TILE_PIXELS - frame.width * frame.height
        while _ends(frame) <= wanted and left > 0 and (later := next(coming, None)) is not None:
            frame = later
            left -= frame.width * frame.height
        at = max(at, wanted if frame.pts is None else frame.pts)
        yield place, _small(frame, place.edge)


class _KeyFrames:
    """Where a track can be entered, in its ticks; ``first`` is when its first frame is shown.

    The index tells when frames are decoded, which is earlier by as much as for the first.
    """

    def __init__(self, stream: VideoStream, first: int) -> None:
        self._index = stream.index_entries
        self._first = first
        self._shift = first - self._index[0].timestamp if len(self._index) else 0

    def before(self, time: int) -> int:
        """When the last key frame before a time is shown; the first, where the file doesn't tell of
        any."""
        found = self._index.search_timestamp(time - self._shift, backward=True)
        return self._index[found].timestamp + self._shift if found >= 0 else self._first


def _ends(frame: VideoFrame) -> int:
    """When the next frame begins, in ticks; of one that does not tell, never."""
    return 2**63 if frame.pts is None else frame.pts + max(1, frame.duration or 1)


def _small(frame: VideoFrame, edge: int) -> Image.Image:
    """A frame as players show it, its longer side at most ``edge``. It is made small before it is
    made RGB: of the whole frame there is no second copy."""
    scale = min(1.0, edge / max(frame.width, frame.height))
    small = frame.reformat(
        width=max(1, round(frame.width * scale)),
        height=max(1, round(frame.height * scale)),
        format="rgb24",
        interpolation="AREA",
    )
    image: Image.Image = small.to_image()  # type: ignore[no-untyped-call] # PyAV's own
    return image.rotate(frame.rotation, expand=True) if frame.rotation else image


def _sheet(tiles: Sequence[Image.Image]) -> Image.Image:
    width, height = tiles[0].size
    sheet = Image.new("RGB", (width * _COLUMNS, height * _ROWS))
    for number, tile in enumerate(tiles):
        row, column = divmod(number, _COLUMNS)
        # A video may change its size on the way; a tile does not.
        sheet.paste(tile.resize((width, height)), (column * width, row * height))
    return sheet


def _saved(image: Image.Image, format: str, quality: int) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format, quality=quality)
    return buffer.getvalue()
