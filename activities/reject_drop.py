"""Say what is wrong with a dropped image."""

from __future__ import annotations

from typing import TypedDict

import azure.durable_functions as df

from dailies.app.runtime import services, start_work
from dailies.pipeline.spans import drop_span
from dailies.protocols.drop import accept as rules
from dailies.telemetry.spans import note

blueprint = df.Blueprint()


class RejectInput(TypedDict):
    """The upload and the reason."""

    drop: rules.Drop
    rejection: rules.Rejection


@blueprint.activity_trigger(input_name="rejected")
async def reject_drop(rejected: RejectInput) -> None:
    """See ``dailies.protocols.drop.accept.reject_drop``."""
    start_work()
    with drop_span("reject_drop", rejected["drop"]):
        note({"error.type": rejected["rejection"]["code"]})
        await rules.reject_drop(services(), rejected["drop"], rejected["rejection"])
