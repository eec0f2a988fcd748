"""One video's way through the whole stack, as one trace."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.pictures import png
from tests.stack import RunningStack, running_stack

CALLER = ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331")
PROMPT = "A lighthouse that only its keeper knows"
STEPS = {"submit_video", "check_video", "archive_video", "finish_video", "publish_events"}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    with running_stack(tmp_path_factory.mktemp("traces"), "--telemetry") as running:
        yield running


def _trace_of(stack: RunningStack, video_id: str, *names: str) -> dict[str, Any]:
    """The trace in which the video was made, once all of it is there: spans with these names and
    those of every video, and of each its parent. They come in batches, children before parents."""
    wanted = {*names, *STEPS, "publish dailies.video.completed"}

    def complete() -> dict[str, Any] | None:
        found = stack.simulator.get("/_inspect/traces", params={"video": video_id}).json()
        for trace in found:
            if wanted <= {span["name"] for span in trace["spans"]} and (
                len(_without_a_parent(trace)) == 1
            ):
                return dict(trace)
        return None

    return stack.wait_until(complete, what="the whole trace has arrived")


def _without_a_parent(trace: dict[str, Any]) -> list[dict[str, Any]]:
    known = {span["span_id"] for span in trace["spans"]}
    return [span for span in trace["spans"] if span["parent_id"] not in known]


def _events(stack: RunningStack, video_id: str) -> list[dict[str, Any]]:
    found = stack.simulator.get("/_inspect/events").json()
    return [e["event"] for e in found if e["event"]["subject"] == f"/videos/{video_id}"]


def test_a_video_is_one_trace_from_its_request_to_its_last_event(stack: RunningStack) -> None:
    answer = stack.api.post(
        "/v1/videos",
        json={"model": "sora-2", "prompt": PROMPT, "seconds": "4"},
        headers={"traceparent": f"00-{CALLER[0]}-{CALLER[1]}-01"},
    )
    video = stack.wait_for(answer.json())
    assert video["status"] == "completed"
    whole = "generate_content sora-2"
    trace = _trace_of(stack, video["id"], "publish dailies.video.accepted", whole)
    assert trace["trace_id"] == CALLER[0]
    (root,) = _without_a_parent(trace)
    assert (root["name"], root["kind"]) == ("POST /videos", "server")
    assert root["parent_id"] == CALLER[1]
    by_name: dict[str, list[dict[str, Any]]] = {}
    for span in trace["spans"]:
        by_name.setdefault(span["name"], []).append(span)
    (generation,) = by_name[whole]
    assert (generation["parent_id"], generation["kind"]) == (root["span_id"], "client")
    assert generation["attributes"]["dailies.outcome"] == "completed"
    calls = by_name["advance_video"]
    assert {span["parent_id"] for span in calls} == {root["span_id"]}
    for step in STEPS:
        assert {span["parent_id"] for span in by_name[step]} <= {s["span_id"] for s in calls}, step
    (create,) = by_name["POST create"]
    assert create["parent_id"] in {span["span_id"] for span in by_name["submit_video"]}
    assert {span["attributes"]["dailies.variant"] for span in by_name["archive_file"]} == {
        "video",
        "thumbnail",
        "spritesheet",
    }
    events = _events(stack, video["id"])
    assert len({event["id"] for event in events}) == 3  # each at least once
    assert {event["traceparent"] for event in events} == {
        f"00-{CALLER[0]}-{root['span_id']}-01",
    }
    assert PROMPT not in str(trace)


def test_a_dropped_image_is_one_trace_from_its_trigger_to_its_last_event(
    stack: RunningStack,
) -> None:
    stack.drop("boat.png", png(1), {"prompt": "The boat sails", "seconds": "4"})

    def announced() -> str | None:
        found = [item["event"]["data"] for item in stack.simulator.get("/_inspect/events").json()]
        return next((data["id"] for data in found if data["source"] == "drop"), None)

    video_id = stack.wait_until(announced, what="the image is a video")
    stack.wait_for(video_id)
    trace = _trace_of(stack, video_id, "reference_uploaded", "accept_drop", "prepare_reference")
    (root,) = _without_a_parent(trace)
    assert (root["name"], root["parent_id"]) == ("reference_uploaded", None)
    (starting,) = {event["traceparent"] for event in _events(stack, video_id)}
    assert starting.split("-")[1] == trace["trace_id"]


def test_the_videos_are_counted(stack: RunningStack) -> None:
    names = {"videos", "video.duration", "detection.lag", "archived", "cost", "loop.lag"}

    def counted() -> dict[str, Any] | None:
        found = {point["name"]: point for point in stack.simulator.get("/_inspect/metrics").json()}
        return found if {f"dailies.{name}" for name in names} <= set(found) else None

    found = stack.wait_until(counted, what="the metrics have arrived")
    assert found["dailies.videos"]["attributes"]["dailies.outcome"] == "completed"
