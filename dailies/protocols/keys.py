"""Keys, as operators issue and see them.

A change of a key is a JSON merge patch (RFC 7396): what it names is set, null takes it away, and
the rest stays.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from dailies.owners.issued import IssuedKey, KeySecret, KeyState
from dailies.owners.key import OWNER_NAME, Key, Limits
from dailies.protocols.listing import Listed, Page

__all__ = [
    "ChangeKey",
    "IssueKey",
    "IssuedKeyObject",
    "KeyList",
    "KeyObject",
    "RotateKey",
    "key_object",
    "merged",
    "settings_key_object",
]

_LONGEST_OVERLAP = 30 * 86_400
_DAY = 86_400
# The year 3000: what is above is meant in milliseconds.
_LATEST = 32_503_680_000

_Tag = Annotated[str, Field(pattern=r"^[\w.:/=@+-]{1,64}$")]
_Until = Annotated[
    int,
    Field(
        strict=True,
        gt=0,
        le=_LATEST,
        description="Unix seconds from which the key is taken no more.",
    ),
]


class ChangeKey(BaseModel):
    """What an operator may change of a key; null takes it away."""

    model_config = ConfigDict(frozen=True)

    name: str = Field(
        default="",
        max_length=128,
        pattern=r"^[^\x00-\x1f\x7f]*$",
        description="For people: what the key is for.",
    )
    limits: Limits = Limits()
    tags: tuple[_Tag, ...] = Field(
        default=(), max_length=20, description="Kept with each video that is made with the key."
    )
    expires_at: _Until | None = None


class IssueKey(ChangeKey):
    """A key to be issued."""

    owner: str = Field(
        pattern=rf"^{OWNER_NAME}$",
        description="Whose videos the key sees and makes: lower-case letters, digits, hyphens.",
    )


class RotateKey(BaseModel):
    """How the secret of a key is replaced."""

    model_config = ConfigDict(frozen=True)

    overlap_seconds: int = Field(
        default=_DAY,
        strict=True,
        ge=0,
        le=_LONGEST_OVERLAP,
        description="How long the secrets before it are still taken; a day, if not given.",
    )


class SecretObject(BaseModel):
    """A secret of a key that is taken at the moment; times are Unix seconds."""

    last_four: str
    created_at: int
    until: int | None = Field(description="When it ends, because another has taken its place.")


class KeyObject(Listed):
    """A key without its secret; times are Unix seconds."""

    object: Literal["key"] = "key"
    id: str
    source: Literal["issued", "settings"] = Field(
        description="`settings`: it stands in the app's settings, and is changed there only."
    )
    operator: bool = Field(description="Whether it may do what only operators may.")
    prefix: str | None = Field(
        description="What its secret begins with; not known of a key of the settings."
    )
    owner: str
    name: str
    state: KeyState
    limits: Limits
    tags: tuple[str, ...]
    created_at: int | None
    expires_at: int | None
    revoked_at: int | None
    secrets: tuple[SecretObject, ...]


class IssuedKeyObject(KeyObject):
    """A key, with its secret when that was just made: it is never shown again."""

    key: str | None = Field(
        description="The secret; null where the request was answered before, with it."
    )


class KeyList(Page[KeyObject]):
    """A page of keys, in the order of their ids."""


def merged(before: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """A document after a JSON merge patch."""
    after = dict(before)
    for name, value in patch.items():
        if value is None:
            after.pop(name, None)
        elif isinstance(value, Mapping):
            within = after.get(name)
            after[name] = merged(within if isinstance(within, Mapping) else {}, value)
        else:
            after[name] = value
    return after


def key_object(key: IssuedKey, now: float) -> KeyObject:
    """An issued key."""
    return KeyObject(
        id=key.id,
        source="issued",
        operator=False,
        prefix=key.prefix,
        owner=key.owner,
        name=key.name,
        state=key.state(now),
        limits=key.limits,
        tags=key.tags,
        created_at=int(key.created_at),
        expires_at=_whole(key.expires_at),
        revoked_at=_whole(key.revoked_at),
        secrets=tuple(_secret(s) for s in key.secrets if s.until is None or s.until > now),
    )


def settings_key_object(key: Key, *, operator: bool) -> KeyObject:
    """A key of the settings."""
    return KeyObject(
        id=key.id,
        source="settings",
        operator=operator,
        prefix=None,
        owner=key.owner,
        name="",
        state=KeyState.ACTIVE,
        limits=key.limits,
        tags=key.tags,
        created_at=None,
        expires_at=None,
        revoked_at=None,
        secrets=(),
    )


def _secret(secret: KeySecret) -> SecretObject:
    return SecretObject(
        last_four=secret.last_four,
        created_at=int(secret.created_at),
        until=_whole(secret.until),
    )


def _whole(seconds: float | None) -> int | None:
    return None if seconds is None else int(seconds)
