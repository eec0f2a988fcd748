"""Hand events over to webhooks: their deliveries are written, and from then on looked after by
themselves (``dailies.pipeline.courier``).

An event is handed over before it is noted on its video as announced, and its delivery has the same
id however often that is done: so a crash at any moment neither loses nor doubles one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from azure.core.messaging import CloudEvent

from dailies.announce.webhooks import body_of
from dailies.owners.deliveries import PATIENCE_SECONDS, Delivery, delivery_id
from dailies.owners.webhooks import OwnerWebhook, sink_of
from dailies.services import Services
from dailies.telemetry.logs import log_event
from dailies.video.errors import InvalidRequest
from dailies.video.record import VideoRecord
from dailies.video.request import Webhook

__all__ = ["hand_over", "new_delivery"]


async def hand_over(
    services: Services,
    event: CloudEvent[Any],
    owner: str,
    record: VideoRecord | None = None,
) -> int:
    """Write the deliveries of an event to all that want it; gives how many are new.

    Args:
        record: the video that it tells of.

    Raises:
        azure.core.exceptions.AzureError: storage did not answer; hand the same event over again.
    """
    known = await services.webhooks.known(owner, services.clock())
    body: str | None = None
    new = 0
    for webhook in _wanting(event, known, record):
        body = body or body_of(event)
        delivery = new_delivery(services, event, webhook, owner, body, record)
        if delivery is not None and await _insert(services, delivery):
            new += 1
    if new:
        services.doorbell.ring()
    return new


def new_delivery(
    services: Services,
    event: CloudEvent[Any],
    webhook: Webhook,
    owner: str,
    body: str,
    record: VideoRecord | None = None,
) -> Delivery | None:
    """The delivery of an event that is due now; None where the address is not allowed any more."""
    now = services.clock()
    try:
        origin = services.poster.origin(webhook.url)
    except InvalidRequest as error:
        # It was allowed when it was given; since then the operator has thought otherwise.
        log_event("webhook_refused", owner=owner, code=error.code, type=event.type)
        return None
    name = webhook.name if isinstance(webhook, OwnerWebhook) else None
    return Delivery(
        id=delivery_id(owner, event.id, webhook.url, name),
        owner=owner,
        event_id=event.id,
        type=event.type,
        video_id=None if record is None else record.id,
        webhook=name,
        url=webhook.url,
        sink=sink_of(owner, origin),
        body=body,
        created_at=now,
        until=now + PATIENCE_SECONDS,
        next_at=now,
    )


def _wanting(
    event: CloudEvent[Any], known: Sequence[OwnerWebhook], record: VideoRecord | None
) -> Iterator[Webhook]:
    own = None if record is None else record.request.webhook
    if own is not None and event.type in own.events:
        yield own
    for webhook in known:
        if webhook.gone_at is None and event.type in webhook.events:
            yield webhook


async def _insert(services: Services, delivery: Delivery) -> bool:
    origin = services.poster.origin(delivery.url)
    inserted = await services.deliveries.insert(delivery, origin)
    if inserted:
        log_event(
            "webhook_due",
            video_id=delivery.video_id,
            owner=delivery.owner,
            delivery=delivery.id,
            type=delivery.type,
        )
    return inserted
