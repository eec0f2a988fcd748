"""A key and what it may do.

An owner has videos; each key stands for one owner. What a key may do is said in its ``Limits``,
whether it stands in the settings or was issued.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from dailies.owners.budget import Budget
from dailies.owners.guard import GuardLimits
from dailies.video.basics import Priority
from dailies.video.errors import Forbidden
from dailies.video.request import Document

__all__ = ["OWNER_NAME", "Key", "Limits", "Way"]

OWNER_NAME = r"[a-z0-9][a-z0-9-]{0,62}"
"""What owners are called, as a pattern; it also fits a partition key."""

_MOST = 1_000_000
_MOST_MODELS = 200


class Way(StrEnum):
    """The ways in by which a key may make videos."""

    OPENAI = "openai"
    SORA_1 = "sora1"


_Count = Annotated[int, Field(strict=True, ge=1, le=_MOST)]
_ModelName = Annotated[str, Field(min_length=1, max_length=200)]


class Limits(Document):
    """What a key may do; what is None is not limited.

    Attributes:
        priorities: those that it may ask for.
        weight: its owner's share where videos wait, beside those of other owners.
        models: those whose videos it may make, by their own names; it is shown no others.
        ways: those in by which it may make videos; none at all for a key that makes none.
        requests_per_minute: of any kind, by the clock's minutes, on all instances together.
        max_unfinished: videos made with it that have not ended.
        budget: what may be spent with it.
        guards: what is other about the guards that look at its videos.
    """

    priorities: Annotated[tuple[Priority, ...], Field(min_length=1, max_length=3)] | None = None
    weight: Annotated[int, Field(strict=True, ge=1, le=999)] | None = None
    models: (
        Annotated[tuple[_ModelName, ...], Field(min_length=1, max_length=_MOST_MODELS)] | None
    ) = None
    ways: Annotated[tuple[Way, ...], Field(max_length=len(Way))] | None = None
    requests_per_minute: _Count | None = None
    max_unfinished: _Count | None = None
    budget: Budget | None = None
    guards: GuardLimits | None = None

    def allows_model(self, name: str) -> bool:
        """Whether videos of the model of that name may be made, and it may be seen."""
        return self.models is None or name in self.models

    def check_model(self, name: str) -> None:
        """Whether videos of the model of that name may be made.

        Raises:
            Forbidden: they may not.
        """
        if not self.allows_model(name):
            raise Forbidden(
                f"This key may not make videos of the model '{name}', only of: "
                f"{', '.join(self.models or ())}. Ask for one of these, or ask the operator.",
                param="model",
                code="model_not_allowed",
            )

    def check_way(self, way: Way) -> None:
        """Whether videos may be made in this way.

        Raises:
            Forbidden: they may not.
        """
        if self.ways is None or way in self.ways:
            return
        others = f"by '{way}', only by: {', '.join(self.ways)}" if self.ways else "at all"
        raise Forbidden(
            f"This key may not make videos {others}. Ask the operator.",
            code="way_not_allowed",
        )

    def priority(self, asked: Priority | None) -> Priority:
        """What a new video waits with: as it was asked for, else ``normal``, or what of the key's
        is next to that.

        Raises:
            Forbidden: the key may not ask for it.
        """
        allowed = self.priorities or tuple(Priority)
        if asked is None:
            usual = (Priority.NORMAL, Priority.LOW, Priority.HIGH)
            return next(priority for priority in usual if priority in allowed)
        if asked not in allowed:
            raise Forbidden(
                f"This key may not ask for the priority '{asked}', only for: "
                f"{', '.join(allowed)}. Leave 'priority' out, or ask the operator.",
                param="priority",
                code="priority_not_allowed",
            )
        return asked


class Key(Document):
    """A known key; ``id`` tells it from others and is no secret.

    ``tags`` are the operator's words for what is made with it, kept with each of its videos.
    """

    id: str
    owner: str
    digest: str = Field(repr=False)
    """The SHA-256 of the key, in hex."""
    limits: Limits = Limits()
    tags: tuple[str, ...] = ()
