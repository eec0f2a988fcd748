"""The life of one video in three instances: steps that wait are repeated in sub-orchestrations."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, cast

import azure.durable_functions as df

from dailies.engine import GenerateInput, Step
from orchestrations.drained.repeat_step import REPEAT_STEP_V1, REPEAT_STEP_V2, REPEAT_STEP_V3
from orchestrations.drained.steps import Steps

blueprint = df.Blueprint()

# What the orchestration can't announce by then, the sweeper does.
_TRIES_TO_ANNOUNCE = 8


@blueprint.orchestration_trigger(context_name="context", orchestration="generate_video_v3")
def generate_video_v3(context: df.DurableOrchestrationContext) -> Generator[Any, Any, Any]:
    """Prepare, submit, wait, archive; then end the video and say so, however it went."""
    return (yield from _live(context, REPEAT_STEP_V3))


@blueprint.orchestration_trigger(context_name="context", orchestration="generate_video_v2")
def generate_video_v2(context: df.DurableOrchestrationContext) -> Generator[Any, Any, Any]:
    """As version 3, but the quota is given back when the video has ended, not when its job has."""
    return (yield from _live(context, REPEAT_STEP_V2))


@blueprint.orchestration_trigger(context_name="context", orchestration="generate_video_v1")
def generate_video_v1(context: df.DurableOrchestrationContext) -> Generator[Any, Any, Any]:
    """As version 2, with version 1 of the repeated step."""
    return (yield from _live(context, REPEAT_STEP_V1))


def _live(context: df.DurableOrchestrationContext, repeater: str) -> Generator[Any, Any, Any]:
    video = cast(GenerateInput, context.get_input())
    steps = Steps(context, video, repeater)
    yield from _announce_early(steps)
    last = yield from _produce(steps)
    context.set_custom_status("finishing")
    error = last.get("error")
    yield from steps.run("finish_video", {"error": error})
    if video["quota"] is not None and not steps.gives_back:
        _release(steps, video["quota"]["deployment"])
    yield from steps.run("publish_events", limit=_TRIES_TO_ANNOUNCE)
    return {"id": video["id"], "error": error}


def _produce(steps: Steps) -> Generator[Any, Any, Step]:
    """The steps that make the video; the first that can't be done ends them."""
    context, video = steps.context, steps.video
    if video["has_reference"]:
        context.set_custom_status("preparing")
        step: Step = yield from steps.run("prepare_reference")
        if step["kind"] == "stop":
            return step
    context.set_custom_status("submitting")
    step = yield from steps.repeat(
        "submit_video", quota=video["quota"], granted=video.get("sent", False)
    )
    if step["kind"] == "stop":
        return step
    yield from _announce_early(steps)
    context.set_custom_status("rendering")
    holder = step.get("deployment")
    step = yield from steps.repeat("check_video", delay=step.get("seconds", 0.0))
    if holder and steps.gives_back:
        # However long its files take from here, the provider renders nothing for it any more.
        _release(steps, holder)
    if step["kind"] == "stop":
        return step
    context.set_custom_status("archiving")
    return (yield from steps.run("archive_video"))


def _release(steps: Steps, deployment: str) -> None:
    """Give back what the video holds of a deployment's quota."""
    quota = df.EntityId("quota", deployment)
    steps.context.signal_entity(quota, "release", {"video": steps.video["id"]})


def _announce_early(steps: Steps) -> Generator[Any, Any, None]:
    """Announce what has happened so far, once: a video is never held up by its announcements."""
    try:
        yield steps.context.call_activity("publish_events", {**steps.ref, "attempt": 0})
    except Exception:  # noqa: BLE001 - Durable hands every activity's fault over as an Exception
        # The events are still due and go out with the next announcement.
        return
