"""What becomes of a dropped image. The rules are imported when they are first needed."""

from __future__ import annotations

import azure.durable_functions as df

from dailies.app.runtime import services, start_work
from dailies.pipeline.spans import drop_span
from dailies.protocols.drop.payloads import Drop, DropAnswer, RejectInput
from dailies.telemetry.logs import telling_fault
from dailies.telemetry.spans import note
from durable_client import DurableOrchestrations

blueprint = df.Blueprint()


@blueprint.activity_trigger(input_name="drop")
@blueprint.durable_client_input(client_name="client")
async def accept_drop(drop: Drop, client: df.DurableOrchestrationClient) -> DropAnswer:
    """Accept a dropped image and start its video; or a dropped batch."""
    from dailies.batches.starting import start_batch
    from dailies.drops import accept as rules
    from dailies.pipeline.start import start_video
    from dailies.video.batch import Batch

    start_work()
    with telling_fault("accept_drop", blob=drop["blob"]), drop_span("accept_drop", drop):
        answer, acceptance = await rules.accept_drop(services(), drop)
        note({"dailies.drop": answer["kind"]})
        if isinstance(acceptance, Batch):
            await start_batch(services(), DurableOrchestrations(client), acceptance)
        elif acceptance is not None and not acceptance.record.is_final:
            await start_video(services(), DurableOrchestrations(client), acceptance.record)
    return answer


@blueprint.activity_trigger(input_name="rejected")
async def reject_drop(rejected: RejectInput) -> None:
    """Say what is wrong with a dropped image."""
    from dailies.drops import accept as rules

    start_work()
    drop = rejected["drop"]
    with telling_fault("reject_drop", blob=drop["blob"]), drop_span("reject_drop", drop):
        note({"error.type": rejected["rejection"]["code"]})
        await rules.reject_drop(services(), drop, rejected["rejection"])
