"""``dailies models``: what there is to choose from."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from dailies_cli.api import Api
from dailies_cli.commands.options import AsJson
from dailies_cli.display import console, money, print_json, table
from dailies_cli.place import find_place

__all__ = ["models"]


def models(
    name: Annotated[str | None, typer.Argument(help="One of them, in full.")] = None,
    every: Annotated[
        bool, typer.Option("--all", "-a", help="Also those that nothing is set up for.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List the models, with what they make and cost."""
    with Api(find_place()) as api:
        if name is not None:
            _show(api.get(f"/v1/models/{name}"), as_json=as_json)
            return
        listed = [m for m in api.get("/v1/models")["data"] if every or m["available"]]
    if as_json:
        print_json(listed)
        return
    rows = ((m["id"], m["owned_by"], _lengths(m), m["sizes"][0], _price(m)) for m in listed)
    columns = ("model", "made by", "seconds", "size", "a second")
    console.print(table(None, columns, rows))


def _lengths(model: dict[str, Any]) -> str:
    lengths = sorted(model["seconds"])
    runs: list[list[int]] = []
    for length in lengths:
        if runs and length == runs[-1][-1] + 1:
            runs[-1].append(length)
        else:
            runs.append([length])
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)


def _price(model: dict[str, Any]) -> str:
    prices = sorted(set((model["prices"] or {}).values()))
    if not prices:
        return "unknown"
    return money(prices[0]) if len(prices) == 1 else f"{money(prices[0])} to {money(prices[-1])}"


def _show(model: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(model)
        return
    inputs = model["inputs"]
    rows = [
        ("made by", model["owned_by"]),
        ("also called", ", ".join(model["aliases"])),
        ("lengths", _lengths(model)),
        ("sizes", ", ".join(model["sizes"])),
        ("first picture", "yes" if inputs["first_frame"] else "no"),
        ("last picture", "yes" if inputs["last_frame"] else "no"),
        ("to look like", inputs["references"] or "no"),
        ("sound", model["sound"] or "unknown"),
        ("can", ", ".join(model["operations"])),
        ("a second", _price(model)),
        ("retires", model["retires_at"]),
        ("to be had", "yes" if model["available"] else "no: nothing is set up for it"),
    ]
    console.print(table(None, ("", str(model["id"])), (row for row in rows if row[1])))
