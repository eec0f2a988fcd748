"""The way of a dropped image: to a video at once, or after its sidecar came, or to a rejection."""

from __future__ import annotations

from collections.abc import Callable, Generator
from datetime import datetime, timedelta
from typing import Any, NotRequired, TypedDict, cast

import azure.durable_functions as df
from azure.durable_functions.models.Task import TimerTask

from dailies.engine import ACCEPT_DROP, WAKE_EVENT
from dailies.protocols.drop.payloads import Drop, DropAnswer

blueprint = df.Blueprint()

# Over the whole way, so that the history stays under a hundred events: a fault and its pause are 8.
_MOST_FAULTS = 8
# Sidecars that come one after the other, each looked at; 8 events of history for each.
_MOST_LOOKS = 4
_LONGEST_PAUSE = 300.0
# With a dozen minutes for each, for two days: as long as a storage outage that anyone has seen.
_MOST_GENERATIONS = 240


class AcceptDropInput(TypedDict):
    """The upload, and for how many seconds its sidecar may still come."""

    drop: Drop
    wait_seconds: float
    retry_seconds: float
    generation: NotRequired[int]


@blueprint.orchestration_trigger(context_name="context", orchestration=ACCEPT_DROP)
def accept_drop_v2(context: df.DurableOrchestrationContext) -> Generator[Any, Any, Any]:
    """Accept the image; wait for what is missing if need be; reject what can't be used.

    After too many faults it begins anew, for days; what is then still not answered, the sweeper
    takes up. Beginning anew is safe, because an upload makes one video however often it is
    accepted.
    """
    return (yield from _for_days(context, _accept))


@blueprint.orchestration_trigger(context_name="context", orchestration="accept_drop_v1")
def accept_drop_v1(context: df.DurableOrchestrationContext) -> Generator[Any, Any, Any]:
    """As it was before: the first sidecar that comes ends the wait. For instances under way."""
    return (yield from _for_days(context, _accept_v1))


_Accept = Callable[
    [df.DurableOrchestrationContext, AcceptDropInput], Generator[Any, Any, DropAnswer]
]


def _for_days(
    context: df.DurableOrchestrationContext, accept: _Accept
) -> Generator[Any, Any, DropAnswer | None]:
    request = cast(AcceptDropInput, context.get_input())
    generation = request.get("generation", 0) + 1
    try:
        return (yield from accept(context, request))
    except Exception:
        if generation >= _MOST_GENERATIONS:
            raise
    after = context.current_utc_datetime + timedelta(seconds=_LONGEST_PAUSE)
    yield context.create_timer(after)
    context.continue_as_new({**request, "generation": generation})
    return None


def _accept(
    context: df.DurableOrchestrationContext, request: AcceptDropInput
) -> Generator[Any, Any, DropAnswer]:
    """A sidecar that comes is looked at; while something is still missing, the wait goes on."""
    drop = request["drop"]
    call = _Patience(context, request["retry_seconds"]).call
    answer: DropAnswer = yield from call("accept_drop", drop)
    deadline = context.current_utc_datetime + timedelta(seconds=request["wait_seconds"])
    for _ in range(_MOST_LOOKS):
        if answer["kind"] != "waiting":
            break
        woken = yield from _wait_for_sidecar(context, deadline)
        if not woken:
            break
        answer = yield from call("accept_drop", drop)
    if answer["kind"] == "waiting":
        answer = yield from call("accept_drop", {**drop, "last_call": True})
    if answer["kind"] == "rejected":
        yield from call("reject_drop", {"drop": drop, "rejection": answer["rejection"]})
    return answer


def _accept_v1(
    context: df.DurableOrchestrationContext, request: AcceptDropInput
) -> Generator[Any, Any, DropAnswer]:
    drop = request["drop"]
    call = _Patience(context, request["retry_seconds"]).call
    answer: DropAnswer = yield from call("accept_drop", drop)
    if answer["kind"] == "waiting":
        deadline = context.current_utc_datetime + timedelta(seconds=request["wait_seconds"])
        yield from _wait_for_sidecar(context, deadline)
        answer = yield from call("accept_drop", {**drop, "last_call": True})
    if answer["kind"] == "rejected":
        yield from call("reject_drop", {"drop": drop, "rejection": answer["rejection"]})
    return answer


def _wait_for_sidecar(
    context: df.DurableOrchestrationContext, deadline: datetime
) -> Generator[Any, Any, bool]:
    """Wait until something comes, or to the deadline; whether something came."""
    timer = cast(TimerTask, context.create_timer(deadline))
    arrived = context.wait_for_external_event(WAKE_EVENT)
    winner = yield context.task_any([timer, arrived])
    if winner is timer:
        return False
    timer.cancel()  # type: ignore[no-untyped-call] # the SDK has no types here
    return True


class _Patience:
    """Calls activities; after a fault again, with pauses that double."""

    def __init__(self, context: df.DurableOrchestrationContext, retry_seconds: float) -> None:
        self._context = context
        self._retry_seconds = retry_seconds
        self._faults = 0

    def call(self, activity: str, payload: Any) -> Generator[Any, Any, Any]:
        """The activity's answer; its fault is raised when there were too many by now."""
        while True:
            try:
                return (yield self._context.call_activity(activity, payload))
            except Exception:
                self._faults += 1
                if self._faults == _MOST_FAULTS:
                    raise
            pause = min(self._retry_seconds * 2 ** (self._faults - 1), _LONGEST_PAUSE)
            after = self._context.current_utc_datetime + timedelta(seconds=pause)
            yield self._context.create_timer(after)
