"""The life of one video, from accepted to announced."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, cast

import azure.durable_functions as df

from dailies.orchestration import GENERATE_VIDEO, GenerateInput
from dailies.pipeline.steps import Step
from orchestrations.steps import repeat_step, run_step, video_ref

blueprint = df.Blueprint()

# What the orchestration can't announce by then, the sweeper does.
_TRIES_TO_ANNOUNCE = 8


@blueprint.orchestration_trigger(context_name="context", orchestration=GENERATE_VIDEO)
def generate_video_v1(context: df.DurableOrchestrationContext) -> Generator[Any, Any, Any]:
    """Prepare, submit, wait, archive; then end the video and say so, however it went."""
    video = cast(GenerateInput, context.get_input())
    yield from _announce_early(context, video)
    last = yield from _produce(context, video)
    context.set_custom_status("finishing")
    error = last.get("error")
    yield from run_step(context, video, "finish_video", {"error": error})
    if video["quota"] is not None:
        quota = df.EntityId("quota", video["quota"]["deployment"])
        context.signal_entity(quota, "release", {"video": video["id"]})
    yield from run_step(context, video, "publish_events", limit=_TRIES_TO_ANNOUNCE)
    return {"id": video["id"], "error": error}


def _produce(
    context: df.DurableOrchestrationContext, video: GenerateInput
) -> Generator[Any, Any, Step]:
    """The steps that make the video; the first that can't be done ends them."""
    if video["has_reference"]:
        context.set_custom_status("preparing")
        step: Step = yield from run_step(context, video, "prepare_reference")
        if step["kind"] == "stop":
            return step
    context.set_custom_status("submitting")
    step = yield from repeat_step(context, video, "submit_video", quota=video["quota"])
    if step["kind"] == "stop":
        return step
    yield from _announce_early(context, video)
    context.set_custom_status("rendering")
    step = yield from repeat_step(context, video, "check_video", delay=step.get("seconds", 0.0))
    if step["kind"] == "stop":
        return step
    context.set_custom_status("archiving")
    return (yield from run_step(context, video, "archive_video"))


def _announce_early(
    context: df.DurableOrchestrationContext, video: GenerateInput
) -> Generator[Any, Any, None]:
    """Announce what has happened so far, once: a video is never held up by its announcements."""
    activity = {**video_ref(video), "attempt": 0}
    try:
        yield context.call_activity("publish_events", activity)
    except Exception:  # noqa: BLE001 - Durable hands every activity's fault over as an Exception
        # The events are still due and go out with the next announcement.
        return
