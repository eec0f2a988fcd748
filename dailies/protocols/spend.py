"""What has been spent, as JSON and as CSV."""

from __future__ import annotations

import csv
import io
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from dailies.owners.spend import Interval, Tally
from dailies.pipeline.spend import GroupBy, Spending
from dailies.protocols.budgets import StandingObject
from dailies.video.money import to_usd

__all__ = ["Spend", "SpendRow", "Spent", "Usage", "UsageBudget", "spend_csv", "spend_of"]

_FORMULAS = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""And their full-width forms, which some spreadsheets take for the same."""


class Spent(BaseModel):
    """A number of videos that have ended, and what they have cost."""

    videos: int
    completed: int
    seconds: int = Field(description="The rendered length of those that were made.")
    cost_usd: float
    unpriced: int = Field(description="How many there are of which nobody knows what they cost.")


class SpendRow(Spent):
    """What was spent under one value of `group_by`."""

    group: str | None = Field(description="The value; null: videos that have none.")
    period: str | None = Field(
        default=None,
        exclude_if=lambda period: period is None,
        description="The day or month, where `interval` tells them apart.",
    )


class Spend(BaseModel):
    """What was spent, by the days on which videos were accepted (UTC)."""

    model_config = ConfigDict(populate_by_name=True)

    object: Literal["spend"] = "spend"
    group_by: str
    interval: str
    first: str = Field(alias="from")
    last: str = Field(alias="to")
    data: list[SpendRow]
    total: Spent = Field(
        description="Of all, also of what is over `limit`; each video counts once."
    )
    has_more: bool


class UsageBudget(BaseModel):
    """A budget that has a say in the caller's videos."""

    scope: Literal["owner", "key", "user"]
    user: str | None = Field(description="Whose it is, of the end users.")
    standings: list[StandingObject]


class Usage(Spend):
    """What the caller has spent, and how far its budgets are used."""

    budgets: list[UsageBudget]


def spend_of(
    spending: Spending,
    everything: Spending,
    group_by: GroupBy,
    interval: Interval,
    first: str,
    last: str,
    limit: int,
) -> Spend:
    """The public object: days and months in their order, else what costs most first.

    Args:
        everything: the same, told apart so that each video counts once.
    """
    in_order = sorted(spending.items(), key=lambda item: _order(group_by, *item))
    total = sum((tally for tally in everything.values()), Tally())
    rows = [
        SpendRow(group=value, period=label or None, **_numbers(tally))
        for (value, label), tally in in_order[:limit]
    ]
    return Spend(
        group_by=group_by.value,
        interval=interval.value,
        first=first,
        last=last,
        data=rows,
        total=Spent(**_numbers(total)),
        has_more=len(in_order) > limit,
    )


def spend_csv(spend: Spend) -> str:
    """The rows, as a table for spreadsheets."""
    out = io.StringIO()
    table = csv.writer(out)
    has_periods = any(row.period is not None for row in spend.data)
    numbers = list(Spent.model_fields)
    table.writerow([spend.group_by, *(["period"] if has_periods else []), *numbers])
    for row in spend.data:
        period = [row.period] if has_periods else []
        counted = row.model_dump(include=set(numbers)) | {"cost_usd": f"{row.cost_usd:.6f}"}
        table.writerow([_harmless(row.group or ""), *period, *(counted[name] for name in numbers)])
    return out.getvalue()


def _harmless(text: str) -> str:
    """A caller's text that no spreadsheet takes for a formula, also not behind spaces, which some
    leave out: OWASP, "CSV Injection"."""
    is_formula = text.startswith(("\t", "\r", "\n")) or text.lstrip().startswith(_FORMULAS)
    return f"'{text}" if is_formula else text


def _numbers(tally: Tally) -> dict[str, float]:
    return {
        "videos": tally.videos,
        "completed": tally.completed,
        "seconds": tally.seconds,
        "cost_usd": to_usd(tally.micros),
        "unpriced": tally.unpriced,
    }


def _order(group_by: GroupBy, key: tuple[str | None, str], tally: Tally) -> tuple[object, ...]:
    value, label = key
    name = value or ""
    return (name,) if group_by is GroupBy.DAY else (label, -tally.micros, name)
