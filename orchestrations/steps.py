"""How an orchestrator runs a step: once in place, and repeated in a sub-orchestration.

The sub-orchestration continues as new after a bounded number of calls, so no history grows beyond
about a hundred events however long a render takes or a provider is away.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from datetime import datetime, timedelta
from typing import Any, NotRequired, TypedDict, cast

import azure.durable_functions as df
from azure.durable_functions.models.Task import TimerTask

from dailies.orchestration import WAKE_EVENT, GenerateInput, step_instance_id
from dailies.pipeline.steps import QuotaRequest, Step, VideoRef

__all__ = ["REPEAT_STEP", "RepeatInput", "blueprint", "repeat_step", "run_step", "video_ref"]

blueprint = df.Blueprint()

REPEAT_STEP = "repeat_step_v1"

# A call with its quota question and its pause is at most 14 events of history.
_CALLS_PER_GENERATION = 6
# Faults in a row, with pauses that double up to the longest: about an hour with the defaults.
_MOST_FAULTS = 18
_LONGEST_PAUSE = 300.0


class RepeatInput(TypedDict):
    """The state of a repeated step, carried from one generation to the next; times in seconds."""

    activity: str
    video: dict[str, Any]
    retry_seconds: float
    quota: NotRequired[QuotaRequest | None]
    granted: NotRequired[bool]
    delay: float
    attempt: int
    faults: int
    limit: int | None


def video_ref(video: GenerateInput) -> VideoRef:
    """The part of the input that every activity gets."""
    ref: VideoRef = {"id": video["id"], "owner": video["owner"]}
    # An instance that was started before there were traces has none, and replays without.
    if "traceparent" in video:
        ref["traceparent"] = video["traceparent"]
    return ref


def run_step(
    context: df.DurableOrchestrationContext,
    video: GenerateInput,
    activity: str,
    extra: Mapping[str, Any] | None = None,
    *,
    limit: int | None = None,
) -> Generator[Any, Any, Step]:
    """Call the step once; only when that is not enough, repeat it in a sub-orchestration."""
    payload = {**video_ref(video), **(extra or {})}
    try:
        step: Step = yield context.call_activity(activity, {**payload, "attempt": 0})
        faults = 0
    except Exception:  # noqa: BLE001 - Durable hands every activity's fault over as an Exception
        step = {"kind": "wait", "seconds": video["retry_seconds"]}
        faults = 1
    if step["kind"] != "wait":
        return step
    return (
        yield from repeat_step(
            context,
            video,
            activity,
            extra,
            delay=step.get("seconds", 0.0),
            attempt=1,
            faults=faults,
            limit=limit,
        )
    )


def repeat_step(
    context: df.DurableOrchestrationContext,
    video: GenerateInput,
    activity: str,
    extra: Mapping[str, Any] | None = None,
    *,
    quota: QuotaRequest | None = None,
    delay: float = 0.0,
    attempt: int = 0,
    faults: int = 0,
    limit: int | None = None,
) -> Generator[Any, Any, Step]:
    """Repeat the step in a sub-orchestration until it is done or stops."""
    state: RepeatInput = {
        "activity": activity,
        "video": {**video_ref(video), **(extra or {})},
        "retry_seconds": video["retry_seconds"],
        "quota": quota,
        "delay": delay,
        "attempt": attempt,
        "faults": faults,
        "limit": limit,
    }
    instance_id = step_instance_id(video["id"], activity, video["restarts"])
    step: Step = yield context.call_sub_orchestrator(REPEAT_STEP, state, instance_id)
    return step


@blueprint.orchestration_trigger(context_name="context", orchestration=REPEAT_STEP)
def repeat_step_v1(context: df.DurableOrchestrationContext) -> Generator[Any, Any, Any]:
    """Call an activity until it is done or stops, with the pauses that it asks for.

    A fault is tried again after a pause that doubles; after too many in a row the orchestration
    fails, and the sweeper starts the video's orchestration anew.
    """
    state = cast(RepeatInput, context.get_input())
    for _ in range(_CALLS_PER_GENERATION):
        woken = yield from _pause(context, state["delay"])
        # Whoever was woken has no time to stand in a queue: it was probably cancelled.
        granted_after = 0.0 if woken else (yield from _ask_quota(context, state))
        if granted_after > 0:
            state["delay"] = granted_after
            continue
        try:
            step: Step = yield context.call_activity(
                state["activity"], {**state["video"], "attempt": state["attempt"], "woken": woken}
            )
            state["faults"] = 0
            state["granted"] = step.get("holds", False)
        except Exception:
            state["faults"] += 1
            if state["faults"] > _MOST_FAULTS:
                raise
            pause = state["retry_seconds"] * 2 ** min(state["faults"] - 1, 8)
            step = {"kind": "wait", "seconds": min(pause, _LONGEST_PAUSE)}
        state["attempt"] += 1
        spent = state["limit"] is not None and state["attempt"] >= state["limit"]
        if step["kind"] != "wait" or spent:
            return step
        state["delay"] = step.get("seconds", 0.0)
    context.continue_as_new(state)
    return None


def _pause(context: df.DurableOrchestrationContext, seconds: float) -> Generator[Any, Any, bool]:
    """Wait, or go on at once when somebody wakes the step; whether somebody did."""
    if seconds <= 0:
        return False
    # The SDK declares the base class of what it gives.
    timer = cast(TimerTask, context.create_timer(_after(context, seconds)))
    woken = context.wait_for_external_event(WAKE_EVENT)
    winner = yield context.task_any([timer, woken])
    if winner is timer:
        return False
    # A timer left open would keep the instance from completing.
    timer.cancel()  # type: ignore[no-untyped-call] # the SDK has no types here
    return True


def _after(context: df.DurableOrchestrationContext, seconds: float) -> datetime:
    return context.current_utc_datetime + timedelta(seconds=seconds)


def _ask_quota(
    context: df.DurableOrchestrationContext, state: RepeatInput
) -> Generator[Any, Any, float]:
    """Seconds until the quota is worth asking again; 0 when the step may go on."""
    quota = state.get("quota")
    if quota is None or state.get("granted"):
        return 0.0
    entity = df.EntityId("quota", quota["deployment"])
    question = {
        **quota,
        "video": state["video"]["id"],
        "now": context.current_utc_datetime.timestamp(),
    }
    grant = yield context.call_entity(entity, "acquire", question)
    # Kept over a fault: what it was granted for may have been done, or not.
    state["granted"] = bool(grant["granted"])
    return 0.0 if grant["granted"] else float(grant["wait_seconds"])
