"""Who looks at what a video is made of, and at what has become of it; and what they let pass."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from dailies.video.request import Document

__all__ = ["FrameCheck", "GuardName", "GuardRules", "Harm"]


class GuardName(StrEnum):
    """The guards that there are."""

    CONTENT_SAFETY = "content-safety"
    WEBHOOK = "webhook"


class Harm(StrEnum):
    """The kinds of harm that Azure AI Content Safety tells the severity of."""

    HATE = "hate"
    SELF_HARM = "self_harm"
    SEXUAL = "sexual"
    VIOLENCE = "violence"


class GuardRules(Document):
    """Which guards look at a video, and from where on they refuse.

    Attributes:
        guards: those that look.
        severities: from this severity on, 1 to 7, a harm is refused; one that is not named never.
        blocklists: the names of the lists of words that are refused.
        frames: of how many pictures of the finished video; 0 for none.
    """

    guards: tuple[GuardName, ...] = ()
    severities: dict[Harm, int] = Field(default_factory=dict)
    blocklists: tuple[str, ...] = ()
    frames: int = 0


class FrameCheck(Document):
    """The finished video is looked at before anybody gets it: by the ``rules`` that held when it
    was accepted. It passed at ``passed_at``, in Unix seconds; None until then."""

    rules: GuardRules
    passed_at: float | None = None
