"""Streams of events, over a real connection."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from tests.stack import RunningStack


@contextmanager
def _listening(
    stack: RunningStack, path: str, **headers: str
) -> Iterator[Iterator[dict[str, Any]]]:
    with stack.api.stream("GET", path, headers=headers, timeout=httpx.Timeout(60)) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield _events(answer.iter_lines())


def _events(lines: Iterator[str]) -> Iterator[dict[str, Any]]:
    fields: dict[str, Any] = {}
    for line in lines:
        name, _, value = line.partition(": ")
        if line and name:
            fields[name] = value
        elif not line:
            if "data" in fields:
                yield {**fields, "data": json.loads(fields["data"])}
            fields = {}


def test_all_videos_of_an_owner_are_told_of_as_they_come_along(stack: RunningStack) -> None:
    with _listening(stack, "/v1/videos/events") as events:
        video = stack.create("a stream runs through a wood")
        seen = []
        for event in events:
            if event["data"]["id"] == video["id"]:
                seen.append(event)
            if seen and seen[-1]["event"] == "video.completed":
                break
    assert {event["event"] for event in seen[:-1]} == {"video.progress"}
    assert seen[-1]["data"] == stack.video(video["id"])
    progress = [event["data"]["progress"] for event in seen]
    assert progress == sorted(progress)


def test_a_listener_that_comes_back_is_told_what_it_has_missed(stack: RunningStack) -> None:
    with _listening(stack, "/v1/videos/events") as events:
        video = stack.create("a stream runs dry")
        last = next(event["id"] for event in events if event["data"]["id"] == video["id"])
    stack.wait_for(video)
    with _listening(stack, "/v1/videos/events", **{"Last-Event-ID": last}) as events:
        missed = next(event for event in events if event["data"]["id"] == video["id"])
    assert missed["event"] == "video.completed"


def test_a_head_of_the_stream_ends(stack: RunningStack) -> None:
    answer = stack.api.head("/v1/videos/events")
    assert (answer.status_code, answer.content) == (200, b"")


def test_the_stream_of_a_video_ends_with_it(stack: RunningStack) -> None:
    video = stack.create("a stream meets the sea")
    with _listening(stack, f"/v1/videos/{video['id']}/events") as events:
        told = list(events)
    assert told[-1]["event"] == "video.completed"
    assert told[0]["data"]["id"] == video["id"]
