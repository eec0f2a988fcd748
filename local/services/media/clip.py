"""Reading a video that was sent as an input."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
from av.video.reformatter import Colorspace
from PIL import Image

from local.services.media.spec import FRAME_RATE


class UnreadableClipError(ValueError):
    """The bytes are no video that can be decoded."""


@dataclass(frozen=True, slots=True)
class ClipFacts:
    """Width and height in pixels, length in seconds."""

    width: int
    height: int
    seconds: float


def probe_clip(path: Path) -> ClipFacts:
    """Measure a video without decoding it.

    Raises:
        UnreadableClipError: it is not an MP4 with a video stream.
    """
    try:
        with av.open(str(path), "r", format="mp4") as container:
            if not container.streams.video:
                raise UnreadableClipError("the file has no video stream")
            stream = container.streams.video[0]
            length = float(container.duration or 0) / av.time_base
            return ClipFacts(stream.codec_context.width, stream.codec_context.height, length)
    except (av.FFmpegError, OSError) as exc:
        raise UnreadableClipError(f"the file is not a readable MP4 video: {exc}") from exc


def decode_clip(path: Path) -> Iterator[Image.Image]:
    """The frames of a video as RGB at the output's frame rate, one at a time.

    Raises:
        UnreadableClipError: there is nothing in it that can be decoded.
    """
    shown = 0
    try:
        with av.open(str(path), "r", format="mp4") as container:
            for frame in container.decode(container.streams.video[0]):
                # A frame is repeated until its time is up, so that any frame rate keeps its speed.
                due = max(1, round((frame.time or 0.0) * FRAME_RATE) + 1)
                if due > shown:
                    image = _rgb(frame)
                while shown < due:
                    yield image
                    shown += 1
    except av.FFmpegError as exc:
        raise UnreadableClipError(f"the video can't be decoded: {exc}") from exc
    if shown == 0:
        raise UnreadableClipError("the file has no decodable frame")


def _rgb(frame: av.VideoFrame) -> Image.Image:
    source = Colorspace.DEFAULT if frame.colorspace == 2 else frame.colorspace
    converted = frame.reformat(format="rgba", src_colorspace=source)
    plane = converted.planes[0]
    wide = Image.frombuffer("RGBA", (plane.line_size // 4, plane.height), bytes(plane))
    return wide.crop((0, 0, plane.width, plane.height)).convert("RGB")
