"""Accept a dropped image and start its video."""

from __future__ import annotations

import azure.durable_functions as df

from dailies.app.runtime import services, start_work
from dailies.pipeline.spans import drop_span
from dailies.pipeline.start import start_video
from dailies.protocols.drop import accept as rules
from dailies.telemetry.spans import note
from durable_client import DurableOrchestrations

blueprint = df.Blueprint()


@blueprint.activity_trigger(input_name="drop")
@blueprint.durable_client_input(client_name="client")
async def accept_drop(drop: rules.Drop, client: df.DurableOrchestrationClient) -> rules.DropAnswer:
    """See ``dailies.protocols.drop.accept.accept_drop``."""
    start_work()
    with drop_span("accept_drop", drop):
        answer, acceptance = await rules.accept_drop(services(), drop)
        note({"dailies.drop": answer["kind"]})
        if acceptance is not None and not acceptance.record.is_final:
            await start_video(services(), DurableOrchestrations(client), acceptance.record)
    return answer
