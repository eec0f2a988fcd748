"""``dailies batch``: many videos in one order, and what becomes of them."""

from __future__ import annotations

import csv
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from dailies_cli.api import Api
from dailies_cli.commands.options import AsJson, Out
from dailies_cli.display import console, errors, money, print_json, table, text, when
from dailies_cli.failures import Failure, NotMade
from dailies_cli.place import find_place

__all__ = ["app"]

_PATH = "/v1/video_batches"
_ENDED = frozenset({"completed", "cancelled"})
_PAUSE = 3.0
_SUFFIXES = frozenset({".jsonl", ".ndjson", ".csv", ".json"})

Json = dict[str, Any]
BatchId = Annotated[str, typer.Argument(metavar="BATCH", help="The batch's id.")]


class _OrFile(TyperGroup):
    """What is no command is the file of a batch."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] != "--help":
            args = ["send", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=_OrFile,
    no_args_is_help=True,
    help="Many videos in one order: `dailies batch shots.jsonl`, the same as `send`.",
)


@app.command()
def send(
    file: Annotated[Path, typer.Argument(help="Shots: .jsonl, .csv or .json.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only check it, and tell the price.")
    ] = False,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Wait until it has ended.")] = False,
    limit_usd: Annotated[
        float | None, typer.Option("--limit-usd", help="The most that it may cost.")
    ] = None,
    at_once: Annotated[
        int | None, typer.Option("--at-once", min=1, max=100, help="Videos under way at once.")
    ] = None,
    name: Annotated[str | None, typer.Option("--name", help="Yours, given back.")] = None,
    as_json: AsJson = False,
) -> None:
    """Order the shots of a file. Images that it names in `image_file` lie in its folder."""
    if file.suffix.lower() not in _SUFFIXES:
        raise Failure(f"{file} is no file of shots: its name ends with .jsonl, .csv or .json.")
    images = [_beside(file, image) for image in sorted(_images_of(file))]
    files = [("file", file), *(("images", image) for image in images)]
    said = {"limit_usd": limit_usd, "max_in_progress": at_once, "name": name}
    fields = {key: str(value) for key, value in said.items() if value is not None}
    with Api(find_place()) as api:
        found = api.post_files(_PATH, fields, files, dry_run="true")
        if not found["valid"]:
            raise Failure(_faults(found))
        if dry_run:
            if as_json:
                print_json(found)
            else:
                console.print(_price(found))
            return
        errors.print(_price(found))
        batch = api.post_files(_PATH, fields, files)
        if watch:
            batch = _follow(api, batch)
    if as_json:
        print_json(batch)
    else:
        console.print(text(batch["id"]), soft_wrap=True)
    if watch:
        _check_end(batch)


@app.command(name="list")
def list_batches(
    limit: Annotated[
        int, typer.Option("--limit", "-n", min=1, help="How many, newest first.")
    ] = 20,
    as_json: AsJson = False,
) -> None:
    """List your batches, newest first."""
    with Api(find_place()) as api:
        batches = list(api.pages(_PATH, limit=limit))
    if as_json:
        print_json(batches)
        return
    rows = (
        (
            batch["id"],
            batch["name"],
            _standing(batch),
            money(batch["cost_usd"]["so_far"]),
            when(batch["created_at"]),
        )
        for batch in batches
    )
    console.print(table(None, ("batch", "name", "state", "cost", "made"), rows))


@app.command()
def show(batch_id: BatchId, as_json: AsJson = False) -> None:
    """Show how far a batch has come, and what has failed of it."""
    with Api(find_place()) as api:
        batch = api.get(f"{_PATH}/{batch_id}")
        failed = list(api.pages(f"{_PATH}/{batch_id}/videos", limit=20, status="failed"))
    if as_json:
        print_json(batch)
        return
    error = batch["error"]
    rows = [
        ("name", batch["name"]),
        ("state", _standing(batch)),
        ("why", error and error["message"]),
        ("cost", money(batch["cost_usd"]["so_far"])),
        ("at most", money(batch["cost_usd"]["estimated"])),
        ("limit", batch["limit_usd"] and money(batch["limit_usd"])),
        ("ordered", when(batch["created_at"])),
        ("ended", when(batch["completed_at"])),
    ]
    console.print(table(None, ("", str(batch["id"])), (row for row in rows if row[1])))
    if failed:
        shots = ((s["line"], s["custom_id"], s["error"] and s["error"]["message"]) for s in failed)
        console.print(table("Failed", ("line", "custom_id", "why"), shots))


@app.command()
def watch(batch_id: BatchId) -> None:
    """Watch a batch until it has ended, or is paused."""
    with Api(find_place()) as api:
        batch = _follow(api, api.get(f"{_PATH}/{batch_id}"))
    _check_end(batch)


@app.command()
def pause(batch_id: BatchId) -> None:
    """Begin no more of its videos; those under way go on."""
    _tell(batch_id, "pause")


@app.command()
def resume(
    batch_id: BatchId,
    limit_usd: Annotated[
        float | None, typer.Option("--limit-usd", help="What it may cost at most from now on.")
    ] = None,
) -> None:
    """Go on with a batch that is paused."""
    _tell(batch_id, "resume", limit_usd=limit_usd)


@app.command()
def cancel(batch_id: BatchId) -> None:
    """End a batch, and what is under way of it."""
    _tell(batch_id, "cancel")


@app.command()
def retry(batch_id: BatchId) -> None:
    """Make anew what has failed of a batch that has ended."""
    _tell(batch_id, "retry")


@app.command()
def results(batch_id: BatchId, out: Out = None) -> None:
    """Fetch the table of results of a batch that has ended."""
    target = out or Path(f"{batch_id}.csv")
    if target.is_dir():
        target = target / f"{batch_id}.csv"
    with Api(find_place()) as api:
        api.download(f"{_PATH}/{batch_id}/results", target, lambda done, total: None)
    console.print(text(target), soft_wrap=True)


def _tell(batch_id: str, word: str, **query: Any) -> None:
    with Api(find_place()) as api:
        batch = api.post(f"{_PATH}/{batch_id}/{word}", **query)
    console.print(f"{batch_id}  {text(_standing(batch))}", soft_wrap=True)


def _follow(api: Api, batch: Json) -> Json:
    """Tell of whatever is new, until it has ended or is paused."""
    last = ""
    while True:
        if (standing := _standing(batch)) != last:
            errors.print(f"{batch['id']}  {text(standing)}", soft_wrap=True)
            last = standing
        if batch["status"] in _ENDED or batch["status"] == "paused":
            return batch
        time.sleep(_PAUSE)
        batch = api.get(f"{_PATH}/{batch['id']}")


def _check_end(batch: Json) -> None:
    if batch["status"] != "completed" or batch["counts"]["failed"]:
        why = batch["error"]["message"] if batch["error"] else _standing(batch)
        raise NotMade(f"{batch['id']}: {why}")


def _standing(batch: Json) -> str:
    """How far a batch has come, in a few words."""
    counts = batch["counts"]
    told = [f"{counts['completed']} of {counts['total']} made"]
    told += [
        f"{counts[name]} {word}"
        for name, word in (("in_progress", "rendering"), ("failed", "failed"))
        if counts[name]
    ]
    return f"{batch['status']}: {', '.join(told)}"


def _price(found: Json) -> str:
    unpriced = f", and nobody knows the price of {found['unpriced']}" if found["unpriced"] else ""
    return f"{found['total']} shots, at most {money(found['estimated_usd'])}{unpriced}"


def _faults(found: Json) -> str:
    lines = [
        f"line {fault['line']}: {fault['message']}" if fault["line"] else str(fault["message"])
        for fault in found["faults"]
    ]
    others = found["fault_count"] - len(lines)
    return "\n".join([*lines, *([f"and {others} more"] if others else [])])


def _images_of(file: Path) -> set[str]:
    """The images that the shots of a file name; what can't be read, the app tells of."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as opened:
            return {str(shot["image_file"]) for shot in _shots(opened, file) if _names(shot)}
    except OSError as error:
        raise Failure(f"Can't read {file}: {error.strerror}.") from None
    except (ValueError, csv.Error):
        return set()


def _beside(file: Path, image: str) -> Path:
    """An image in the folder of a file of shots. Whoever wrote that file names no others here."""
    if image in (".", "..") or "/" in image or "\\" in image:
        raise Failure(
            f"image_file {image!r} is no name of a file beside {file}. Put the image there, and "
            "name it without a folder."
        )
    return file.parent / image


def _names(shot: Any) -> bool:
    return isinstance(shot, dict) and bool(shot.get("image_file"))


def _shots(opened: Any, file: Path) -> Iterator[Any]:
    kind = file.suffix.lower()
    if kind == ".csv":
        yield from csv.DictReader(opened)
    elif kind == ".json":
        document = json.load(opened)
        yield from document.get("shots", ()) if isinstance(document, dict) else ()
    else:
        yield from (json.loads(line) for line in opened if line.strip())
