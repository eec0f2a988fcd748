"""``dailies generate``: order a video, watch it, have its file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from dailies_cli.api import Api
from dailies_cli.commands.fetching import fetch
from dailies_cli.commands.options import AsJson, Out, pairs
from dailies_cli.display import console, duration, errors, money, print_json, table, text
from dailies_cli.failures import Failure, NotMade
from dailies_cli.following import follow
from dailies_cli.place import find_place

__all__ = ["finished", "generate"]


def generate(
    prompt: Annotated[str, typer.Argument(help="What is to be seen.")],
    model: Annotated[
        str | None, typer.Option("--model", "-m", help="As `dailies models` lists them.")
    ] = None,
    seconds: Annotated[str | None, typer.Option("--seconds", "-s", help="How long.")] = None,
    size: Annotated[str | None, typer.Option(help="As 1280x720.")] = None,
    image: Annotated[
        Path | None, typer.Option("--image", "-i", help="A picture that it starts from.")
    ] = None,
    field: Annotated[
        list[str] | None,
        typer.Option(
            "--field", "-f", help="Any other field of the API, as seed=7; again for more."
        ),
    ] = None,
    priority: Annotated[str | None, typer.Option(help="low, normal or high.")] = None,
    out: Out = None,
    wait: Annotated[
        bool, typer.Option(help="Watch it and fetch the file; else print its id at once.")
    ] = True,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what it would cost and when it would be there.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Make a video of a prompt and, if you like, of a picture, and fetch it."""
    fields = {
        "prompt": prompt,
        "model": model,
        "seconds": seconds,
        "size": size,
        "priority": priority,
        **pairs(field or []),
    }
    given = {name: value for name, value in fields.items() if value is not None}
    files = {} if image is None else {"input_reference": image}
    with Api(find_place()) as api:
        asked = api.post_form("/v1/videos", given, files, dry_run="true" if dry_run else None)
        for warning in asked.get("warnings") or ():
            errors.print(f"[yellow]{text(warning['param'])}[/]: {text(warning['message'])}")
        if dry_run:
            _tell(asked, as_json=as_json)
            return
        if not wait:
            print_json(asked) if as_json else print(asked["id"])
            return
        try:
            [video] = follow(api, [asked], quiet=as_json)
            file = finished(api, video, out)
        except NotMade:
            raise
        except Failure:
            # Who knows no name of it would order it again.
            errors.print(
                f"It is ordered, and is {asked['id']}. Look again with: dailies watch "
                f"{asked['id']}\nThen fetch it with: dailies get {asked['id']}"
            )
            raise
        except KeyboardInterrupt:
            errors.print(
                f"It goes on without you. Look again with: dailies watch {asked['id']}\n"
                f"Or stop it with: dailies cancel {asked['id']}"
            )
            raise typer.Exit(130) from None
    if as_json:
        print_json({**video, "file": str(file)})
    else:
        console.print(f"{text(file)}  ({_paid(video)})", soft_wrap=True)


def finished(api: Api, video: dict[str, Any], out: Path | None) -> Path:
    """The file of a video that has ended.

    Raises:
        NotMade: it ended without one.
    """
    if video["status"] != "completed":
        error = video.get("error") or {"code": "failed", "message": "It was not made."}
        raise NotMade(f"{video['id']}: {error['message']} ({error['code']})")
    return fetch(api, video, out)


def _paid(video: dict[str, Any]) -> str:
    cost = money(video.get("cost_usd"), is_estimate=bool(video.get("cost_is_estimate")))
    return f"{video['model']}, {video['seconds']} s, {video['size']}, {cost}"


def _tell(forecast: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(forecast)
        return
    starts, ends, render = (forecast[n] for n in ("starts_at", "ends_at", "render_seconds"))
    rows = [
        ("model", forecast["model"]),
        ("made by", forecast["provider"] and f"{forecast['provider']} ({forecast['deployment']})"),
        ("length", f"{forecast['seconds']} s"),
        ("size", forecast["size"]),
        ("cost", money(forecast["cost_usd"])),
        ("ready after", duration(ends - starts) if starts and ends else None),
        ("of that, rendering", duration(render) if render else None),
    ]
    if forecast["error"]:
        rows.append(("would fail", forecast["error"]["message"]))
    console.print(table(None, ("", "nothing was ordered"), rows))
