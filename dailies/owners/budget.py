"""Budgets: how much may be spent in a day, in a month and in all, and what is held and spent.

An *account* is kept for each that has a budget: an owner, a key, or an end user of an owner. What a
video could cost is *held* on every account that it concerns before it is accepted; at its end that
is given back, and what it has cost is *spent*. Both count for the day and the month (UTC) in which
the video was accepted, so that a period that is over has no surprises left but its last videos.

Everything here is a pure value; ``dailies.stores.ledger`` keeps it. Money is in micro-dollars.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from dailies.video.errors import OverBudget
from dailies.video.money import to_micros, to_usd
from dailies.video.request import Document

__all__ = [
    "MOST_USD",
    "WARNING_PERCENT",
    "Account",
    "Budget",
    "BudgetWarning",
    "Counter",
    "Period",
    "Scope",
    "Shortage",
    "Standing",
    "over_budget",
]

MOST_USD = 1e9
WARNING_PERCENT = (50, 80, 100)
"""The shares of a limit that are told of when they are reached."""

# Three periods at a time, and a limit may be set anew within one.
_MOST_REMEMBERED = 60
Usd = Annotated[float, Field(strict=True, ge=0, le=MOST_USD, allow_inf_nan=False)]


class Scope(StrEnum):
    """Whose budget it is."""

    OWNER = "owner"
    KEY = "key"
    USER = "user"


class Period(StrEnum):
    """What a limit is for."""

    DAY = "day"
    MONTH = "month"
    TOTAL = "total"

    def label(self, at: float) -> str:
        """The one that a moment (Unix seconds) lies in: ``2026-11-29``, ``2026-11`` or
        ``total``."""
        day = datetime.fromtimestamp(at, UTC).date().isoformat()
        match self:
            case Period.DAY:
                return day
            case Period.MONTH:
                return day[:7]
            case Period.TOTAL:
                return self.value

    def has(self, label: str) -> bool:
        """Whether this is the label of one of these."""
        lengths = {Period.DAY: len("2026-11-29"), Period.MONTH: len("2026-11")}
        return (label == self.value) if self is Period.TOTAL else len(label) == lengths[self]

    def renewal_of(self, label: str) -> float | None:
        """When the one of that label ends, in Unix seconds; None: never."""
        if self is Period.TOTAL:
            return None
        day = datetime.fromisoformat(label if self is Period.DAY else f"{label}-01")
        return self.renews_at(day.replace(tzinfo=UTC).timestamp())

    def renews_at(self, at: float) -> float | None:
        """When the next one begins, in Unix seconds; None: never."""
        midnight = datetime.fromtimestamp(at, UTC).replace(
            hour=0, minute=0, second=0, microsecond=0
        )
        match self:
            case Period.DAY:
                return (midnight + timedelta(days=1)).timestamp()
            case Period.MONTH:
                # Four days after the 28th it is the next month, whatever the month.
                return (midnight.replace(day=28) + timedelta(days=4)).replace(day=1).timestamp()
            case Period.TOTAL:
                return None


_WHOSE = {
    Scope.OWNER: "Your budget",
    Scope.KEY: "The budget of this key",
    Scope.USER: "The budget of this 'user'",
}
_SPANS = {Period.DAY: "a day", Period.MONTH: "a month", Period.TOTAL: "in all"}
# An operator may raise a budget at any time, so nobody is sent away for longer. Seconds.
_LONGEST_RETRY = 3600


class Budget(Document):
    """The most that may be spent, in US dollars; what is None is not limited.

    Attributes:
        day_usd: in a day, by UTC.
        month_usd: in a calendar month, by UTC.
        total_usd: ever.
    """

    day_usd: Usd | None = None
    month_usd: Usd | None = None
    total_usd: Usd | None = None

    @property
    def limits(self) -> Mapping[Period, int]:
        """The periods that are limited, in micro-dollars."""
        said = {
            Period.DAY: self.day_usd,
            Period.MONTH: self.month_usd,
            Period.TOTAL: self.total_usd,
        }
        return {period: to_micros(usd) for period, usd in said.items() if usd is not None}


class Counter(Document):
    """What is held and spent in one period; micro-dollars."""

    held: int = 0
    spent: int = 0

    @property
    def taken(self) -> int:
        return self.held + self.spent

    def reaches(self, percent: int, limit: int) -> bool:
        """Whether so many per cent of a limit are taken; of nothing, none are."""
        return self.taken > 0 and self.taken * 100 >= percent * limit


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a limit is used; micro-dollars, and Unix seconds."""

    period: Period
    limit: int
    counter: Counter
    renews_at: float | None

    @property
    def left(self) -> int:
        """What could be held still; 0 where more was spent than was held."""
        return max(0, self.limit - self.counter.taken)


@dataclass(frozen=True, slots=True)
class BudgetWarning:
    """So many per cent of a limit are used in the period of that label, or all of it that is of any
    use: a video was refused."""

    standing: Standing
    label: str
    percent: int

    @property
    def mark(self) -> str:
        """What tells it from those of other periods and limits."""
        return _mark(self.label, self.standing.limit)


@dataclass(frozen=True, slots=True)
class Shortage:
    """Why a video can't be held on an account."""

    scope: Scope
    standing: Standing
    micros: int


class Account(Document):
    """What is kept of one that has a budget.

    Attributes:
        scope: whose it is.
        name: which key or user; that of the owner for an owner's.
        budget: as it was last set here; a key's stands with the key, and here as it was when a
            video was last made with it.
        by_default: the budget is that of all users without one of their own, as it was when a video
            was last made for this one.
        counters: by the name of the period, of this day and month and of earlier ones in which
            something is held still, or that are to be told of.
        refused: the periods and limits in which a video was refused.
        told: how many per cent were last told of, by period and limit.
    """

    scope: Scope
    name: str
    budget: Budget | None = None
    by_default: bool = False
    counters: Mapping[str, Counter] = {}
    refused: tuple[str, ...] = ()
    told: Mapping[str, int] = {}

    @property
    def own_budget(self) -> Budget | None:
        """The one that was set here."""
        return None if self.by_default else self.budget

    def with_budget(self, budget: Budget | None, *, by_default: bool = False) -> Account:
        """This account with that budget; what was counted stays."""
        return self.model_copy(update={"budget": budget, "by_default": by_default})

    def standings(self, budget: Budget, now: float) -> Iterator[Standing]:
        """How far each limit of the budget is used now."""
        for period, limit in budget.limits.items():
            counter = self.counters.get(period.label(now), Counter())
            yield Standing(period, limit, counter, period.renews_at(now))

    def shortage(self, budget: Budget, micros: int, now: float) -> Shortage | None:
        """Why the budget does not allow so much now; where several limits don't, that which lasts
        the longest."""
        short = [each for each in self.standings(budget, now) if each.left < micros]
        return Shortage(self.scope, short[-1], micros) if short else None

    def holding(self, micros: int, now: float) -> Account:
        """This account with so much more held."""
        names = {period.label(now) for period in Period}
        needed = names | {warning.label for warning in self.warnings()}
        kept = {
            name: each for name, each in self.counters.items() if name in needed or each.held > 0
        }
        for name in names:
            counter = kept.get(name, Counter())
            kept[name] = counter.model_copy(update={"held": counter.held + micros})
        return self.model_copy(update={"counters": kept})

    def settled(self, at: float, *, held: int, spent: int) -> Account:
        """This account with ``held`` given back and ``spent`` added, in the periods of ``at``; what
        was counted for a period that is forgotten since is left alone."""
        counters = dict(self.counters)
        for name in {period.label(at) for period in Period} & counters.keys():
            counter = counters[name]
            counters[name] = Counter(held=counter.held - held, spent=counter.spent + spent)
        return self.model_copy(update={"counters": counters})

    def refusing(self, short: Shortage, now: float) -> Account:
        """This account with the memory that a video was refused."""
        mark = _mark(short.standing.period.label(now), short.standing.limit)
        if mark in self.refused:
            return self
        return self.model_copy(update={"refused": (*self.refused, mark)[-_MOST_REMEMBERED:]})

    def warnings(self) -> list[BudgetWarning]:
        """What is to be told: of each period and limit the highest share that is reached, unless
        that much was told before."""
        found = []
        for period, limit in (Budget() if self.budget is None else self.budget).limits.items():
            labels = {*self.counters, *(mark.partition("/")[0] for mark in self.refused)}
            for label in sorted(labels):
                mark = _mark(label, limit)
                counter = self.counters.get(label, Counter())
                reached = [each for each in WARNING_PERCENT if counter.reaches(each, limit)]
                percent = 100 if mark in self.refused else max(reached, default=0)
                if period.has(label) and percent > self.told.get(mark, 0):
                    standing = Standing(period, limit, counter, period.renewal_of(label))
                    found.append(BudgetWarning(standing, label, percent))
        return found

    def telling(self, warnings: Sequence[BudgetWarning]) -> Account:
        """This account with the memory that these were told."""
        told = {**self.told, **{warning.mark: warning.percent for warning in warnings}}
        return self.model_copy(update={"told": dict(list(told.items())[-_MOST_REMEMBERED:])})


def _mark(label: str, limit: int) -> str:
    return f"{label}/{limit}"


def over_budget(short: Shortage, now: float) -> OverBudget:
    """What a caller is told of it."""
    standing, whose = short.standing, _WHOSE[short.scope]
    limit, left, price = (
        f"${to_usd(each):,.6f}".rstrip("0").rstrip(".")
        for each in (standing.limit, standing.left, short.micros)
    )
    renews_at, span = standing.renews_at, _SPANS[standing.period]
    until = "It does not renew; ask the operator to raise it."
    retry_after = _LONGEST_RETRY
    if renews_at is not None:
        until = f"It renews at {datetime.fromtimestamp(renews_at, UTC):%Y-%m-%dT%H:%M:%SZ}."
        retry_after = min(_LONGEST_RETRY, math.ceil(renews_at - now))
    return OverBudget(
        f"{whose} of {limit} {span} does not allow this video: it may cost {price}, and {left} is "
        f"left. {until} Nothing was made.",
        retry_after=max(1, retry_after),
        budget={
            "scope": short.scope.value,
            "period": standing.period.value,
            "limit_usd": to_usd(standing.limit),
            "left_usd": to_usd(standing.left),
            "price_usd": to_usd(short.micros),
            "renews_at": None if renews_at is None else int(renews_at),
        },
    )
