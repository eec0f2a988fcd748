"""Deliveries to webhooks: one instance for all, which lets what is due be delivered, then waits.

What is due stands in a table, and one activity does all of it (``dailies.pipeline.courier``). Here
is what that can't do: wait until more is due, or until it is woken because something new is. Each
round is a generation of its own, so no history grows.
"""

from __future__ import annotations

from collections.abc import Generator
from datetime import timedelta
from typing import Any, TypedDict, cast

import azure.durable_functions as df
from azure.durable_functions.models.Task import TimerTask

from dailies.engine import DELIVER_WEBHOOKS, WAKE_EVENT, DeliverInput, Step

blueprint = df.Blueprint()

# Something may come while the last look is over and the instance has not ended: then who hands it
# over thinks that it runs. So it stays a while.
_LINGER_SECONDS = 60.0
_FIRST_PAUSE, _LONGEST_PAUSE = 5.0, 300.0


class CourierState(TypedDict, total=False):
    """What is carried from one generation to the next: faults in a row, and that nothing was left
    to do when it last looked."""

    faults: int
    idle: bool


@blueprint.orchestration_trigger(context_name="context", orchestration=DELIVER_WEBHOOKS)
def deliver_webhooks_v1(context: df.DurableOrchestrationContext) -> Generator[Any, Any, Any]:
    """Deliver what is due, then wait for more; end when nothing is left for a while.

    It never fails: what goes wrong is tried again, with pauses that double.
    """
    state = cast(CourierState, context.get_input() or {})
    faults, idle = state.get("faults", 0), state.get("idle", False)
    try:
        given: DeliverInput = {"faults": faults}
        step: Step = yield context.call_activity("deliver_webhooks", given)
    except Exception:  # noqa: BLE001 - that is what the SDK makes of any fault of an activity
        faults += 1
        seconds = min(_FIRST_PAUSE * 2 ** min(faults - 1, 8), _LONGEST_PAUSE)
        yield from _pause(context, seconds)
        context.continue_as_new({"faults": faults})
        return None
    if step["kind"] == "wait":
        yield from _pause(context, step.get("seconds", 0.0))
        context.continue_as_new({})
        return None
    if idle:
        return None
    woken = yield from _pause(context, _LINGER_SECONDS)
    context.continue_as_new({"idle": not woken})
    return None


def _pause(context: df.DurableOrchestrationContext, seconds: float) -> Generator[Any, Any, bool]:
    """Wait for so long, or until somebody wakes it; whether somebody did."""
    after = context.current_utc_datetime + timedelta(seconds=seconds)
    # The SDK declares the base class of what it gives.
    timer = cast(TimerTask, context.create_timer(after))
    woken = context.wait_for_external_event(WAKE_EVENT)
    winner = yield context.task_any([timer, woken])
    if winner is timer:
        return False
    # A timer left open would keep the instance from completing.
    timer.cancel()  # type: ignore[no-untyped-call] # the SDK has no types here
    return True
