"""For operators: keys are issued, listed, limited, rotated and revoked."""

from __future__ import annotations

import json
import math
import time
from typing import Annotated, Any

import typer

from dailies_cli.api import Api
from dailies_cli.commands.options import AsJson, pairs
from dailies_cli.display import console, errors, print_json, table, when
from dailies_cli.failures import Failure
from dailies_cli.place import find_place

__all__ = ["app"]

_PATH = "/v1/admin/keys"
_DAY = 86_400

app = typer.Typer(help="Issue, list, change, rotate and revoke keys.", no_args_is_help=True)

KeyId = Annotated[str, typer.Argument(metavar="KEY", help="The key's id, key_…")]
Limit = Annotated[
    list[str] | None,
    typer.Option(
        "--limit",
        "-l",
        help="What the key may do, as name=value: models=sora-2,ray-3.2, requests_per_minute=60, "
        "max_unfinished=5, priorities=low, budget.month_usd=400. With no value, the limit is taken "
        "away.",
    ),
]
Tag = Annotated[list[str] | None, typer.Option("--tag", "-t", help="Kept with each video.")]
Name = Annotated[str | None, typer.Option(help="For people: what the key is for.")]
ExpiresIn = Annotated[
    float | None,
    typer.Option("--expires-in-days", min=0, max=36_500, help="Days after which it ends."),
]


@app.command()
def issue(
    owner: Annotated[str, typer.Argument(help="Whose videos the key sees and makes.")],
    name: Name = None,
    limit: Limit = None,
    tag: Tag = None,
    expires_in_days: ExpiresIn = None,
    as_json: AsJson = False,
) -> None:
    """Issue a key. It is printed this once, and kept nowhere."""
    body = {"owner": owner, **_changes(name, limit, tag, expires_in_days)}
    with Api(find_place(), operator=True) as api:
        _show_secret(api.post(_PATH, body), as_json=as_json)


@app.command(name="list")
def list_keys(
    owner: Annotated[str | None, typer.Option(help="Only this owner's.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many.")] = 200,
    as_json: AsJson = False,
) -> None:
    """List all keys, those of the settings too."""
    with Api(find_place(), operator=True) as api:
        found = list(api.pages(_PATH, limit=limit, owner=owner))
    if as_json:
        print_json(found)
        return
    columns = ("key", "owner", "name", "state", "ends in", "limits", "tags", "expires")
    console.print(table(None, columns, map(_row, found)))


@app.command()
def show(key_id: KeyId) -> None:
    """Show all that is known of a key but its secret."""
    with Api(find_place(), operator=True) as api:
        print_json(api.get(f"{_PATH}/{key_id}"))


@app.command()
def change(
    key_id: KeyId,
    name: Name = None,
    limit: Limit = None,
    tag: Tag = None,
    expires_in_days: ExpiresIn = None,
) -> None:
    """Change what is named of a key; the rest stays."""
    with Api(find_place(), operator=True) as api:
        key = api.patch(f"{_PATH}/{key_id}", _changes(name, limit, tag, expires_in_days))
    print_json(key)


@app.command()
def rotate(
    key_id: KeyId,
    overlap_seconds: Annotated[
        int, typer.Option(min=0, help="How long the secret before it is still taken.")
    ] = _DAY,
    as_json: AsJson = False,
) -> None:
    """Give a key a new secret. It is printed this once, and kept nowhere."""
    with Api(find_place(), operator=True) as api:
        key = api.post(f"{_PATH}/{key_id}/rotate", {"overlap_seconds": overlap_seconds})
    _show_secret(key, as_json=as_json)


@app.command()
def revoke(key_id: KeyId) -> None:
    """Take a key away, for good. Its owner's videos stay."""
    with Api(find_place(), operator=True) as api:
        key = api.delete(f"{_PATH}/{key_id}")
    console.print(f"{key_id}  {key['state']}; within ten seconds nobody takes it any more")


def _changes(
    name: str | None, limits: list[str] | None, tags: list[str] | None, days: float | None
) -> dict[str, Any]:
    """What was given, as the app takes it."""
    given: dict[str, Any] = {}
    if name is not None:
        given["name"] = name
    if limits:
        given["limits"] = _nested(pairs(limits))
    if tags:
        given["tags"] = tags
    if days is not None:
        if math.isnan(days):
            raise Failure("--expires-in-days: give a number of days.")
        given["expires_at"] = int(time.time() + days * _DAY)
    return given


def _nested(limits: dict[str, str]) -> dict[str, Any]:
    """``budget.month_usd`` is within ``budget``."""
    found: dict[str, Any] = {}
    for name, text in limits.items():
        *parts, last = name.split(".")
        place = found
        for part in parts:
            place = place.setdefault(part, {})
        place[last] = _value(name, text)
    return found


def _value(name: str, text: str) -> Any:
    """A limit's value: JSON where it is some, several words where there are commas."""
    if not text:
        return None
    try:
        return json.loads(text, parse_constant=_no_number)
    except ValueError:
        pass
    words = [word.strip() for word in text.split(",") if word.strip()]
    if not words:
        raise Failure(f"{name!r} has no value; leave it empty to take the limit away.")
    return words


def _no_number(name: str) -> Any:
    """NaN and the infinities, which Python reads and JSON has not."""
    raise Failure(f"{name} is no number that a limit can be.")


def _show_secret(key: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(key)
        return
    # Alone on the standard output, for a file or a vault.
    errors.print(f"{key['id']} of {key['owner']}; its secret, shown this once:", soft_wrap=True)
    print(key["key"] or "")
    if key["key"] is None:
        raise Failure(
            "It was issued by an earlier request, whose answer had the secret. Rotate the key to "
            "get another."
        )


def _row(key: dict[str, Any]) -> tuple[object, ...]:
    limits = {name: value for name, value in key["limits"].items() if value is not None}
    endings = ", ".join(f"…{secret['last_four']}" for secret in key["secrets"])
    said = "; ".join(f"{name}={_short(value)}" for name, value in limits.items())
    mark = f"{key['state']}, operator" if key["operator"] else key["state"]
    return (
        *(key["id"], key["owner"], key["name"], mark, endings, said),
        *(", ".join(key["tags"]), when(key["expires_at"])),
    )


def _short(value: object) -> str:
    if isinstance(value, dict):
        said = [f"{n} {_short(v)}" for n, v in value.items() if v not in (None, {})]
        return "/".join(said) or "none"
    return (",".join(map(str, value)) or "none") if isinstance(value, list) else str(value)
