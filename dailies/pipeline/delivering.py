"""One attempt to deliver an event to a webhook, and what it is noted as."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from urllib.parse import urlsplit

from dailies.announce.webhooks import headers_of
from dailies.net.posting import Posted
from dailies.owners.deliveries import Delivery, DeliveryAttempt, DeliveryState
from dailies.owners.webhooks import OwnerWebhook
from dailies.pipeline import metrics
from dailies.services import Services
from dailies.stores.deliveries import Due, Found
from dailies.telemetry.logs import log_event
from dailies.video.errors import InvalidRequest

__all__ = ["attempt_due", "send"]

_GONE = 410
_ABANDONED_SECONDS = 3600.0
"""A row of a queue without a delivery is this old: its writer died before it wrote that."""
_LATE_SECONDS = 3600.0
"""So much after its time an attempt is still made: the receiver was left alone meanwhile."""


async def attempt_due(
    services: Services, due: Due, *, draw: Callable[[], float] = random.random
) -> Posted | None:
    """Try what is due; what became of it, or None where there was nothing to try.

    Whatever dies in between, the row stays until the delivery says what comes next: then the same
    is sent again, with the same id.
    """
    now = services.clock()
    found = await services.deliveries.get(due.owner, due.delivery_id)
    if found is None:
        if now - due.at > _ABANDONED_SECONDS:
            await services.deliveries.forget_due(due)
        return None
    delivery = found.delivery
    if delivery.next_at is None or delivery.next_at > now:
        await services.deliveries.forget_due(due)
        return None
    if now > delivery.until + _LATE_SECONDS:
        await _give_up(services, due, found, delivery.given_up())
        return None
    try:
        origin = services.poster.origin(delivery.url)
    except InvalidRequest:
        # The operator has changed what is allowed since it was handed over.
        refusal = DeliveryAttempt(at=now, fault="not_allowed", seconds=0)
        tried = delivery.attempted(refusal, now=now, retry_after=None, draw=0)
        await _give_up(services, due, found, tried.given_up())
        return None
    posted = await send(services, delivery)
    changed = delivery.attempted(
        _attempt_of(posted, now),
        now=services.clock(),
        retry_after=posted.retry_after,
        draw=draw(),
    )
    if await services.deliveries.change(found, changed, origin):
        _tell(changed)
        await services.deliveries.forget_due(due)
        if posted.status == _GONE:
            await _note_gone(services, changed)
    return posted


async def send(services: Services, delivery: Delivery) -> Posted:
    """Send a delivery once, signed anew."""
    now = services.clock()
    secrets = await services.webhooks.secrets(delivery.owner, now)
    headers = headers_of(delivery.event_id, delivery.body, secrets.signing(now), now)
    return await services.poster.post(delivery.url, delivery.body.encode(), headers)


async def _give_up(services: Services, due: Due, found: Found, ended: Delivery) -> None:
    if await services.deliveries.change(found, ended, ""):
        _tell(ended)
        await services.deliveries.forget_due(due)


async def _note_gone(services: Services, delivery: Delivery) -> None:
    """Send nothing more to an owner's webhook that wants no more."""
    if delivery.webhook is None:
        return
    webhook = await services.webhooks.get(delivery.owner, delivery.webhook)
    if webhook is None or webhook.gone_at is not None or webhook.url != delivery.url:
        return
    gone: OwnerWebhook = webhook.model_copy(update={"gone_at": services.clock()})
    await services.webhooks.put(gone)
    log_event("webhook_gone", level=logging.WARNING, owner=delivery.owner, webhook=delivery.webhook)


def _attempt_of(posted: Posted, at: float) -> DeliveryAttempt:
    return DeliveryAttempt(at=at, status=posted.status, fault=posted.fault, seconds=posted.seconds)


def _tell(delivery: Delivery) -> None:
    attempt = delivery.attempts[-1] if delivery.attempts else None
    failed = delivery.state is DeliveryState.FAILED
    log_event(
        "webhook_attempted",
        level=logging.WARNING if failed else logging.INFO,
        delivery=delivery.id,
        owner=delivery.owner,
        video_id=delivery.video_id,
        type=delivery.type,
        # Of the address only the host: the rest may be a secret.
        host=urlsplit(delivery.url).hostname,
        state=delivery.state,
        http_status=attempt.status if attempt else None,
        answer=attempt.fault if attempt else None,
        seconds_taken=attempt.seconds if attempt else None,
        attempt=delivery.round,
        next_at=delivery.next_at,
    )
    metrics.webhook_attempted(delivery)
