"""Whether a video plays, and what it really is.

A video is decoded at its beginning and from the last key frame on: so the index is there and true,
and so are the pictures at both ends. What lies between is not decoded, which would take minutes of
a processor for a long video; that all of its bytes came is known by their number and by the sizes
of the boxes (see ``dailies.inputs.mp4_stream``).
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from dailies.footage.opening import codec_of, frames, opened
from dailies.footage.source import RangeFile
from dailies.video.basics import Size
from dailies.video.errors import LimitReached, UnplayableVideo
from dailies.video.probe import Probe

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

__all__ = ["is_turned", "length_of", "probe"]

_FRAMES = 3
"""At either end: a key frame and some that build on it. Each costs a millisecond of a processor or
more, for every video."""

_MICROSECONDS = 1_000_000
_MOST_SECONDS = 86_400
"""What is said to be longer says it by mistake: models make seconds, or minutes."""


def probe(file: RangeFile) -> Probe:
    """Decode both ends of a video and tell what it is. Busy: call it in a thread.

    Raises:
        UnplayableVideo: it has no pictures that decode.
        LimitReached: nobody knows, as it would take too long.
    """
    with opened(file) as (container, stream):
        first = _some(file, container, stream, "at its beginning")
        seconds = length_of(container, stream)
        _seek_end(container, stream)
        _some(file, container, stream, "near its end")
        sound = next(iter(container.streams.audio), None)
        sides = (first.width, first.height)
        rate = stream.average_rate or stream.guessed_rate
        return Probe(
            seconds=round(seconds, 3),
            size=Size(*(sides[::-1] if is_turned(first) else sides)),
            frames_per_second=round(float(rate), 3) if rate else None,
            video_codec=codec_of(stream) or "",
            audio_codec=codec_of(sound) if sound else None,
            sound=sound is not None,
        )


def length_of(container: InputContainer, stream: VideoStream) -> float:
    """Seconds that the picture runs: what its track says, else the whole file.

    Raises:
        UnplayableVideo: nobody says it.
        LimitReached: it is said to be days.
    """
    seconds = 0.0
    if stream.duration and stream.time_base:
        seconds = float(stream.duration * stream.time_base)
    elif container.duration:
        seconds = container.duration / _MICROSECONDS
    if seconds <= 0:
        raise UnplayableVideo("its picture has no length")
    if seconds > _MOST_SECONDS:
        raise LimitReached("it says that it is days long")
    return seconds


def is_turned(frame: VideoFrame) -> bool:
    """Players show it with its sides changed, by its display matrix."""
    return frame.rotation % 180 == 90


def _some(
    file: RangeFile, container: InputContainer, stream: VideoStream, where: str
) -> VideoFrame:
    """The first of some pictures, all of which decode."""
    found = next(iter(list(islice(frames(file, container, stream), _FRAMES))), None)
    if found is None:
        raise UnplayableVideo(f"there is no picture {where}")
    return found


def _seek_end(container: InputContainer, stream: VideoStream) -> None:
    """Go to the last key frame."""
    end = (stream.start_time or 0) + (stream.duration or 0)
    if stream.duration:
        container.seek(end, stream=stream)
    else:
        container.seek((container.start_time or 0) + (container.duration or 0))
