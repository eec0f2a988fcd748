"""What a caller itself has spent."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from dailies.api.context import SECURITY, Caller, RequestContext
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
from dailies.owners.budget import Scope
from dailies.owners.spend import Interval
from dailies.pipeline.spend import GroupBy
from dailies.protocols.budgets import standing_objects
from dailies.protocols.spend import Usage, UsageBudget
from dailies.stores.ledger import Claim

__all__ = ["router"]

router = APIRouter(tags=["videos"], dependencies=SECURITY)


@router.get("/usage", response_model=Usage, responses=spend_answers(400))
async def get_usage(
    request: Request,
    context: RequestContext,
    caller: Caller,
    group_by: Group = GroupBy.DAY,
    first: First = None,
    last: Last = None,
    interval: SpendInterval = Interval.TOTAL,
    limit: Limit = 1000,
    format: Format = None,
    user: Annotated[
        str | None,
        Query(
            max_length=512,
            description="An end user: how far its budget is used is told as well, where it has "
            "one. What was spent is told of all; see `group_by=user`.",
        ),
    ] = None,
) -> Response:
    """What the key's owner has spent with all its keys, and how far the budgets are used that have
    a say in what this key makes."""
    services = context.services
    now = services.clock()
    days = asked_days(first, last, now)
    claim = Claim(
        caller.name,
        0.0,
        now,
        user=user or None,
        key_id=caller.key.id,
        key_budget=caller.key.limits.budget,
    )
    budgets = [
        UsageBudget(
            scope=account.scope.value,
            user=user if account.scope is Scope.USER else None,
            standings=standing_objects(account, budget, now),
        )
        for account, budget in await services.records.ledger.accounts(claim)
    ]
    spend = await told_spend(services, group_by, interval, days, owner=caller.name, limit=limit)
    return in_format(request, Usage(**dict(spend), budgets=budgets), format)
