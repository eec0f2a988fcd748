"""A step that is repeated until it is done, with pauses in between.

It continues as new after a bounded number of calls, so no history grows beyond about a hundred
events however long a render takes or a provider is away.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from datetime import datetime, timedelta
from typing import Any, NotRequired, TypedDict, cast

import azure.durable_functions as df
from azure.durable_functions.models.Task import TimerTask

from dailies.engine import WAKE_EVENT, QuotaRequest, Step, wait

__all__ = ["REPEAT_STEP_V1", "REPEAT_STEP_V2", "REPEAT_STEP_V3", "RepeatInput", "blueprint"]

blueprint = df.Blueprint()

REPEAT_STEP_V1 = "repeat_step_v1"
REPEAT_STEP_V2 = "repeat_step_v2"
REPEAT_STEP_V3 = "repeat_step_v3"

# A call with its quota question and its pause is at most 15 events of history.
_CALLS_PER_GENERATION = 6
# Faults in a row, with pauses that double up to the longest: about an hour with the defaults.
_MOST_FAULTS = 18
_LONGEST_PAUSE = 300.0


class RepeatInput(TypedDict):
    """The state of a repeated step, carried from one generation to the next; times in seconds.

    ``granted``: the next call has its place in the quota. Since version 2: ``asked_at``, when it
    was asked for first (Unix seconds); ``grants``, how often one was granted; ``told``, that the
    step knows that it waits.
    """

    activity: str
    video: dict[str, Any]
    retry_seconds: float
    quota: NotRequired[QuotaRequest | None]
    granted: NotRequired[bool]
    asked_at: NotRequired[float]
    grants: NotRequired[int]
    told: NotRequired[bool]
    delay: float
    attempt: int
    faults: int
    limit: int | None


Ask = Callable[[df.DurableOrchestrationContext, RepeatInput], Generator[Any, Any, Step | None]]
"""Asks for a place in the quota: None when the step may be called, else what to do instead."""


@blueprint.orchestration_trigger(context_name="context", orchestration=REPEAT_STEP_V3)
def repeat_step_v3(context: df.DurableOrchestrationContext) -> Generator[Any, Any, Any]:
    """Call an activity until it is done or stops, with the pauses that it asks for.

    It says which deployment's quota is to be asked for a place, and is told where it has one; a
    place that it does not use is given back at once. While there is none, it is told so, once. A
    fault is tried again after a pause that doubles; after too many in a row the orchestration
    fails, and the sweeper starts the video's orchestration anew.
    """
    return (yield from _repeat(context, _stand_in_line, moves=True))


@blueprint.orchestration_trigger(context_name="context", orchestration=REPEAT_STEP_V2)
def repeat_step_v2(context: df.DurableOrchestrationContext) -> Generator[Any, Any, Any]:
    """As version 3, but it is the first deployment's quota that is asked for ever, and a place in
    it is kept until the video has ended."""
    return (yield from _repeat(context, _stand_in_line))


@blueprint.orchestration_trigger(context_name="context", orchestration=REPEAT_STEP_V1)
def repeat_step_v1(context: df.DurableOrchestrationContext) -> Generator[Any, Any, Any]:
    """As version 2, but nobody learns that it waits for the quota."""
    return (yield from _repeat(context, _ask_quota))


def _repeat(
    context: df.DurableOrchestrationContext, ask: Ask, *, moves: bool = False
) -> Generator[Any, Any, Any]:
    """``moves``: the step may ask for a place at another deployment, and gives back its own."""
    state = cast(RepeatInput, context.get_input())
    for _ in range(_CALLS_PER_GENERATION):
        woken = yield from _pause(context, state["delay"])
        # Whoever was woken has no time to stand in a queue: it was probably cancelled.
        instead = None if woken else (yield from ask(context, state))
        if instead is not None:
            if instead["kind"] != "wait":
                if moves:
                    _give_back(context, state)
                return instead
            state["delay"] = instead.get("seconds", 0.0)
            continue
        payload = {**state["video"], "attempt": state["attempt"], "woken": woken}
        if moves:
            payload["place"] = _place(state)
        try:
            step: Step = yield context.call_activity(state["activity"], payload)
            state["faults"] = 0
            if moves:
                _keep_or_move(context, state, step)
            else:
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


def _place(state: RepeatInput) -> str | None:
    """The deployment at which the step has a place."""
    quota = state.get("quota")
    return quota["deployment"] if quota is not None and state.get("granted") else None


def _keep_or_move(context: df.DurableOrchestrationContext, state: RepeatInput, step: Step) -> None:
    """Keep the place while the step's work is under way there, else give it back.

    One that is kept over a pause, or where nobody sends any more, is lost to all others.
    """
    keeps = step["kind"] == "done" or step.get("holds", False)
    moves = "place" in step and step["place"] != state.get("quota")
    if moves or step["kind"] == "stop" or (state.get("granted") and not keeps):
        _give_back(context, state)
    state["granted"] = keeps and bool(state.get("granted"))
    if moves:
        state["quota"] = step["place"]
        state["grants"] = 0


def _give_back(context: df.DurableOrchestrationContext, state: RepeatInput) -> None:
    """Leave the deployment's queue, and the place in its quota."""
    quota = state.get("quota")
    if quota is not None:
        context.signal_entity(_entity(quota), "release", {"video": state["video"]["id"]})


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


def _stand_in_line(
    context: df.DurableOrchestrationContext, state: RepeatInput
) -> Generator[Any, Any, Step | None]:
    quota = state.get("quota")
    if quota is None or state.get("granted"):
        return None
    now = context.current_utc_datetime.timestamp()
    grants = state.get("grants", 0)
    # What was granted before came to nothing. Each time costs a little of the place in the queue:
    # one that the provider puts off for ever is overtaken, one that it put off once is not.
    since = state.setdefault("asked_at", now) + grants * quota["window_seconds"]
    question = {**quota, "video": state["video"]["id"], "now": now, "since": since}
    grant = yield context.call_entity(_entity(quota), "acquire", question)
    if grant["granted"]:
        # Kept over a fault: what it was granted for may have been done, or not.
        state["granted"] = True
        state["grants"] = grants + 1
        return None
    not_yet = wait(float(grant["wait_seconds"]))
    return not_yet if state.get("told") else (yield from _tell(context, state, not_yet))


def _tell(
    context: df.DurableOrchestrationContext, state: RepeatInput, not_yet: Step
) -> Generator[Any, Any, Step]:
    """Tell the activity that it waits; it may find that there is nothing to wait for."""
    payload = {**state["video"], "attempt": state["attempt"], "waiting": True}
    try:
        step: Step = yield context.call_activity(state["activity"], payload)
    except Exception:  # noqa: BLE001 - Durable hands every activity's fault over as an Exception
        # It is told with the next question.
        return not_yet
    state["told"] = True
    return not_yet if step["kind"] == "wait" else step


def _ask_quota(
    context: df.DurableOrchestrationContext, state: RepeatInput
) -> Generator[Any, Any, Step | None]:
    """As version 1 asks."""
    quota = state.get("quota")
    if quota is None or state.get("granted"):
        return None
    question = {
        **quota,
        "video": state["video"]["id"],
        "now": context.current_utc_datetime.timestamp(),
    }
    grant = yield context.call_entity(_entity(quota), "acquire", question)
    state["granted"] = bool(grant["granted"])
    return None if grant["granted"] else wait(float(grant["wait_seconds"]))


def _entity(quota: QuotaRequest) -> df.EntityId:
    return df.EntityId("quota", quota["deployment"])
