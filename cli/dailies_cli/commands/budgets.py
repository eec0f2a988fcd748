"""For operators: how much owners and their end users may spend."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from dailies_cli.api import Api
from dailies_cli.commands.options import AsJson
from dailies_cli.display import console, money, print_json, table, when
from dailies_cli.failures import Failure
from dailies_cli.place import find_place

__all__ = ["app"]

app = typer.Typer(help="Show, set and take away budgets.", no_args_is_help=True)

Owner = Annotated[str, typer.Argument(help="Whose budget.")]
User = Annotated[str | None, typer.Option(help="An end user of the owner.")]
EachUser = Annotated[
    bool, typer.Option("--each-user", help="Each end user who has no budget of its own.")
]
Usd = Annotated[float | None, typer.Option(min=0, help="US dollars.")]


@app.command(name="list")
def list_budgets(
    owner: Owner,
    user: User = None,
    limit: Annotated[int, typer.Option(min=1, help="How many.")] = 200,
    as_json: AsJson = False,
) -> None:
    """List the budgets of an owner, its keys and its end users, and how far each is used."""
    with Api(find_place(), operator=True) as api:
        found = list(api.pages(_path(owner), limit=limit, user=user))
    if as_json:
        print_json(found)
        return
    rows = [row for budget in found for row in _rows(budget)]
    columns = ("of", "each", "limit", "spent", "held", "left", "renews")
    console.print(table(None, columns, rows) if rows else "There is no budget.")


@app.command(name="set")
def set_budget(
    owner: Owner,
    day: Usd = None,
    month: Usd = None,
    total: Usd = None,
    user: User = None,
    each_user: EachUser = False,
    as_json: AsJson = False,
) -> None:
    """Set a budget, in place of the one that there was; what was counted stays."""
    given = {"day_usd": day, "month_usd": month, "total_usd": total}
    limits = {name: usd for name, usd in given.items() if usd is not None}
    if not limits:
        raise Failure("How much? Give at least one of --day, --month and --total.")
    with Api(find_place(), operator=True) as api:
        budget = api.put(_path(owner), limits, **_whose(user, each_user=each_user))
    if as_json:
        print_json(budget)
        return
    columns = ("of", "each", "limit", "spent", "held", "left", "renews")
    console.print(table(None, columns, _rows(budget)))


@app.command(name="delete")
def delete_budget(owner: Owner, user: User = None, each_user: EachUser = False) -> None:
    """Take a budget away: nothing is held back by it any more."""
    with Api(find_place(), operator=True) as api:
        api.delete(_path(owner), **_whose(user, each_user=each_user))
    console.print("deleted")


def _path(owner: str) -> str:
    return f"/v1/admin/budgets/{owner}"


def _whose(user: str | None, *, each_user: bool) -> dict[str, Any]:
    return {"user": user, "each_user": "true" if each_user else None}


def _rows(budget: dict[str, Any]) -> list[tuple[object, ...]]:
    name = budget["key"] or budget["user"] or budget["owner"]
    of = f"{budget['scope']} {name}"
    if budget["each_user"] and budget["user"] is None:
        periods = ("day", "month", "total")
        limits = ((each, budget[f"{each}_usd"]) for each in periods)
        return [
            ("each user", each, money(usd), None, None, None, None)
            for each, usd in limits
            if usd is not None
        ]
    return [
        (
            *(of, each["period"], money(each["limit_usd"]), money(each["spent_usd"])),
            *(money(each["held_usd"]), money(each["left_usd"]), when(each["renews_at"])),
        )
        for each in budget["standings"]
    ]
