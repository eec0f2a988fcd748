"""The way of a dropped batch: until all that it names is there, to a batch or to a rejection."""

from __future__ import annotations

from collections.abc import Generator
from datetime import timedelta
from typing import Any, NotRequired, TypedDict, cast

import azure.durable_functions as df

from dailies.engine import ACCEPT_BATCH
from dailies.protocols.drop.payloads import Drop, DropAnswer

blueprint = df.Blueprint()

# Eight events of history for each, so that it stays under a hundred.
_LOOKS = 10
_LONGEST_PAUSE = 300.0
_PAUSES = 3
"""Between two looks, in pauses after a first fault."""
# As long as a storage outage that anyone has seen; then the sweeper takes it up.
_LONGEST_SECONDS = 172_800.0


class AcceptBatchInput(TypedDict):
    """The upload, and for how many seconds the images that it names may still come."""

    drop: Drop
    wait_seconds: float
    retry_seconds: float
    since: NotRequired[float]


@blueprint.orchestration_trigger(context_name="context", orchestration=ACCEPT_BATCH)
def accept_batch_v1(
    context: df.DurableOrchestrationContext,
) -> Generator[Any, Any, DropAnswer | None]:
    """Look again and again until the batch is whole, or its time is over.

    An upload makes one batch however often it is accepted.
    """
    request = cast(AcceptBatchInput, context.get_input())
    drop, since = request["drop"], request.get("since")
    if since is None:
        since = context.current_utc_datetime.timestamp()
    faults = 0
    for _ in range(_LOOKS):
        waited = context.current_utc_datetime.timestamp() - since
        is_last = waited >= request["wait_seconds"]
        looked: Drop = {**drop, "last_call": True} if is_last else drop
        pause = _PAUSES * request["retry_seconds"]
        try:
            answer: DropAnswer = yield context.call_activity("accept_drop", looked)
            if answer["kind"] == "rejected":
                rejected = {"drop": drop, "rejection": answer["rejection"]}
                yield context.call_activity("reject_drop", rejected)
            if answer["kind"] != "waiting":
                return answer
        except Exception:
            if waited >= _LONGEST_SECONDS:
                raise
            faults += 1
            pause = min(request["retry_seconds"] * 2 ** (faults - 1), _LONGEST_PAUSE)
        after = context.current_utc_datetime + timedelta(seconds=min(pause, _LONGEST_PAUSE))
        yield context.create_timer(after)
    context.continue_as_new({**request, "since": since})
    return None
