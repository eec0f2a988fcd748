"""A key and what it may do.

An owner has videos; each key stands for one owner. What a key may do is said in its ``Limits``,
whether it stands in the settings or was issued.
"""

from __future__ import annotations

from pydantic import Field

from dailies.owners.guard import GuardLimits
from dailies.video.basics import Priority
from dailies.video.errors import Forbidden
from dailies.video.request import Document

__all__ = ["Key", "Limits"]


class Limits(Document):
    """What a key may do; what is None is not limited.

    Attributes:
        priorities: those that it may ask for.
        weight: its owner's share where videos wait, beside those of other owners.
        guards: what is other about the guards that look at its videos.
    """

    priorities: tuple[Priority, ...] | None = None
    weight: int | None = None
    guards: GuardLimits | None = None

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
