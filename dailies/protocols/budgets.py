"""Budgets, as operators set and see them."""

from __future__ import annotations

import math
from typing import Annotated, Literal

from pydantic import BaseModel, Field, PlainValidator, ValidationInfo

from dailies.owners.budget import MOST_USD, Account, Budget, Scope, Standing
from dailies.protocols.fields import Fields, said
from dailies.protocols.messages import wrong_type
from dailies.video.errors import InvalidRequest
from dailies.video.money import to_usd

__all__ = [
    "BudgetList",
    "BudgetObject",
    "DeletedBudget",
    "SetBudget",
    "StandingObject",
    "budget_object",
    "standing_objects",
]


def _usd(value: object, info: ValidationInfo) -> float:
    name = info.field_name or ""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise wrong_type(name, "a number of US dollars", value)
    try:
        usd = float(value)
    except (ValueError, OverflowError):
        usd = math.nan
    if not 0 <= usd <= MOST_USD:
        raise InvalidRequest(
            f"Invalid '{name}': give US dollars from 0 to {MOST_USD:,.0f}, like 25 or 0.5.",
            param=name,
            code="invalid_value",
        )
    return usd


def _limit(span: str) -> object:
    return said(f"US dollars {span}.", type="number", minimum=0, maximum=MOST_USD)


class SetBudget(Fields):
    """The limits of a budget; what is left out is not limited."""

    day_usd: Annotated[float | None, PlainValidator(_usd), _limit("a day, by UTC")] = None
    month_usd: Annotated[float | None, PlainValidator(_usd), _limit("a calendar month, by UTC")] = (
        None
    )
    total_usd: Annotated[float | None, PlainValidator(_usd), _limit("in all")] = None

    @property
    def budget(self) -> Budget:
        """The budget that is asked for.

        Raises:
            InvalidRequest: it limits nothing.
        """
        budget = Budget(day_usd=self.day_usd, month_usd=self.month_usd, total_usd=self.total_usd)
        if not budget.limits:
            raise InvalidRequest(
                "Give at least one of 'day_usd', 'month_usd' and 'total_usd'. To have no budget "
                "any more, DELETE it.",
                param="day_usd",
                code="missing_required_parameter",
            )
        return budget


class StandingObject(BaseModel):
    """How far a limit is used."""

    period: Literal["day", "month", "total"]
    limit_usd: float
    spent_usd: float = Field(description="What the videos have cost that have ended.")
    held_usd: float = Field(description="What those could cost at most that have not.")
    left_usd: float
    renews_at: int | None = Field(description="Unix seconds; null: never.")


class BudgetObject(BaseModel):
    """A budget and how far it is used. That of a key stands with the key, and is told here once a
    video was made with it."""

    object: Literal["budget"] = "budget"
    owner: str
    scope: Literal["owner", "key", "user"]
    key: str | None
    user: str | None
    each_user: bool = Field(
        default=False,
        description="Whether it is that of each end user who has none of its own: it stands for "
        "itself where `user` is null, and for that user else.",
    )
    day_usd: float | None
    month_usd: float | None
    total_usd: float | None
    standings: list[StandingObject]


class BudgetList(BaseModel):
    """The budgets of an owner, its keys and its end users."""

    object: Literal["list"] = "list"
    data: list[BudgetObject]
    has_more: bool
    last_id: str | None = Field(description="The `after` of the next page.")


class DeletedBudget(BaseModel):
    """The answer to a delete."""

    object: Literal["budget.deleted"] = "budget.deleted"
    owner: str
    user: str | None
    each_user: bool = False
    deleted: Literal[True] = True


def budget_object(owner: str, account: Account, budget: Budget, now: float) -> BudgetObject:
    """The public object of an account."""
    return BudgetObject(
        owner=owner,
        scope=account.scope.value,
        key=account.name if account.scope is Scope.KEY else None,
        user=(account.name or None) if account.scope is Scope.USER else None,
        each_user=account.scope is Scope.USER and (not account.name or account.own_budget is None),
        day_usd=budget.day_usd,
        month_usd=budget.month_usd,
        total_usd=budget.total_usd,
        standings=[] if not account.name else standing_objects(account, budget, now),
    )


def standing_objects(account: Account, budget: Budget, now: float) -> list[StandingObject]:
    """How far each limit is used."""
    return [_standing(each) for each in account.standings(budget, now)]


def _standing(standing: Standing) -> StandingObject:
    renews_at = standing.renews_at
    return StandingObject(
        period=standing.period.value,
        limit_usd=to_usd(standing.limit),
        spent_usd=to_usd(standing.counter.spent),
        held_usd=to_usd(standing.counter.held),
        left_usd=to_usd(standing.left),
        renews_at=None if renews_at is None else int(renews_at),
    )
