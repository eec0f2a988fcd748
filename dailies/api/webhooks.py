"""A caller's own webhooks: their secret, what was delivered, and once more."""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import APIRouter, Query, Request

from dailies.api.admin.bodies import checked, fields_of, json_body
from dailies.api.context import SECURITY, Caller, Context, RequestContext
from dailies.api.documents import answers
from dailies.owners.deliveries import is_delivery_id
from dailies.owners.webhooks import OVERLAP_SECONDS
from dailies.pipeline.courier import answer_doorbell
from dailies.pipeline.delivering import resend, send_trial
from dailies.protocols.deliveries import (
    DeliveryList,
    DeliveryObject,
    SecretObject,
    TryWebhook,
    WebhookList,
    WebhookTrial,
    delivery_object,
    secret_object,
    trial_object,
    webhook_object,
)
from dailies.protocols.messages import missing
from dailies.telemetry.logs import log_event
from dailies.video.errors import InvalidRequest, NotFound

__all__ = ["After", "Limit", "VideoQuery", "again", "deliveries_of", "router", "tested"]

router = APIRouter(prefix="/webhooks", tags=["webhooks"], dependencies=SECURITY)

_MOST_OF_VIDEO = 1000

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")

After = Annotated[
    str | None,
    Query(pattern=r"^[0-9]{13}:whd_[0-9a-f]{32}$", description="The `last_id` of the page before."),
]
Limit = Annotated[int, Query(ge=1, le=100, description="How many deliveries; 20 if not given.")]
VideoQuery = Annotated[
    str | None,
    Query(
        pattern=r"^video_[0-9a-f]{32}$",
        description="Only those that tell of this video, which may have been deleted since.",
    ),
]


@router.get("", response_model=WebhookList, responses=answers())
async def list_webhooks(context: RequestContext, caller: Caller) -> WebhookList:
    """The webhooks that operators have set for all videos of the caller's owner."""
    webhooks = await context.services.webhooks.list(caller.name)
    return WebhookList(data=[webhook_object(webhook) for webhook in webhooks])


@router.post("/secret", response_model=SecretObject, responses=answers(409))
async def new_secret(context: RequestContext, caller: Caller) -> SecretObject:
    """Make a new secret, with which calls to all webhooks of the owner are signed from now on. It
    is shown this once; the one before signs beside it for a day."""
    services = context.services
    secrets = await services.webhooks.rotate(caller.name, services.clock(), overlap=OVERLAP_SECONDS)
    log_event("webhook_secret_made", owner=caller.name, by=caller.key.id)
    return secret_object(caller.name, secrets)


@router.post(
    "/test",
    response_model=WebhookTrial,
    responses=answers(400, 404, 408, 413, 415),
    openapi_extra={"requestBody": json_body(TryWebhook)},
)
async def try_webhook(request: Request, context: RequestContext, caller: Caller) -> WebhookTrial:
    """Call a webhook once with an event that tells of nothing, and say what became of it."""
    wanted = checked(TryWebhook, await fields_of(request))
    return await tested(context, caller.name, wanted)


@router.get("/deliveries", response_model=DeliveryList, responses=answers(400))
async def list_deliveries(
    context: RequestContext,
    caller: Caller,
    video_id: VideoQuery = None,
    after: After = None,
    limit: Limit = 20,
) -> DeliveryList:
    """What was or is to be delivered to the owner's webhooks and to those of its videos, with each
    attempt, the newest first; of one video, the oldest first."""
    return await deliveries_of(context, caller.name, video_id, after, limit)


@router.get("/deliveries/{delivery_id}", response_model=DeliveryObject, responses=answers(404))
async def get_delivery(delivery_id: str, context: RequestContext, caller: Caller) -> DeliveryObject:
    """One delivery, with its attempts."""
    found = None
    if is_delivery_id(delivery_id):
        found = await context.services.deliveries.get(caller.name, delivery_id)
    if found is None:
        raise _not_found(delivery_id)
    return delivery_object(found.delivery)


@router.post(
    "/deliveries/{delivery_id}/resend", response_model=DeliveryObject, responses=answers(404, 409)
)
async def resend_delivery(
    delivery_id: str, context: RequestContext, caller: Caller
) -> DeliveryObject:
    """Deliver it again, now and with retries for another day, whatever became of it before."""
    return await again(context, caller.name, delivery_id)


async def deliveries_of(
    context: Context, owner: str, video_id: str | None, after: str | None, limit: int
) -> DeliveryList:
    """A page of an owner's deliveries."""
    deliveries = context.services.deliveries
    if video_id is not None:
        of_video = await deliveries.of_video(owner, video_id, limit=_MOST_OF_VIDEO)
        return DeliveryList(data=[delivery_object(each) for each in of_video], has_more=False)
    page = await deliveries.list(owner, after=after or "", limit=limit)
    return DeliveryList(
        data=[delivery_object(each) for each in page.deliveries],
        has_more=page.after is not None,
        last_id=page.after,
    )


async def again(context: Context, owner: str, delivery_id: str) -> DeliveryObject:
    """Have one of an owner's deliveries made again.

    Raises:
        Conflict: it can't be.
        NotFound: the owner has none of that id.
    """
    delivery = None
    if is_delivery_id(delivery_id):
        delivery = await resend(context.services, owner, delivery_id)
    if delivery is None:
        raise _not_found(delivery_id)
    log_event("webhook_resent", owner=owner, delivery=delivery.id, video_id=delivery.video_id)
    await answer_doorbell(context.services, context.orchestrations)
    return delivery_object(delivery)


async def tested(context: Context, owner: str, wanted: TryWebhook) -> WebhookTrial:
    """Try a webhook.

    Raises:
        InvalidRequest: none is named, or two are, or the address can't be one.
        NotFound: the owner has none of that name.
    """
    if wanted.name is None and wanted.webhook_url is None:
        raise missing("webhook_url")
    if wanted.name is not None and wanted.webhook_url is not None:
        raise InvalidRequest(
            "'name' and 'webhook_url' name two webhooks. Send one of them.",
            param="webhook_url",
            code="invalid_value",
        )
    url = wanted.webhook_url
    if wanted.name is not None and _NAME.fullmatch(wanted.name):
        webhook = await context.services.webhooks.get(owner, wanted.name)
        url = None if webhook is None else webhook.url
    if url is None:
        raise NotFound(
            f"There is no webhook '{str(wanted.name)[:64]}'.",
            param="name",
            code="webhook_not_found",
        )
    return trial_object(await send_trial(context.services, owner, url))


def _not_found(delivery_id: str) -> NotFound:
    return NotFound(
        f"There is no delivery '{delivery_id[:64]}'.",
        param="delivery_id",
        code="delivery_not_found",
    )
