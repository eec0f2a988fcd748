"""A turn at a batch. The rules are imported when they are first needed."""

from __future__ import annotations

import azure.durable_functions as df

from dailies.app.runtime import services, start_work
from dailies.engine import BatchRef, BatchStep
from dailies.telemetry.logs import telling_fault
from dailies.telemetry.spans import note, span
from durable_client import DurableOrchestrations

blueprint = df.Blueprint()


@blueprint.activity_trigger(input_name="batch")
@blueprint.durable_client_input(client_name="client")
async def tend_batch(batch: BatchRef, client: df.DurableOrchestrationClient) -> BatchStep:
    """See what has ended of a batch, and begin what there is room for."""
    from dailies.batches.turn import take_turn

    start_work()
    about = {"dailies.batch.id": batch["id"]}
    with (
        telling_fault("tend_batch", batch_id=batch["id"]),
        span("tend_batch", parent=batch["traceparent"], attributes=about),
    ):
        step = await take_turn(services(), DurableOrchestrations(client), batch)
        note({"dailies.step": step["kind"], "dailies.step.pause": step.get("seconds")})
    return step
