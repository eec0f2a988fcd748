"""After the storm: is every promise kept? Each miss is told with what was found."""

from __future__ import annotations

import hashlib
import json
import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import httpx
from azure.core.exceptions import ResourceNotFoundError

from tests.chaos.clients import Placed
from tests.chaos.plan import Order, Way
from tests.stack import RunningStack

__all__ = ["Evidence", "collect", "misses", "settle"]

_TERMINAL = ("completed", "failed", "cancelled")


@dataclass(frozen=True)
class Evidence:
    """All that the app, the simulator and storage tell, by the marker of each order."""

    videos: dict[str, list[dict[str, Any]]]
    jobs: dict[str, list[dict[str, Any]]]
    terminal_events: dict[str, list[dict[str, Any]]]
    files: dict[str, str | None]
    """Video id to what is wrong with its stored file; None when it is as its manifest says."""


def settle(stack: RunningStack, placed: Iterable[Placed], *, within: float) -> None:
    """Wait until every order that is certain has its video, and every video has ended and said so.

    Gives up silently after ``within`` seconds: what is missing then is a miss.
    """
    certain = [entry.order for entry in placed if entry.certain]
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        try:
            videos = _videos(stack)
        except httpx.HTTPError:
            time.sleep(0.5)
            continue
        ended = _terminal_events(stack)
        markers = _by_marker([video["prompt"] for video in videos])
        if (
            all(video["status"] in {"completed", "failed"} for video in videos)
            and all(ended.get(video["id"]) for video in videos)
            and all(markers[order.marker] for order in certain)
        ):
            return
        time.sleep(1)


def collect(stack: RunningStack, jobs_elsewhere: Iterable[dict[str, Any]] = ()) -> Evidence:
    """Ask everybody; ``jobs_elsewhere`` are those of a server beside the simulator's."""
    videos: dict[str, list[dict[str, Any]]] = defaultdict(list)
    jobs: dict[str, list[dict[str, Any]]] = defaultdict(list)
    files = {}
    for video in _videos(stack):
        videos[_marker(video["prompt"])].append(video)
        if video["status"] == "completed":
            files[video["id"]] = _file_problem(stack, video["id"])
    for job in (*stack.jobs(), *jobs_elsewhere):
        jobs[_marker(job["prompt"])].append(job)
    return Evidence(videos, jobs, _terminal_events(stack), files)


def misses(placed: Iterable[Placed], evidence: Evidence) -> list[str]:
    """Every promise that was not kept, in words."""
    found: list[str] = []
    for entry in placed:
        found += [f"{entry.order.marker} {entry.order.way}: {why}" for why in _of(entry, evidence)]
    known = {entry.order.marker for entry in placed}
    found += [f"{marker}: jobs that nobody ordered" for marker in set(evidence.jobs) - known]
    found += [f"{marker}: videos that nobody ordered" for marker in set(evidence.videos) - known]
    return found


def _of(placed: Placed, evidence: Evidence) -> Iterable[str]:
    order = placed.order
    videos, jobs = evidence.videos.get(order.marker, []), evidence.jobs.get(order.marker, [])
    if not placed.certain and order.way is not Way.KEYLESS:
        yield f"was never taken: {Counter(placed.answers)}"
    if len(videos) > 1 or (placed.certain and not videos):
        yield f"{len(videos)} videos: {[video['id'] for video in videos]}"
    if len(jobs) != len(videos):
        yield f"{len(jobs)} upstream jobs for {len(videos)} videos: {[job['id'] for job in jobs]}"
    for video in videos:
        yield from _of_video(order, video, evidence)


def _of_video(order: Order, video: dict[str, Any], evidence: Evidence) -> Iterable[str]:
    right = "failed" if order.moderated else "completed"
    if video["status"] != right:
        yield f"{video['id']} is {video['status']} ({video['phase']}, {video['error']})"
    events = evidence.terminal_events.get(video["id"], [])
    ids = {event["id"] for event in events}
    if ids != {f"{video['id']}.{right}"}:
        yield f"{video['id']} has the terminal events {sorted(ids)}"
    if (problem := evidence.files.get(video["id"])) is not None:
        yield f"{video['id']}: {problem}"


def _file_problem(stack: RunningStack, video_id: str) -> str | None:
    try:
        manifest = json.loads(_blob(stack, f"{video_id}/manifest.json"))
        named = manifest["files"]["video"]
        digest = hashlib.sha256(_blob(stack, named["blob"])).hexdigest()
    except (ResourceNotFoundError, KeyError) as error:
        return f"no manifest or no file: {type(error).__name__}"
    return None if digest == named["sha256"] else "the stored file is not the manifest's"


def _blob(stack: RunningStack, name: str) -> bytes:
    return stack.blobs.get_blob_client("videos", name).download_blob().readall()


def _videos(stack: RunningStack) -> list[dict[str, Any]]:
    """All videos of the owner, page by page."""
    videos: list[dict[str, Any]] = []
    after: dict[str, str] = {}
    while True:
        answer = stack.api.get("/v1/videos", params={"order": "asc", "limit": "100", **after})
        page = answer.raise_for_status().json()
        videos += page["data"]
        if not page["has_more"]:
            return videos
        after = {"after": page["last_id"]}


def _terminal_events(stack: RunningStack) -> dict[str, list[dict[str, Any]]]:
    events: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for event in stack.events():
        if event["type"].rpartition(".")[2] in _TERMINAL:
            events[event["subject"].rpartition("/")[2]].append(event)
    return events


def _by_marker(prompts: Iterable[str]) -> Counter[str]:
    return Counter(_marker(prompt) for prompt in prompts)


def _marker(prompt: str) -> str:
    start, end = prompt.find("<"), prompt.find(">")
    return prompt[start : end + 1] if 0 <= start < end else prompt
