"""Owners' webhooks, as operators set them, and what was delivered to them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request

from dailies.api.admin.bodies import checked, fields_of, json_body
from dailies.api.admin.names import OwnerPath
from dailies.api.context import SECURITY, Admin, RequestContext
from dailies.api.documents import answers
from dailies.api.webhooks import After, Limit, VideoQuery, again, deliveries_of, tested
from dailies.owners.webhooks import OVERLAP_SECONDS, OwnerWebhook
from dailies.protocols.deliveries import (
    DeletedWebhook,
    DeliveryList,
    DeliveryObject,
    SecretObject,
    SetWebhook,
    TryWebhook,
    WebhookList,
    WebhookObject,
    WebhookTrial,
    secret_object,
    webhook_object,
)
from dailies.telemetry.logs import log_event
from dailies.video.errors import Conflict, NotFound

__all__ = ["router"]

router = APIRouter(prefix="/v1/admin", tags=["operations"], dependencies=SECURITY)

_MOST_WEBHOOKS = 10
"""Of one owner: each event is handed over to each."""
_LONGEST_OVERLAP = 604_800

Name = Annotated[
    str, Path(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$", description="The webhook's name, as you like.")
]
Overlap = Annotated[
    int,
    Query(
        ge=0,
        le=_LONGEST_OVERLAP,
        description="For how many seconds the secret so far signs as well; a day if not given.",
    ),
]


@router.get("/webhooks/{owner}", response_model=WebhookList, responses=answers(400, 403))
async def list_webhooks(owner: OwnerPath, context: RequestContext, admin: Admin) -> WebhookList:
    """The webhooks of an owner."""
    webhooks = await context.services.webhooks.list(owner)
    return WebhookList(data=[webhook_object(webhook) for webhook in webhooks])


@router.put(
    "/webhooks/{owner}/{name}",
    response_model=WebhookObject,
    responses=answers(400, 403, 408, 409, 413, 415),
    openapi_extra={"requestBody": json_body(SetWebhook)},
)
async def set_webhook(
    owner: OwnerPath, name: Name, request: Request, context: RequestContext, admin: Admin
) -> WebhookObject:
    """Set a webhook that is told of all videos of an owner, in the place of one of its name."""
    services = context.services
    wanted = checked(SetWebhook, await fields_of(request))
    services.poster.origin(wanted.url)
    others = [each for each in await services.webhooks.list(owner) if each.name != name]
    if len(others) >= _MOST_WEBHOOKS:
        raise Conflict(
            f"An owner has {_MOST_WEBHOOKS} webhooks at most. Remove one first.",
            param="name",
            code="too_many_webhooks",
        )
    webhook = OwnerWebhook(
        url=wanted.url, events=wanted.events, name=name, owner=owner, created_at=services.clock()
    )
    await services.webhooks.put(webhook)
    log_event("webhook_set", owner=owner, webhook=name, by=admin.key.id)
    return webhook_object(webhook)


@router.delete(
    "/webhooks/{owner}/{name}", response_model=DeletedWebhook, responses=answers(400, 403, 404)
)
async def delete_webhook(
    owner: OwnerPath, name: Name, context: RequestContext, admin: Admin
) -> DeletedWebhook:
    """Remove a webhook: what was not delivered to it by now is not."""
    if not await context.services.webhooks.delete(owner, name):
        raise NotFound(
            f"The owner has no webhook '{name}'.", param="name", code="webhook_not_found"
        )
    log_event("webhook_deleted", owner=owner, webhook=name, by=admin.key.id)
    return DeletedWebhook(owner=owner, name=name)


@router.post(
    "/webhook_tests/{owner}",
    response_model=WebhookTrial,
    responses=answers(400, 403, 404, 408, 413, 415),
    openapi_extra={"requestBody": json_body(TryWebhook)},
)
async def try_webhook(
    owner: OwnerPath, request: Request, context: RequestContext, admin: Admin
) -> WebhookTrial:
    """Call a webhook of an owner's once with an event that tells of nothing, and say what became of
    it."""
    return await tested(context, owner, checked(TryWebhook, await fields_of(request)))


@router.post(
    "/webhook_secrets/{owner}", response_model=SecretObject, responses=answers(400, 403, 409)
)
async def new_secret(
    owner: OwnerPath,
    context: RequestContext,
    admin: Admin,
    overlap_seconds: Overlap = int(OVERLAP_SECONDS),
) -> SecretObject:
    """Make a new secret, with which calls to all webhooks of an owner are signed from now on. It is
    shown this once."""
    services = context.services
    secrets = await services.webhooks.rotate(owner, services.clock(), overlap=overlap_seconds)
    log_event("webhook_secret_made", owner=owner, by=admin.key.id)
    return secret_object(owner, secrets)


@router.get("/webhook_deliveries/{owner}", response_model=DeliveryList, responses=answers(400, 403))
async def list_deliveries(
    owner: OwnerPath,
    context: RequestContext,
    admin: Admin,
    video_id: VideoQuery = None,
    after: After = None,
    limit: Limit = 20,
) -> DeliveryList:
    """What was or is to be delivered to an owner's webhooks and to those of its videos, with each
    attempt, the newest first; of one video, the oldest first."""
    return await deliveries_of(context, owner, video_id, after, limit)


@router.post(
    "/webhook_deliveries/{owner}/{delivery_id}/resend",
    response_model=DeliveryObject,
    responses=answers(400, 403, 404, 409),
)
async def resend_delivery(
    owner: OwnerPath, delivery_id: str, context: RequestContext, admin: Admin
) -> DeliveryObject:
    """Deliver it again, now and with retries for another day, whatever became of it before."""
    return await again(context, owner, delivery_id)
