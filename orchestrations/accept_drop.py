"""The way of a dropped image: to a video at once, or after its sidecar came, or to a rejection."""

from __future__ import annotations

from collections.abc import Generator
from datetime import timedelta
from typing import Any, TypedDict, cast

import azure.durable_functions as df
from azure.durable_functions.models.Task import TimerTask

from dailies.orchestration import ACCEPT_DROP, WAKE_EVENT
from dailies.pipeline.drop import Drop, DropAnswer

blueprint = df.Blueprint()

_MOST_FAULTS = 8
_LONGEST_PAUSE = 300.0


class AcceptDropInput(TypedDict):
    """The upload, and for how many seconds its sidecar may still come."""

    drop: Drop
    wait_seconds: float
    retry_seconds: float


@blueprint.orchestration_trigger(context_name="context", orchestration=ACCEPT_DROP)
def accept_drop_v1(context: df.DurableOrchestrationContext) -> Generator[Any, Any, Any]:
    """Accept the image; wait for its sidecar once if need be; reject what can't be used."""
    request = cast(AcceptDropInput, context.get_input())
    drop = request["drop"]
    answer: DropAnswer = yield from _patiently(context, request, "accept_drop", drop)
    if answer["kind"] == "waiting":
        yield from _wait_for_sidecar(context, request["wait_seconds"])
        last = {**drop, "last_call": True}
        answer = yield from _patiently(context, request, "accept_drop", last)
    if answer["kind"] == "rejected":
        rejected = {"drop": drop, "rejection": answer["rejection"]}
        yield from _patiently(context, request, "reject_drop", rejected)
    return answer


def _wait_for_sidecar(
    context: df.DurableOrchestrationContext, seconds: float
) -> Generator[Any, Any, None]:
    deadline = context.current_utc_datetime + timedelta(seconds=seconds)
    timer = cast(TimerTask, context.create_timer(deadline))
    arrived = context.wait_for_external_event(WAKE_EVENT)
    winner = yield context.task_any([timer, arrived])
    if winner is not timer:
        timer.cancel()  # type: ignore[no-untyped-call] # the SDK has no types here


def _patiently(
    context: df.DurableOrchestrationContext,
    request: AcceptDropInput,
    activity: str,
    payload: Any,
) -> Generator[Any, Any, Any]:
    """Call the activity; after a fault again, with pauses that double."""
    for fault in range(_MOST_FAULTS):
        try:
            return (yield context.call_activity(activity, payload))
        except Exception:
            if fault == _MOST_FAULTS - 1:
                raise
        pause = min(request["retry_seconds"] * 2**fault, _LONGEST_PAUSE)
        yield context.create_timer(context.current_utc_datetime + timedelta(seconds=pause))
    raise AssertionError("the last fault is raised above")
