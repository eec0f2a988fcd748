"""Small pictures and clips that tests start videos from."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path

import av
from PIL import Image, ImageChops

__all__ = ["clip_bytes", "write_clip", "write_picture"]

_RATE = 30


def write_picture(path: Path, width: int = 320, height: int = 240) -> Path:
    """A picture with a gradient; the format is that of the name."""
    across = Image.linear_gradient("L").rotate(90).resize((width, height))
    Image.merge("RGB", (across, Image.new("L", across.size), ImageChops.invert(across))).save(path)
    return path


def write_clip(
    path: Path, *, seconds: float = 2, width: int = 320, height: int = 240, **options: str
) -> Path:
    """An H.264 clip whose picture changes; ``options`` are the muxer's."""
    with av.open(str(path), "w", options=options) as container:
        stream = container.add_stream("libx264", rate=_RATE)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for number in range(round(seconds * _RATE)):
            shade = number * 3 % 256
            picture = Image.new("RGB", (width, height), (shade,) * 3)
            frame = av.VideoFrame.from_image(picture)  # type: ignore[no-untyped-call] # PyAV's own
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


@functools.cache
def clip_bytes(seconds: float = 0.2, width: int = 64, height: int = 48) -> bytes:
    """A whole H.264 clip of some kilobytes, as a provider's file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip.mp4"
        return write_clip(path, seconds=seconds, width=width, height=height).read_bytes()
