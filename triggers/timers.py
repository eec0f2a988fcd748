"""Timers."""

from __future__ import annotations

import azure.durable_functions as df
import azure.functions as func

from dailies.logs import log_event
from dailies.pipeline import sweep as rules
from dailies.runtime import services
from durable_client import DurableOrchestrations

blueprint = df.Blueprint()


@blueprint.timer_trigger(arg_name="timer", schedule="%DAILIES_SWEEP_SCHEDULE%", use_monitor=True)
@blueprint.durable_client_input(client_name="client")
async def sweep(timer: func.TimerRequest, client: df.DurableOrchestrationClient) -> None:
    """See ``dailies.pipeline.sweep``."""
    actions = await rules.sweep(services(), DurableOrchestrations(client))
    if actions:
        log_event("sweep_done", late=timer.past_due, actions=dict(actions))
