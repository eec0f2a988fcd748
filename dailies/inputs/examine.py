"""What is given to appear at a frame of the video: an image or a clip, examined before it is taken.

A clip is never held whole: its length and size are read from pieces of it.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from dailies.inputs.headers import check_file
from dailies.inputs.mp4 import looks_like_mp4, probe_clip
from dailies.inputs.reading import BytesReader, RangeReader
from dailies.video.basics import Size
from dailies.video.errors import UnusableReference
from dailies.video.request import InputKind

__all__ = ["BytesSource", "Examined", "InputLimits", "InputSource", "digest", "examine"]

_PIECE = 1024**2
_TOLERANCE = 0.1
"""Seconds by which a clip may be longer: encoders round up to whole frames."""


@dataclass(frozen=True, slots=True)
class InputLimits:
    """How large an input may be: bytes, pixels, seconds."""

    image_bytes: int
    image_pixels: int
    video_bytes: int
    video_seconds: float


@dataclass(frozen=True, slots=True)
class Examined:
    """What an input is; ``size`` is the one in which viewers show it."""

    type: InputKind
    content_type: str
    size: Size


@runtime_checkable
class InputSource(RangeReader, Protocol):
    """A file that can be read in pieces, and from its beginning to its end."""

    def open(self) -> AsyncIterator[bytes]:
        """Start reading it anew."""
        ...


@dataclass(frozen=True, slots=True)
class BytesSource(BytesReader):
    """Bytes in memory."""

    async def open(self) -> AsyncIterator[bytes]:
        """See ``InputSource``."""
        for offset in range(0, len(self.data), _PIECE):
            yield self.data[offset : offset + _PIECE]


async def digest(source: InputSource) -> str:
    """The SHA-256 of a file, without holding it."""
    sha256 = hashlib.sha256()
    async for chunk in source.open():
        sha256.update(chunk)
    return sha256.hexdigest()


async def examine(file: RangeReader, limits: InputLimits) -> Examined:
    """See what a file is, by its content.

    Raises:
        UnusableReference: it is neither an image nor an MP4 that can be used; or it is too large,
            or too long (``video_too_long``).
    """
    if looks_like_mp4(await file.read(0, 16)):
        return await _examine_clip(file, limits)
    if file.length > limits.image_bytes:
        raise UnusableReference(
            f"The image has {file.length:,} bytes; at most {limits.image_bytes:,} are taken. Save "
            "it smaller.",
            code="image_too_large",
        )
    info = await check_file(file, max_pixels=limits.image_pixels)
    return Examined(InputKind.IMAGE, f"image/{info.format.value}", info.upright)


async def _examine_clip(file: RangeReader, limits: InputLimits) -> Examined:
    if file.length > limits.video_bytes:
        raise UnusableReference(
            f"The video has {file.length:,} bytes; at most {limits.video_bytes:,} are taken. Save "
            "it at a lower bit rate.",
            code="video_too_large",
        )
    clip = await probe_clip(file)
    if clip.seconds > limits.video_seconds + _TOLERANCE:
        raise UnusableReference(
            f"The video is {clip.seconds:.1f} seconds long; at most {limits.video_seconds:g} are "
            f"taken. Cut it (for instance with: ffmpeg -i clip.mp4 -t {limits.video_seconds:g} "
            "short.mp4).",
            code="video_too_long",
        )
    return Examined(InputKind.VIDEO, "video/mp4", clip.size)
