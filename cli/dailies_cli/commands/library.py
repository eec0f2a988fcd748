"""What has been ordered: list, show, watch, get, cancel, delete."""

from __future__ import annotations

import time
from collections.abc import Callable
from enum import StrEnum
from typing import Annotated, Any

import typer

from dailies_cli.api import Api
from dailies_cli.commands.fetching import fetch
from dailies_cli.commands.options import AsJson, Out, VideoId
from dailies_cli.display import console, duration, errors, money, print_json, table, text, when
from dailies_cli.failures import NotMade
from dailies_cli.following import ENDED, follow, standing
from dailies_cli.place import find_place

__all__ = ["cancel", "delete", "get", "list_videos", "show", "watch"]

_MOST_WATCHED = 50


class Variant(StrEnum):
    """The files of a video."""

    VIDEO = "video"
    THUMBNAIL = "thumbnail"
    SPRITESHEET = "spritesheet"


class Status(StrEnum):
    """The states of the protocol."""

    QUEUED = "queued"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    FAILED = "failed"


def list_videos(
    limit: Annotated[
        int, typer.Option("--limit", "-n", min=1, help="How many, newest first.")
    ] = 20,
    status: Annotated[Status | None, typer.Option(help="Only those.")] = None,
    model: Annotated[str | None, typer.Option("--model", "-m", help="Only its.")] = None,
    as_json: AsJson = False,
) -> None:
    """List your videos, newest first."""
    with Api(find_place()) as api:
        videos = _newest(api, limit, lambda video: _is_wanted(video, status, model))
    if as_json:
        print_json(videos)
        return
    rows = (
        (
            video["id"],
            video["model"],
            f"{video['seconds']} s",
            video["size"],
            standing(video),
            when(video["created_at"]),
            video["prompt"],
        )
        for video in videos
    )
    console.print(table(None, ("video", "model", "length", "size", "state", "made", "of"), rows))


def _newest(
    api: Api, limit: int, is_wanted: Callable[[dict[str, Any]], bool]
) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for video in api.pages("/v1/videos", limit=1_000_000):
        if is_wanted(video):
            found.append(video)
        if len(found) == limit:
            break
    return found


def _is_wanted(video: dict[str, Any], status: Status | None, model: str | None) -> bool:
    return status in (None, video["status"]) and model in (None, video["model"])


def show(video_id: VideoId, as_json: AsJson = False) -> None:
    """Show all that is known of a video."""
    with Api(find_place()) as api:
        video = api.get(f"/v1/videos/{video_id}")
    if as_json:
        print_json(video)
        return
    took = None
    if video["completed_at"] is not None:
        took = duration(video["completed_at"] - video["created_at"])
    error, source = video.get("error"), video["source"]
    rows = [
        ("state", standing(video)),
        ("progress", f"{video['progress']} %"),
        ("model", video["model"]),
        ("made by", video["provider"] and f"{video['provider']} ({video['deployment']})"),
        ("length", f"{video['seconds']} s"),
        ("size", video["size"]),
        ("ordered", when(video["created_at"])),
        ("ended", when(video["completed_at"])),
        ("took", took),
        ("kept until", when(video["expires_at"])),
        ("from", source["blob"] or source["type"]),
        ("remix of", video["remixed_from_video_id"]),
        ("cost", money(video["cost_usd"], is_estimate=video["cost_is_estimate"])),
        ("error", error and error["code"]),
        ("prompt", video["prompt"]),
    ]
    console.print(table(None, ("", str(video["id"])), (row for row in rows if row[1])))


def watch(
    videos: Annotated[
        list[str] | None,
        typer.Argument(metavar="[VIDEO]...", help="All that have not ended, if not given."),
    ] = None,
) -> None:
    """Watch videos until they have ended."""
    with Api(find_place()) as api:
        if videos:
            watched = [api.get(f"/v1/videos/{video_id}") for video_id in videos]
        else:
            watched = _unfinished(api)
        if not watched:
            errors.print("Nothing is under way.")
            return
        try:
            ended = follow(api, watched)
        except KeyboardInterrupt:
            raise typer.Exit(130) from None
    failed = [video for video in ended if video["status"] != "completed"]
    if failed:
        raise NotMade("\n".join(f"{video['id']}: {standing(video)}" for video in failed))


def _unfinished(api: Api) -> list[dict[str, Any]]:
    """Those of the last day that have not ended: nothing takes longer, but what waits."""
    found: list[dict[str, Any]] = []
    for video in api.pages("/v1/videos", limit=1_000_000):
        if video["created_at"] < time.time() - 86_400 or len(found) == _MOST_WATCHED:
            break
        if video["status"] not in ENDED:
            found.append(video)
    return found


def get(
    video_id: VideoId,
    out: Out = None,
    variant: Annotated[Variant, typer.Option(help="Which file.")] = Variant.VIDEO,
    index: Annotated[
        int | None, typer.Option(min=0, help="Which, where a model made several of one prompt.")
    ] = None,
) -> None:
    """Fetch a file of a finished video."""
    with Api(find_place()) as api:
        file = fetch(api, {"id": video_id}, out, variant=variant.value, index=index)
    console.print(text(file), soft_wrap=True)


def cancel(video_id: VideoId) -> None:
    """Stop a video that has not ended; it stays in the list."""
    with Api(find_place()) as api:
        video = api.post(f"/v1/videos/{video_id}/cancel")
    console.print(f"{video_id}  {text(standing(video))}", soft_wrap=True)


def delete(
    video_id: VideoId,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")] = False,
) -> None:
    """Delete a video and its files, for good."""
    if not yes:
        typer.confirm(f"Delete {video_id} and its files for good?", abort=True)
    with Api(find_place()) as api:
        api.delete(f"/v1/videos/{video_id}")
    console.print(f"{video_id} is deleted.")
