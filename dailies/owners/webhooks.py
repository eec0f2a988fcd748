"""Webhooks of an owner, and the secrets by which receivers know that it is we who call.

The secret of Standard Webhooks is symmetric: who checks a signature could make one. So each owner
has one of its own. It has to be kept as it is, to sign with; it is random, lies beside the owner's
deliveries in Table Storage, and nothing of it is in a setting or a log.
"""

from __future__ import annotations

import base64
import hashlib
import math
import secrets
from collections.abc import Sequence

from pydantic import Field

from dailies.video.errors import Conflict
from dailies.video.request import Document, Webhook

__all__ = ["OVERLAP_SECONDS", "EarlierSecret", "OwnerWebhook", "SigningSecrets", "sink_of"]

OVERLAP_SECONDS = 86_400.0
"""For how long the secret before the newest one signs as well: as long as a delivery is tried."""
_SECRET_BYTES = 32
_MOST_EARLIER = 4
"""Each signs each call, in a header that grows with them."""


class OwnerWebhook(Webhook):
    """An address that is told of all videos of an owner; times are Unix seconds.

    ``gone_at`` is when it said that it wants no more (410): nothing is sent there until it is set
    again.
    """

    name: str
    owner: str
    created_at: float
    gone_at: float | None = None


class EarlierSecret(Document):
    """A secret in whose place another one has come; it signs until then."""

    secret: str = Field(repr=False)
    until: float


class SigningSecrets(Document):
    """The secrets of an owner: the newest, and those before it while they still sign."""

    current: str = Field(repr=False)
    created_at: float
    earlier: tuple[EarlierSecret, ...] = ()

    @classmethod
    def new(cls, now: float) -> SigningSecrets:
        """The first one."""
        return cls(current=_new_secret(), created_at=now)

    def rotated(self, now: float, *, overlap: float = OVERLAP_SECONDS) -> SigningSecrets:
        """With a new secret; the one so far signs for ``overlap`` seconds more, and those before it
        for as long as they would have. Without an overlap none of them does.

        Raises:
            Conflict: too many sign already.
        """
        if overlap <= 0:
            return SigningSecrets.new(now)
        last = EarlierSecret(secret=self.current, until=now + overlap)
        left = [each for each in self.earlier if each.until > now]
        if len(left) >= _MOST_EARLIER:
            wait = math.ceil((min(each.until for each in left) - now) / 60)
            raise Conflict(
                f"{len(left)} secrets sign beside the newest one. The first of them ends in {wait} "
                "minutes: make a new one then. After a leak, an operator makes one with an "
                "'overlap_seconds' of 0, which ends them all.",
                code="too_many_secrets",
            )
        return SigningSecrets(current=_new_secret(), created_at=now, earlier=(last, *left))

    def signing(self, now: float) -> Sequence[str]:
        """The secrets to sign with, the newest first."""
        return (self.current, *(each.secret for each in self.earlier if each.until > now))


def sink_of(owner: str, origin: str) -> str:
    """The id of an owner's receiver: all its addresses on one host are slow or down together."""
    return hashlib.sha256(f"{owner}\n{origin}".encode()).hexdigest()[:32]


def _new_secret() -> str:
    return f"whsec_{base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()}"
