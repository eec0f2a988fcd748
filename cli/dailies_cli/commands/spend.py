"""``dailies spend`` and ``dailies usage``: what has been spent."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import typer

from dailies_cli.api import Api
from dailies_cli.commands.options import AsJson
from dailies_cli.display import console, money, print_json, table
from dailies_cli.place import find_place

__all__ = ["spend", "usage"]


class GroupBy(StrEnum):
    """What is told apart."""

    OWNER = "owner"
    KEY = "key"
    USER = "user"
    MODEL = "model"
    PROVIDER = "provider"
    TAG = "tag"
    DAY = "day"


class Interval(StrEnum):
    """By what else."""

    DAY = "day"
    MONTH = "month"


First = Annotated[
    str | None, typer.Option("--from", help="A day by UTC, as 2026-11-01; this month's first.")
]
Last = Annotated[str | None, typer.Option("--to", help="A day, included; today.")]
Each = Annotated[Interval | None, typer.Option("--each", help="Its days or months told apart.")]
AsCsv = Annotated[bool, typer.Option("--csv", help="Print CSV, for a spreadsheet.")]


def spend(
    by: Annotated[GroupBy, typer.Option("--by", help="What is told apart.")] = GroupBy.OWNER,
    first: First = None,
    last: Last = None,
    each: Each = None,
    owner: Annotated[str | None, typer.Option(help="Only theirs.")] = None,
    as_csv: AsCsv = False,
    as_json: AsJson = False,
) -> None:
    """Show what all owners have spent."""
    with Api(find_place(), operator=True) as api:
        query = _query(by, first, last, each) | {"owner": owner}
        _tell(api, "/v1/admin/spend", query, as_csv=as_csv, as_json=as_json)


def usage(
    by: Annotated[GroupBy, typer.Option("--by", help="What is told apart.")] = GroupBy.DAY,
    first: First = None,
    last: Last = None,
    each: Each = None,
    as_csv: AsCsv = False,
    as_json: AsJson = False,
) -> None:
    """Show what you have spent, and how far your budgets are used."""
    with Api(find_place()) as api:
        query = _query(by, first, last, each)
        _tell(api, "/v1/usage", query, as_csv=as_csv, as_json=as_json)


def _query(
    by: GroupBy, first: str | None, last: str | None, each: Interval | None
) -> dict[str, str | None]:
    interval = None if each is None else each.value
    return {"group_by": by.value, "from": first, "to": last, "interval": interval}


def _tell(
    api: Api, path: str, query: dict[str, str | None], *, as_csv: bool, as_json: bool
) -> None:
    if as_csv:
        print(api.text(path, **query, format="csv"), end="")
        return
    found = api.get(path, **query)
    if as_json:
        print_json(found)
        return
    rows = [_row(row["group"] or "none", row) for row in found["data"]]
    columns = (found["group_by"], "period", "videos", "made", "seconds", "cost", "unpriced")
    title = f"{found['from']} to {found['to']}"
    console.print(table(title, columns, [*rows, _row("all", found["total"])]))
    for budget in found.get("budgets", ()):
        for standing in budget["standings"]:
            console.print(
                f"budget of the {budget['scope']}, {standing['period']}: "
                f"{money(standing['left_usd'])} of {money(standing['limit_usd'])} left"
            )


def _row(name: str, row: dict[str, Any]) -> tuple[object, ...]:
    numbers = (row["videos"], row["completed"], row["seconds"], money(row["cost_usd"]))
    return (name, row.get("period"), *numbers, row["unpriced"] or None)
