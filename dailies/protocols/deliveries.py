"""Webhooks and what was delivered to them, as owners and operators see it."""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import urlsplit, urlunsplit

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, WithJsonSchema

from dailies.announce.webhooks import FINAL_EVENTS, OWNER_EVENTS
from dailies.net.posting import Posted
from dailies.owners.deliveries import Delivery, DeliveryAttempt, DeliveryState
from dailies.owners.webhooks import OwnerWebhook, SigningSecrets
from dailies.protocols.webhooks import MAX_URL_CHARACTERS, read_webhook_events

__all__ = [
    "AttemptObject",
    "DeletedWebhook",
    "DeliveryList",
    "DeliveryObject",
    "SecretObject",
    "SetWebhook",
    "TryWebhook",
    "WebhookList",
    "WebhookObject",
    "WebhookTrial",
    "delivery_object",
    "secret_object",
    "trial_object",
    "webhook_object",
]

OwnerEvents = Annotated[
    tuple[str, ...],
    PlainValidator(lambda value: read_webhook_events(value, "events", OWNER_EVENTS)),
    WithJsonSchema(
        {"type": "array", "items": {"type": "string", "enum": [*OWNER_EVENTS]}, "minItems": 1}
    ),
]


class SetWebhook(BaseModel):
    """An owner's webhook, as an operator sets it; without ``events`` it is told how videos end."""

    url: str = Field(min_length=1, max_length=MAX_URL_CHARACTERS, repr=False)
    events: OwnerEvents = FINAL_EVENTS


class TryWebhook(BaseModel):
    """Which webhook to try: one of the owner's by ``name``, or any address."""

    name: str | None = None
    webhook_url: str | None = Field(
        default=None, min_length=1, max_length=MAX_URL_CHARACTERS, repr=False
    )


class WebhookObject(BaseModel):
    """An owner's webhook; ``gone_at`` is when it answered that it wants no more."""

    object: Literal["webhook"] = "webhook"
    name: str
    owner: str
    url: str
    events: list[str]
    created_at: int
    gone_at: int | None = None


class WebhookList(BaseModel):
    """An owner's webhooks."""

    object: Literal["list"] = "list"
    data: list[WebhookObject]


class DeletedWebhook(BaseModel):
    """A webhook that was removed."""

    object: Literal["webhook.deleted"] = "webhook.deleted"
    name: str
    owner: str
    deleted: Literal[True] = True


class SecretObject(BaseModel):
    """A new secret, which is shown this once; the one before signs too, until then."""

    object: Literal["webhook.secret"] = "webhook.secret"
    owner: str
    secret: str = Field(repr=False)
    created_at: int
    previous_until: int | None = None


class AttemptObject(BaseModel):
    """One attempt: the receiver's status, or a code of why there is none."""

    at: int
    status: int | None = None
    error: str | None = None
    seconds: float


class DeliveryObject(BaseModel):
    """One event for one address."""

    model_config = ConfigDict(use_enum_values=True)

    id: str
    object: Literal["webhook.delivery"] = "webhook.delivery"
    event_id: str
    type: str
    video_id: str | None = None
    webhook: str | None = None
    url: str
    status: DeliveryState
    created_at: int
    next_attempt_at: int | None = None
    attempts: list[AttemptObject]


class DeliveryList(BaseModel):
    """A page of deliveries, the newest first."""

    object: Literal["list"] = "list"
    data: list[DeliveryObject]
    has_more: bool
    last_id: str | None = None


class WebhookTrial(BaseModel):
    """What became of a call that only tries a webhook."""

    object: Literal["webhook.test"] = "webhook.test"
    delivered: bool
    status: int | None = None
    error: str | None = None
    seconds: float


def webhook_object(webhook: OwnerWebhook) -> WebhookObject:
    """An owner's webhook as it is shown."""
    return WebhookObject(
        name=webhook.name,
        owner=webhook.owner,
        url=_shown(webhook.url),
        events=list(webhook.events),
        created_at=int(webhook.created_at),
        gone_at=None if webhook.gone_at is None else int(webhook.gone_at),
    )


def secret_object(owner: str, secrets: SigningSecrets) -> SecretObject:
    """The newest secret of an owner."""
    until = secrets.earlier[0].until if secrets.earlier else None
    return SecretObject(
        owner=owner,
        secret=secrets.current,
        created_at=int(secrets.created_at),
        previous_until=None if until is None else int(until),
    )


def delivery_object(delivery: Delivery) -> DeliveryObject:
    """A delivery as it is shown."""
    return DeliveryObject(
        id=delivery.id,
        event_id=delivery.event_id,
        type=delivery.type,
        video_id=delivery.video_id,
        webhook=delivery.webhook,
        url=_shown(delivery.url),
        status=delivery.state,
        created_at=int(delivery.created_at),
        next_attempt_at=None if delivery.next_at is None else int(delivery.next_at),
        attempts=[_attempt(each) for each in delivery.attempts],
    )


def trial_object(posted: Posted) -> WebhookTrial:
    """What became of a call, as it is shown."""
    attempt = DeliveryAttempt(at=0, status=posted.status, fault=posted.fault, seconds=0)
    return WebhookTrial(
        delivered=attempt.succeeded,
        status=posted.status,
        error=posted.fault,
        seconds=posted.seconds,
    )


def _attempt(attempt: DeliveryAttempt) -> AttemptObject:
    return AttemptObject(
        at=int(attempt.at), status=attempt.status, error=attempt.fault, seconds=attempt.seconds
    )


def _shown(url: str) -> str:
    """An address without what may be a secret in it."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(query="…" if parts.query else "", fragment=""))
