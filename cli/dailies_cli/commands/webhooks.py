"""``dailies webhooks``: who is called about videos, what was delivered, and once more."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from dailies_cli.api import Api
from dailies_cli.commands.options import AsJson
from dailies_cli.display import console, print_json, table, text, when
from dailies_cli.place import find_place

__all__ = ["app"]

app = typer.Typer(help="Calls of addresses of yours about videos.", no_args_is_help=True)

_PATH = "/v1/webhooks"

Owner = Annotated[
    str | None, typer.Option(help="Of this owner; with an operator's key. Else your own.")
]


@app.command()
def secret(
    owner: Owner = None,
    overlap_seconds: Annotated[
        int | None,
        typer.Option(help="With --owner: for how long the one so far signs too; a day."),
    ] = None,
) -> None:
    """Make a new secret that calls are signed with. It is printed this once."""
    with Api(find_place(), operator=owner is not None) as api:
        if owner is None:
            made = api.post(f"{_PATH}/secret")
        else:
            path = f"/v1/admin/webhook_secrets/{owner}"
            made = api.post(path, overlap_seconds=overlap_seconds)
    print(made["secret"])


@app.command(name="test")
def try_webhook(
    url: Annotated[str, typer.Argument(help="The address to call.")],
    as_json: AsJson = False,
) -> None:
    """Call an address once, with an event that tells of nothing."""
    with Api(find_place()) as api:
        found = api.post(f"{_PATH}/test", {"webhook_url": url})
    if as_json:
        print_json(found)
        return
    outcome = "taken" if found["delivered"] else "not taken"
    console.print(f"{outcome}: {_said(found)} after {found['seconds']:.2f} s")


@app.command(name="set")
def set_webhook(
    owner: Annotated[str, typer.Argument(help="Whose videos it is told of.")],
    name: Annotated[str, typer.Argument(help="Its name, as you like.")],
    url: Annotated[str, typer.Argument(help="The address to call.")],
    event: Annotated[
        list[str] | None,
        typer.Option("--event", "-e", help="As dailies.video.failed; repeatable. How videos end."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Have all videos of an owner told to an address (for operators)."""
    body: dict[str, Any] = {"url": url} | ({"events": event} if event else {})
    with Api(find_place(), operator=True) as api:
        made = api.put(f"/v1/admin/webhooks/{owner}/{name}", body)
    if as_json:
        print_json(made)
        return
    console.print(f"{text(made['name'])}: {text(', '.join(made['events']))}")


@app.command()
def remove(
    owner: Annotated[str, typer.Argument(help="Whose it is.")],
    name: Annotated[str, typer.Argument(help="Its name.")],
) -> None:
    """Remove a webhook of an owner's (for operators)."""
    with Api(find_place(), operator=True) as api:
        api.delete(f"/v1/admin/webhooks/{owner}/{name}")


@app.command(name="list")
def list_deliveries(
    owner: Owner = None,
    video: Annotated[str | None, typer.Option(help="Only what tells of this video.")] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="How many.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List what was or is to be delivered, newest first."""
    path = f"{_PATH}/deliveries" if owner is None else f"/v1/admin/webhook_deliveries/{owner}"
    with Api(find_place(), operator=owner is not None) as api:
        found = list(api.pages(path, limit=limit, video_id=video))
    if as_json:
        print_json(found)
        return
    columns = ("delivery", "event", "address", "state", "attempts", "last", "next")
    console.print(table(None, columns, map(_row, found)))


@app.command()
def resend(
    delivery: Annotated[str, typer.Argument(metavar="DELIVERY", help="The delivery's id.")],
    owner: Owner = None,
) -> None:
    """Deliver it again, whatever became of it before."""
    path = f"{_PATH}/deliveries" if owner is None else f"/v1/admin/webhook_deliveries/{owner}"
    with Api(find_place(), operator=owner is not None) as api:
        again = api.post(f"{path}/{delivery}/resend")
    console.print(f"{text(again['id'])}: {text(again['status'])}")


def _row(delivery: dict[str, Any]) -> tuple[object, ...]:
    attempts = delivery["attempts"]
    return (
        delivery["id"],
        delivery["event_id"],
        delivery["url"],
        delivery["status"],
        len(attempts),
        _said(attempts[-1]) if attempts else None,
        when(delivery["next_attempt_at"]),
    )


def _said(attempt: dict[str, Any]) -> str:
    """The receiver's status, or why there is none."""
    return str(attempt["status"] or attempt["error"])
