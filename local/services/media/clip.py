"""Reading a video that was sent as an input."""

from __future__ import annotations

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
        with av.open(str(path), format="mp4") as container:
            if not container.streams.video:
                raise UnreadableClipError("the file has no video stream")
            stream = container.streams.video[0]
            length = float(container.duration or 0) / av.time_base
            return ClipFacts(stream.codec_context.width, stream.codec_context.height, length)
    except (av.FFmpegError, OSError) as exc:
        raise UnreadableClipError(f"the file is not a readable MP4 video: {exc}") from exc


def decode_clip(path: Path, most_frames: int) -> list[Image.Image]:
    """The frames of a video at the output's frame rate, as RGB; at most ``most_frames``."""
    frames: list[Image.Image] = []
    with av.open(str(path), format="mp4") as container:
        for frame in container.decode(container.streams.video[0]):
            image = _rgb(frame)
            due = max(1, round(((frame.time or 0.0) + 1e-6) * FRAME_RATE) + 1)
            # A frame is repeated until its time is up, so that any frame rate plays at its speed.
            while len(frames) < min(due, most_frames):
                frames.append(image)
            if len(frames) >= most_frames:
                break
    if not frames:
        raise UnreadableClipError("the file has no decodable frame")
    return frames


def _rgb(frame: av.VideoFrame) -> Image.Image:
    source = Colorspace.DEFAULT if frame.colorspace == 2 else frame.colorspace
    converted = frame.reformat(format="rgba", src_colorspace=source)
    plane = converted.planes[0]
    wide = Image.frombuffer("RGBA", (plane.line_size // 4, plane.height), bytes(plane))
    return wide.crop((0, 0, plane.width, plane.height)).convert("RGB")
