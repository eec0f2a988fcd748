"""A batch, from its first shot to its last: turn after turn, with pauses between."""

from __future__ import annotations

from collections.abc import Generator
from datetime import timedelta
from typing import Any, cast

import azure.durable_functions as df
from azure.durable_functions.models.Task import TimerTask

from dailies.engine import RUN_BATCH, WAKE_EVENT, BatchInput, BatchRef, BatchStep

blueprint = df.Blueprint()

# Eight events of history for each, so that it stays under a hundred however long a batch takes.
_TURNS = 10
_LONGEST_PAUSE = 300.0


@blueprint.orchestration_trigger(context_name="context", orchestration=RUN_BATCH)
def run_batch_v1(context: df.DurableOrchestrationContext) -> Generator[Any, Any, None]:
    """Take turns until the batch is at rest.

    A turn that fails is taken again, after pauses that double: what it had done before is found
    again, and done no second time.
    """
    request = cast(BatchInput, context.get_input())
    batch: BatchRef = {
        "id": request["id"],
        "owner": request["owner"],
        "traceparent": request["traceparent"],
    }
    faults = 0
    woken = context.wait_for_external_event(WAKE_EVENT)
    for _ in range(_TURNS):
        try:
            step: BatchStep = yield context.call_activity("tend_batch", batch)
        except Exception:  # noqa: BLE001 - the SDK raises no other
            faults += 1
            pause = min(request["retry_seconds"] * 2 ** (faults - 1), _LONGEST_PAUSE)
            step = {"kind": "wait", "seconds": pause}
        else:
            faults = 0
        if step["kind"] == "rest":
            return
        seconds = step.get("seconds", 0.0)
        if seconds <= 0:
            continue
        timer = cast(
            TimerTask,
            context.create_timer(context.current_utc_datetime + timedelta(seconds=seconds)),
        )
        winner = yield context.task_any([timer, woken])
        if winner is not timer:
            # A timer left open would keep the instance from completing.
            timer.cancel()  # type: ignore[no-untyped-call] # the SDK has no types here
            # The SDK gives an event that came before its wait to every later wait, too.
            break
    context.continue_as_new(request)
