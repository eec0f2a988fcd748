"""What all owners have spent."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from dailies.api.admin.names import OwnerQuery
from dailies.api.context import SECURITY, Admin, RequestContext
from dailies.api.spend import (
    First,
    Format,
    Group,
    Last,
    Limit,
    SpendInterval,
    asked_days,
    in_format,
    spend_answers,
    told_spend,
)
from dailies.owners.spend import Interval
from dailies.pipeline.spend import GroupBy
from dailies.protocols.spend import Spend

__all__ = ["router"]

router = APIRouter(prefix="/v1/admin", tags=["operations"], dependencies=SECURITY)


@router.get("/spend", response_model=Spend, responses=spend_answers(400, 403))
async def get_spend(
    request: Request,
    context: RequestContext,
    admin: Admin,
    group_by: Group = GroupBy.OWNER,
    first: First = None,
    last: Last = None,
    interval: SpendInterval = Interval.TOTAL,
    owner: OwnerQuery = None,
    limit: Limit = 1000,
    format: Format = None,
) -> Response:
    """What was spent, by owner, key, user, model, provider, tag or day; as JSON or CSV. All videos
    that have ended by now are in it."""
    services = context.services
    days = asked_days(first, last, services.clock())
    told = await told_spend(services, group_by, interval, days, owner=owner, limit=limit)
    return in_format(request, told, format)
