"""Deliveries to webhooks. The rules are imported when they are first needed."""

from __future__ import annotations

import azure.durable_functions as df

from dailies.app.runtime import services, start_work
from dailies.engine import DeliverInput, Step
from dailies.pipeline.spans import end_step
from dailies.telemetry.logs import telling_fault
from dailies.telemetry.spans import span

blueprint = df.Blueprint()


@blueprint.activity_trigger(input_name="given")
async def deliver_webhooks(given: DeliverInput) -> Step:
    """Deliver all that is due; ``wait`` until more is, ``done`` when there is nothing."""
    from dailies.pipeline import courier

    start_work()
    with (
        telling_fault("deliver_webhooks"),
        span("deliver_webhooks", attributes={"dailies.attempt": given["faults"]}),
    ):
        answer = await courier.deliver_due(services())
        end_step(answer)
    return answer
