"""What a key changes about the guards that look at its videos."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from dailies.video.guarding import GuardName, GuardRules, Harm
from dailies.video.request import Document

__all__ = ["MOST_FRAMES", "GuardLimits", "Severity"]

MOST_FRAMES = 12
"""Pictures of one video; each is a question of its own."""
Severity = Annotated[int, Field(ge=1, le=7)]
BlocklistName = Annotated[str, Field(pattern=r"^[0-9A-Za-z._~-]{1,64}$")]


class GuardLimits(Document):
    """What of the guards is another for a key than for all others; what is not said stays.

    Attributes:
        only: the guards that look at its videos, of those that are set up; none where it is empty.
        severities: of a harm, where the key is to be looked at more strictly: the lower one counts.
        blocklists: lists beside those that all are held to.
        frames: how many pictures of its finished videos are looked at; 0 for none.
    """

    only: tuple[GuardName, ...] | None = None
    severities: dict[Harm, Severity] = Field(default_factory=dict)
    blocklists: Annotated[tuple[BlocklistName, ...], Field(max_length=16)] = ()
    frames: Annotated[int, Field(ge=0, le=MOST_FRAMES)] | None = None

    def applied_to(self, rules: GuardRules) -> GuardRules:
        """The rules for what is made with the key, given those for all."""
        severities = dict(rules.severities)
        for harm, severity in self.severities.items():
            severities[harm] = min(severity, severities.get(harm, severity))
        return GuardRules(
            guards=tuple(g for g in rules.guards if self.only is None or g in self.only),
            severities=severities,
            blocklists=tuple(dict.fromkeys((*rules.blocklists, *self.blocklists))),
            frames=rules.frames if self.frames is None else self.frames,
        )
