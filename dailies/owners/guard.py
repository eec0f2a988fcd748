"""By what guards refuse, as the settings say it, and what a key changes about them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated

from pydantic import Field

from dailies.video.guarding import GuardName, GuardRules, Harm
from dailies.video.request import Document

__all__ = [
    "MOST_FRAMES",
    "USUAL_SEVERITIES",
    "GuardLimits",
    "Severity",
    "read_blocklists",
    "read_severities",
]

MOST_FRAMES = 12
"""Pictures of one video; each is a question of its own."""
Severity = Annotated[int, Field(strict=True, ge=1, le=7)]
USUAL_SEVERITIES: Mapping[Harm, int] = MappingProxyType(dict.fromkeys(Harm, 4))
"""Medium, of the severities 0, 2, 4 and 6: as Azure OpenAI's own filter is by default."""
_NAME = r"[0-9A-Za-z._~-]{1,64}"
BlocklistName = Annotated[str, Field(pattern=f"^{_NAME}$")]


def read_severities(value: object) -> object:
    """Read ``hate=4,violence=off``; what is not named is as usual.

    Raises:
        ValueError: a part is none of it.
    """
    if not isinstance(value, str):
        return value
    severities = dict(USUAL_SEVERITIES)
    for part in filter(None, (piece.strip() for piece in value.split(","))):
        name, _, severity = part.partition("=")
        if name not in tuple(Harm) or severity not in ("off", *"1234567"):
            raise ValueError(
                f"{part[:64]!r} is none of: {', '.join(Harm)} with '=' and a severity of 1 to 7, "
                "or 'off' (as 'hate=2,violence=off')"
            )
        severities.pop(Harm(name), None)
        if severity != "off":
            severities[Harm(name)] = int(severity)
    return severities


def read_blocklists(value: object) -> object:
    """Read names with commas between.

    Raises:
        ValueError: one is none that a list can have.
    """
    if not isinstance(value, str):
        return value
    names = tuple(filter(None, (piece.strip() for piece in value.split(","))))
    if wrong := [name for name in names if not re.fullmatch(_NAME, name)]:
        raise ValueError(f"{wrong[0][:64]!r} is no name that a blocklist can have")
    return names


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
    frames: Annotated[int, Field(strict=True, ge=0, le=MOST_FRAMES)] | None = None

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
