"""What a guard is shown, and what it may say.

What a guard says is a value: that it could not say is as expected as a refusal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from dailies.video.guarding import GuardName, GuardRules
from dailies.video.request import VideoRequest

__all__ = [
    "Guard",
    "Passed",
    "Refused",
    "Sent",
    "Shown",
    "Subject",
    "Unsaid",
    "Verdict",
]


class Shown(StrEnum):
    """What of a video a guard has looked at."""

    PROMPT = "prompt"
    INPUT = "input"
    VIDEO = "video"


@dataclass(frozen=True, slots=True)
class Sent:
    """A file that came with a request; ``sha256`` is in hex."""

    role: str
    content_type: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Subject:
    """What is looked at: a request, a character that is to be kept, or a finished video.

    Attributes:
        model: the name of the catalogue.
        request: None of a character.
        texts: the prompt, and what else of the request is read as one.
        sent: the files that came with the request.
        pictures: JPEG, small enough for every guard: of those files, or of the video.
        video_id: of a finished video; None of a request.
        character: its name.
        link: where the finished video can be read for a while.
    """

    owner: str
    model: str
    request: VideoRequest | None = None
    character: str | None = None
    texts: tuple[str, ...] = field(default=(), repr=False)
    sent: Sequence[Sent] = ()
    pictures: Sequence[bytes] = field(default=(), repr=False)
    video_id: str | None = None
    link: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Passed:
    """Nothing against it."""


@dataclass(frozen=True, slots=True)
class Refused:
    """It may not pass.

    Attributes:
        category: of what it has too much, in a word that its sender may know.
        detail: for the log alone: which list it was, or how severe.
    """

    category: str
    shown: Shown
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class Unsaid:
    """Nobody knows: the guard did not answer, or with nothing that can be read.

    Attributes:
        reason: for the log alone; it holds nothing of what was looked at.
        remedy: what the operator can do, where that is known.
    """

    reason: str
    remedy: str | None = None


Verdict = Passed | Refused | Unsaid


class Guard(Protocol):
    """Somebody who looks at videos. Built without a network; every call may take a while."""

    @property
    def name(self) -> GuardName:
        """Which one it is."""
        ...

    @property
    def sees_pictures(self) -> bool:
        """Whether it looks at pictures themselves: they are read and made small for it. One that
        does not is given a link to a finished video."""
        ...

    async def judge(self, subject: Subject, rules: GuardRules) -> Verdict:
        """What it says; raises nothing that an outage can make."""
        ...

    async def close(self) -> None:
        """Let go of its connections."""
        ...
