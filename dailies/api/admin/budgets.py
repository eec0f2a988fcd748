"""The budgets of owners and of their end users."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query, Request

from dailies.api.admin.names import OwnerPath
from dailies.api.bodies import open_body
from dailies.api.context import SECURITY, Admin, RequestContext
from dailies.api.documents import answers, body_of
from dailies.intake.known_keys import limits_of
from dailies.owners.budget import Account, Budget, Scope
from dailies.protocols.budgets import (
    BudgetList,
    BudgetObject,
    DeletedBudget,
    SetBudget,
    budget_object,
)
from dailies.services import Services
from dailies.stores.ledger import EACH_USER
from dailies.telemetry.logs import log_event
from dailies.video.errors import InvalidRequest, NotFound

__all__ = ["router"]

router = APIRouter(prefix="/v1/admin", tags=["operations"], dependencies=SECURITY)

_MOST_USER_CHARACTERS = 512

UserName = Annotated[
    str | None, Query(description="An end user of the owner, as its videos say in `user`.")
]


EachUser = Annotated[
    bool,
    Query(description="That of each end user who has none of its own, in place of one user's."),
]


@router.get("/budgets/{owner}", response_model=BudgetList, responses=answers(400, 403))
async def list_budgets(
    owner: OwnerPath,
    context: RequestContext,
    admin: Admin,
    user: UserName = None,
    after: Annotated[str | None, Query(description="The `last_id` of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> BudgetList:
    """The budgets of an owner and of its end users, and how far each is used; of one user, if one
    is named."""
    services = context.services
    found, has_more = await services.records.ledger.budgets(
        owner, user=_user(user), after=after, limit=limit
    )
    now = services.clock()
    budgets = await _budgets_of(services, owner, [each.account for each in found])
    return BudgetList(
        data=[
            budget_object(owner, each.account, budget, now)
            for each, budget in zip(found, budgets, strict=True)
            if budget is not None and budget.limits
        ],
        has_more=has_more,
        last_id=found[-1].key if found else None,
    )


async def _budgets_of(
    services: Services, owner: str, accounts: Sequence[Account]
) -> list[Budget | None]:
    """What stands now: a key's stands with the key, and may be another since it was last used; that
    of all users without one of their own is looked up once for all of them."""
    budgets: list[Budget | None] = []
    of_each: list[Budget | None] = []
    for account in accounts:
        if account.scope is Scope.KEY:
            limits = await limits_of(services, account.name)
            budgets.append(None if limits is None else limits.budget)
        elif account.scope is Scope.USER and account.own_budget is None:
            of_each = of_each or [await services.records.ledger.standing_budget(owner, account)]
            budgets += of_each
        else:
            budgets.append(account.own_budget)
    return budgets


@router.put(
    "/budgets/{owner}",
    response_model=BudgetObject,
    responses=answers(400, 403, 408, 409, 413, 415),
    openapi_extra={"requestBody": body_of(SetBudget)},
)
async def set_budget(
    owner: OwnerPath,
    request: Request,
    context: RequestContext,
    admin: Admin,
    user: UserName = None,
    each_user: EachUser = False,
) -> BudgetObject:
    """Set a budget, in place of the one that there was: from now on videos count for it. What was
    counted before, under an earlier one, stays counted."""
    async with open_body(request) as body:
        for name in body.fields:
            # A limit that is misspelt would not be one.
            if name not in SetBudget.model_fields:
                raise InvalidRequest(
                    f"Unknown field '{name[:64]}'. A budget has 'day_usd', 'month_usd' and "
                    "'total_usd'.",
                    param=name[:64],
                    code="unknown_parameter",
                )
        budget = SetBudget.read(body.fields).budget
    scope, name = _scope(owner, _user(user), each_user=each_user)
    account = await context.services.records.ledger.set_budget(owner, scope, name, budget)
    log_event("budget_set", owner=owner, scope=scope, **budget.model_dump(exclude_none=True))
    return budget_object(owner, account, budget, context.services.clock())


@router.delete("/budgets/{owner}", response_model=DeletedBudget, responses=answers(400, 403, 404))
async def delete_budget(
    owner: OwnerPath,
    context: RequestContext,
    admin: Admin,
    user: UserName = None,
    each_user: EachUser = False,
) -> DeletedBudget:
    """Take a budget away: videos are not counted for it any more."""
    scope, name = _scope(owner, _user(user), each_user=each_user)
    if not await context.services.records.ledger.delete_budget(owner, scope, name):
        raise NotFound(
            "There is no such budget. GET /v1/admin/budgets/{owner} lists those of an owner.",
            param="user" if scope is Scope.USER else "owner",
            code="budget_not_found",
        )
    log_event("budget_deleted", owner=owner, scope=scope)
    return DeletedBudget(owner=owner, user=user, each_user=each_user)


def _user(user: str | None) -> str | None:
    if user is not None and not 0 < len(user) <= _MOST_USER_CHARACTERS:
        raise InvalidRequest(
            f"Invalid 'user': give 1 to {_MOST_USER_CHARACTERS} characters, or leave it out.",
            param="user",
            code="invalid_value",
        )
    return user


def _scope(owner: str, user: str | None, *, each_user: bool) -> tuple[Scope, str]:
    if each_user and user is not None:
        raise InvalidRequest(
            "Name one 'user', or say 'each_user' for all that have no budget of their own.",
            param="each_user",
            code="invalid_value",
        )
    if each_user:
        return Scope.USER, EACH_USER
    return (Scope.OWNER, owner) if user is None else (Scope.USER, user)
