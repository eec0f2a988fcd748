"""What is told to a webhook: one delivery for each event and address, and its attempts.

A delivery is tried until it is answered with success, its receiver wants no more (410), or a day is
over. Times are Unix seconds.
"""

from __future__ import annotations

import hashlib
import re
from enum import StrEnum

from pydantic import Field

from dailies.video.request import Document

__all__ = [
    "PATIENCE_SECONDS",
    "Delivery",
    "DeliveryAttempt",
    "DeliveryState",
    "delivery_id",
    "is_delivery_id",
]

PATIENCE_SECONDS = 86_400.0
"""For how long a delivery is tried."""

_PAUSES = (5, 30, 120, 600, 1800, 3600, 7200, 14_400, 21_600, 28_800)
"""Seconds after each attempt in turn; the last one goes on."""
_LONGEST_ASKED = 21_600.0
"""A receiver may put us off for so many seconds."""
_SHORTEST_LAST = 60.0
"""No last attempt is made sooner after the one before it."""
_MOST_ATTEMPTS_KEPT = 50
_GONE = 410


class DeliveryState(StrEnum):
    """What became of a delivery."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


class DeliveryAttempt(Document):
    """One attempt: the receiver's status, or why there is none, and how many seconds it took."""

    at: float
    status: int | None = None
    fault: str | None = None
    seconds: float

    @property
    def succeeded(self) -> bool:
        """Whether the receiver has it."""
        return self.status is not None and 200 <= self.status < 300


class Delivery(Document):
    """One event for one address.

    Attributes:
        event_id: is the same for all deliveries of the event, and on every attempt.
        webhook: the name of the owner's webhook; None for that of a video.
        body: the event as it is sent, the same bytes on every attempt.
        round: how many attempts were made since it was last begun, and ``until`` how long that
            goes on.
        next_at: when it is tried next; None once it has ended.
    """

    id: str
    owner: str
    event_id: str
    type: str
    video_id: str | None = None
    webhook: str | None = None
    url: str = Field(repr=False)
    sink: str
    body: str = Field(repr=False)
    created_at: float
    state: DeliveryState = DeliveryState.PENDING
    attempts: tuple[DeliveryAttempt, ...] = ()
    round: int = 0
    until: float
    next_at: float | None

    def attempted(
        self, attempt: DeliveryAttempt, *, now: float, retry_after: float | None, draw: float
    ) -> Delivery:
        """This delivery after an attempt.

        Args:
            retry_after: for how many seconds the receiver wants no other.
            draw: a number from 0 to 1, which keeps many from coming at the same time.
        """
        kept = (*self.attempts[1 - _MOST_ATTEMPTS_KEPT :], attempt)
        tried = self.model_copy(update={"attempts": kept, "round": self.round + 1})
        if attempt.succeeded:
            return tried._ended(DeliveryState.DELIVERED)
        last = self.until - _SHORTEST_LAST
        if attempt.status == _GONE or now >= last:
            return tried._ended(DeliveryState.FAILED)
        pause = _PAUSES[min(self.round, len(_PAUSES) - 1)] * (0.9 + 0.2 * draw)
        if retry_after is not None:
            pause = max(pause, min(retry_after, _LONGEST_ASKED))
        return tried.model_copy(update={"next_at": min(now + pause, self.until)})

    def begun_again(self, now: float) -> Delivery:
        """This delivery, to be tried at once and for another day."""
        return self.model_copy(
            update={
                "state": DeliveryState.PENDING,
                "round": 0,
                "until": now + PATIENCE_SECONDS,
                "next_at": now,
            }
        )

    def given_up(self) -> Delivery:
        """This delivery, ended without success."""
        return self._ended(DeliveryState.FAILED)

    def _ended(self, state: DeliveryState) -> Delivery:
        return self.model_copy(update={"state": state, "next_at": None})


_ID = re.compile(r"whd_[0-9a-f]{32}")


def is_delivery_id(text: str) -> bool:
    """Whether this can be the id of a delivery at all."""
    return _ID.fullmatch(text) is not None


def delivery_id(owner: str, event_id: str, url: str, webhook: str | None) -> str:
    """The id of a delivery, which is the same whoever hands the event over and however often."""
    text = "\n".join((owner, event_id, webhook or "", url))
    return f"whd_{hashlib.sha256(text.encode()).hexdigest()[:32]}"
