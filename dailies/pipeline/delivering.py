"""One attempt to deliver an event to a webhook, and what it is noted as."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from urllib.parse import urlsplit

from dailies.announce.webhooks import body_of, headers_of, trial_event
from dailies.net.posting import Posted
from dailies.owners.deliveries import Delivery, DeliveryAttempt, DeliveryState
from dailies.owners.webhooks import OwnerWebhook, sink_of
from dailies.pipeline import metrics
from dailies.services import Services
from dailies.stores.deliveries import Due, Found
from dailies.stores.rows import step_aside
from dailies.telemetry.logs import log_event
from dailies.video.errors import Conflict, InvalidRequest

__all__ = ["attempt_due", "resend", "send", "send_trial"]

_GONE = 410
_MOST_TRIES = 5
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
    if delivery.next_at is None or (delivery.next_at > now and due.is_earlier(delivery.next_at)):
        await services.deliveries.forget_due(due)
        return None
    if now > delivery.until + _LATE_SECONDS:
        await _give_up(services, due, found, delivery.given_up())
        return None
    if await _is_unwanted(services, delivery):
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
    posted = await send(services, delivery.owner, delivery.url, delivery.event_id, delivery.body)
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


async def send(services: Services, owner: str, url: str, event_id: str, body: str) -> Posted:
    """Send an event once, signed anew."""
    now = services.clock()
    secrets = await services.webhooks.secrets(owner, now)
    headers = headers_of(event_id, body, secrets.signing(now), now)
    return await services.poster.post(url, body.encode(), headers)


async def send_trial(services: Services, owner: str, url: str) -> Posted:
    """Send an event that tells of nothing, once, so that an owner sees what becomes of it.

    Raises:
        InvalidRequest: the address is not one of a webhook.
    """
    services.poster.origin(url)
    event = trial_event(owner, source=services.settings.event_source, now=services.clock())
    return await send(services, owner, url, event.id, body_of(event))


async def resend(services: Services, owner: str, delivery_id: str) -> Delivery | None:
    """Have a delivery tried again, now and for another day, whatever became of it; what it is now,
    or None when the owner has no such delivery.

    Raises:
        Conflict: the owner's webhook that it was for is there no more, or wants no more; or others
            change the delivery at the moment.
        InvalidRequest: its address is not allowed any more.
    """
    for attempt in range(_MOST_TRIES):
        found = await services.deliveries.get(owner, delivery_id)
        if found is None:
            return None
        again = await _redirected(services, found.delivery)
        again = again.begun_again(services.clock())
        if await services.deliveries.change(found, again, services.poster.origin(again.url)):
            await services.deliveries.wake(again.sink)
            services.doorbell.ring()
            return again
        await step_aside(attempt)
    raise Conflict("This delivery is being made at the moment; try again.", code="busy")


async def _redirected(services: Services, delivery: Delivery) -> Delivery:
    """The delivery, to where its webhook leads now."""
    if delivery.webhook is None:
        return delivery
    webhook = await services.webhooks.get(delivery.owner, delivery.webhook)
    if webhook is None or webhook.gone_at is not None:
        raise Conflict(
            f"The webhook '{delivery.webhook}' was removed, or has answered that it wants no more "
            "(410). Have an operator set it again.",
            code="webhook_gone",
        )
    sink = sink_of(delivery.owner, services.poster.origin(webhook.url))
    return delivery.model_copy(update={"url": webhook.url, "sink": sink})


async def _is_unwanted(services: Services, delivery: Delivery) -> bool:
    """Whether the owner's webhook that it is for was removed, or wants no more."""
    if delivery.webhook is None:
        return False
    known = await services.webhooks.known(delivery.owner, services.clock())
    return not any(each.name == delivery.webhook and each.gone_at is None for each in known)


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
