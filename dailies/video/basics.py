"""What a video is: its id, size, status and phase, and the words that every part shares."""

from __future__ import annotations

import hashlib
import os
import time
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

__all__ = [
    "ID_PREFIX",
    "Operation",
    "Phase",
    "Priority",
    "Size",
    "Status",
    "Variant",
    "VideoError",
    "created_at",
    "first_id",
    "new_id",
]

ID_PREFIX = "video_"
_LONGEST_SIZE = 40


class Status(StrEnum):
    """The four public statuses; official clients stop on anything else."""

    QUEUED = "queued"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    FAILED = "failed"

    @property
    def is_final(self) -> bool:
        return self in (Status.COMPLETED, Status.FAILED)


class Phase(StrEnum):
    """Where a video is in its life; finer than ``Status``."""

    ACCEPTED = "accepted"
    WAITING = "waiting"
    SUBMITTING = "submitting"
    UNRESOLVED = "unresolved"
    """Nobody can say whether the provider took the request: an operator decides."""
    RENDERING = "rendering"
    ARCHIVING = "archiving"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def status(self) -> Status:
        """The public status that goes with this phase."""
        return _STATUS_OF[self]

    @property
    def is_final(self) -> bool:
        return self.status.is_final

    @property
    def outcome(self) -> str:
        """How a video has ended, in the words of metrics and traces."""
        return "completed" if self is Phase.DONE else self.value


_STATUS_OF = {
    Phase.ACCEPTED: Status.QUEUED,
    Phase.WAITING: Status.QUEUED,
    Phase.SUBMITTING: Status.QUEUED,
    Phase.UNRESOLVED: Status.QUEUED,
    Phase.RENDERING: Status.IN_PROGRESS,
    Phase.ARCHIVING: Status.IN_PROGRESS,
    Phase.DONE: Status.COMPLETED,
    Phase.FAILED: Status.FAILED,
    Phase.CANCELLED: Status.FAILED,
}


class Priority(StrEnum):
    """What goes first of the videos of one owner that wait."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"


class Variant(StrEnum):
    """The files of a finished video, by their names in the protocol."""

    VIDEO = "video"
    THUMBNAIL = "thumbnail"
    SPRITESHEET = "spritesheet"


class Operation(StrEnum):
    """What is asked of the provider."""

    CREATE = "create"
    REMIX = "remix"
    EDIT = "edit"
    EXTEND = "extend"


@dataclass(frozen=True, slots=True, order=True)
class Size:
    """A picture size in pixels, written ``1280x720`` (width x height)."""

    width: int
    height: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``1280x720``; also takes the typographic multiplication sign.

        Raises:
            ValueError: when the text is not two positive integers.
        """
        if len(text) > _LONGEST_SIZE:
            raise ValueError(f"expected a size like '1280x720', got {len(text)} characters")
        width, _, height = (
            text.strip().lower().replace("\N{MULTIPLICATION SIGN}", "x").partition("x")
        )
        if not (width.isdecimal() and height.isdecimal() and int(width) and int(height)):
            raise ValueError(f"expected a size like '1280x720', got {text!r}")
        return cls(int(width), int(height))

    def __str__(self) -> str:
        return f"{self.width}x{self.height}"

    @property
    def aspect(self) -> float:
        return self.width / self.height


@dataclass(frozen=True, slots=True)
class VideoError:
    """Why a video failed: a code for programs and a message that names the remedy."""

    code: str
    message: str


def first_id(at: float) -> str:
    """The lowest id that a video of this time (Unix seconds) can have."""
    return f"{ID_PREFIX}{int(at * 1000):012x}{'0' * 20}"


def created_at(video_id: str) -> float:
    """The time of an id (Unix seconds): its first twelve digits are milliseconds."""
    return int(video_id.removeprefix(ID_PREFIX)[:12], 16) / 1000


def new_id(now: float | None = None, entropy: bytes | None = None) -> str:
    """A fresh video id: ``video_`` and 32 hex digits whose order is the order of time.

    The digits are a UUIDv7 in spirit: 48 bits of Unix milliseconds, then 80 random bits.
    """
    milliseconds = int((time.time() if now is None else now) * 1000)
    random = os.urandom(10) if entropy is None else hashlib.sha256(entropy).digest()[:10]
    return f"{ID_PREFIX}{milliseconds:012x}{random.hex()}"
