"""A key that was issued: what is kept of it, and the secret that its holder has.

The secret is ``dk_``, 16 hex digits that name the key, ``_``, 43 random letters and digits (256
bits), and six more that are the CRC-32 of all before, in base 62. So a key that is found in a log
or a repository tells which one it is, scanners know it from other text, and what nobody has issued
is seldom looked for. Of the secret itself only a SHA-256 is kept; as it is random, there is nothing
to guess.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import string
import zlib
from enum import StrEnum
from typing import Self

from pydantic import Field

from dailies.owners.key import Key, Limits
from dailies.video.errors import Conflict
from dailies.video.request import Document

__all__ = [
    "IssuedKey",
    "KeySecret",
    "KeyState",
    "Rotation",
    "digest_of",
    "is_key_id",
    "key_id_in",
    "new_key_id",
]

_ID = re.compile(r"key_[0-9a-f]{16}")
_SECRET = re.compile(r"dk_([0-9a-f]{16})_[0-9A-Za-z]{49}")
_BASE_62 = string.digits + string.ascii_uppercase + string.ascii_lowercase
_RANDOM = 43
_CHECK = 6
_MOST_SECRETS = 5
"""Of one key at a time, so that its row stays small."""
_MOST_ROTATIONS = 20


class KeyState(StrEnum):
    """Whether a key is taken."""

    ACTIVE = "active"
    EXPIRED = "expired"
    REVOKED = "revoked"


class KeySecret(Document):
    """One secret of a key; ``until`` is when it ends, once another has taken its place."""

    digest: str = Field(repr=False)
    last_four: str
    created_at: float
    until: float | None = None


class Rotation(Document):
    """A rotation that had an Idempotency-Key: by hashes, which one it was and what it asked for."""

    seed_hash: str
    request_hash: str


class IssuedKey(Document):
    """What is kept of an issued key; times are Unix seconds.

    Attributes:
        secrets: the one in use last, those before it while they are still taken.
        request_hash: of the request that issued it, where that had an Idempotency-Key.
        rotations: the latest that had one, the newest last.
    """

    id: str
    owner: str
    name: str = ""
    limits: Limits = Limits()
    tags: tuple[str, ...] = ()
    created_at: float
    expires_at: float | None = None
    revoked_at: float | None = None
    secrets: tuple[KeySecret, ...]
    request_hash: str | None = None
    rotations: tuple[Rotation, ...] = ()

    @property
    def prefix(self) -> str:
        """What each secret of this key begins with."""
        return _prefix(self.id)

    def state(self, now: float) -> KeyState:
        """Whether the key is taken now."""
        if self.revoked_at is not None:
            return KeyState.REVOKED
        if self.expires_at is not None and self.expires_at <= now:
            return KeyState.EXPIRED
        return KeyState.ACTIVE

    def opened_by(self, digest: str, now: float) -> Key | None:
        """The key as its caller has it, where that is the hash of a secret that is taken now,
        whatever the key's own state."""
        matching = [s for s in self.secrets if hmac.compare_digest(s.digest, digest)]
        if not any(secret.until is None or secret.until > now for secret in matching):
            return None
        return Key(id=self.id, owner=self.owner, digest=digest, limits=self.limits, tags=self.tags)

    def has_newest(self, secret: str) -> bool:
        """Whether this is the secret that the key was given last."""
        return hmac.compare_digest(self.secrets[0].digest, digest_of(secret))

    def revoked(self, now: float) -> Self:
        """The key, taken no more; one that is revoked already stays as it is."""
        if self.revoked_at is not None:
            return self
        return self.model_copy(update={"revoked_at": now})

    def rotated_before(self, rotation: Rotation) -> bool:
        """Whether this is the repetition of a rotation that was done.

        Raises:
            Conflict: its Idempotency-Key was used for another.
        """
        for done in self.rotations:
            if done.seed_hash == rotation.seed_hash:
                if done.request_hash != rotation.request_hash:
                    raise Conflict(
                        "This Idempotency-Key was used with another request. Use a new one.",
                        code="idempotency_key_reused",
                    )
                return True
        return False

    def remembering(self, rotation: Rotation) -> Self:
        """The key with the memory that this rotation was done."""
        rotations = (*self.rotations, rotation)[-_MOST_ROTATIONS:]
        return self.model_copy(update={"rotations": rotations})

    def with_secret(self, now: float, *, overlap: float = 0) -> tuple[Self, str]:
        """The key with a new secret, and that secret; those before are taken for ``overlap``
        seconds more, or as long as they would have been.

        Raises:
            Conflict: too many are taken already.
        """
        text = _new_secret(self.id)
        new = KeySecret(digest=digest_of(text), last_four=text[-4:], created_at=now)
        until = now + overlap
        kept = [
            secret.model_copy(
                update={"until": until if secret.until is None else min(until, secret.until)}
            )
            for secret in self.secrets
        ]
        kept = [secret for secret in kept if secret.until is not None and secret.until > now]
        if len(kept) >= _MOST_SECRETS:
            raise Conflict(
                f"This key has {len(kept)} secrets that are still taken. Wait until one has ended, "
                "or rotate with an 'overlap_seconds' of 0, which ends them all.",
                code="too_many_secrets",
            )
        return self.model_copy(update={"secrets": (new, *kept)}), text


def new_key_id(seed: str | None = None) -> str:
    """The id of a new key; the same for the same ``seed``, if there is one."""
    if seed is None:
        return f"key_{secrets.token_hex(8)}"
    return f"key_{hashlib.sha256(seed.encode('utf-8', 'surrogatepass')).hexdigest()[:16]}"


def key_id_in(presented: str) -> str | None:
    """The id of the key that this would be a secret of; None where we can't have made it."""
    found = _SECRET.fullmatch(presented)
    if found is None or _check_of(presented[:-_CHECK]) != presented[-_CHECK:]:
        return None
    return f"key_{found[1]}"


def is_key_id(text: str) -> bool:
    """Whether this can be the id of an issued key at all."""
    return _ID.fullmatch(text) is not None


def digest_of(presented: str) -> str:
    """The hash by which a key is known."""
    return hashlib.sha256(presented.encode("utf-8", "surrogateescape")).hexdigest()


def _prefix(key_id: str) -> str:
    return f"dk_{key_id.removeprefix('key_')}"


def _new_secret(key_id: str) -> str:
    text = f"{_prefix(key_id)}_" + "".join(secrets.choice(_BASE_62) for _ in range(_RANDOM))
    return text + _check_of(text)


def _check_of(text: str) -> str:
    rest, digits = zlib.crc32(text.encode()), ""
    for _ in range(_CHECK):
        rest, digit = divmod(rest, len(_BASE_62))
        digits = _BASE_62[digit] + digits
    return digits
