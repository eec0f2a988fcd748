"""What a video is made of. Equal specifications make equal files, so they are encoded once."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any, Literal

FRAME_RATE = 30
"""Frames per second, as Sora's own files have."""


@dataclass(frozen=True, slots=True)
class Crop:
    """The part of an input that is used, as fractions of its width and height from 0 to 1."""

    left: float = 0.0
    top: float = 0.0
    right: float = 1.0
    bottom: float = 1.0


@dataclass(frozen=True, slots=True)
class Input:
    """An image or a clip that appears in the video from frame ``frame_index`` on.

    ``sha256`` names the stored bytes.
    """

    kind: Literal["image", "video"]
    sha256: str
    frame_index: int = 0
    crop: Crop = Crop()


@dataclass(frozen=True, slots=True)
class VideoSpec:
    """Everything that the picture depends on; ``seconds`` is the length of the video."""

    model: str
    caption: str
    width: int
    height: int
    seconds: int
    note: str = ""
    inputs: tuple[Input, ...] = ()
    sound: bool = True
    variant: int = 0
    still: Literal["WEBP", "JPEG"] = "WEBP"
    low_quality: bool = False

    @property
    def frames(self) -> int:
        """How many frames the video has."""
        return self.seconds * FRAME_RATE

    @property
    def key(self) -> str:
        """A name for the files: 32 hex digits that differ when the specification does."""
        return _digest(asdict(self)).hex()[:32]

    @property
    def seed(self) -> int:
        """A number that decides colours and movement."""
        visible = asdict(self)
        del visible["still"], visible["low_quality"]  # the same picture, written differently
        return int.from_bytes(_digest(visible)[-8:], "big")


def _digest(fields: dict[str, Any]) -> bytes:
    return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).digest()
