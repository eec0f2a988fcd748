"""Images and sidecars put into the references container.

Event Grid tells of them. It gets its answer when the function has succeeded, and tells again, for a
day, of what has failed; no blob passes through the host.
"""

from __future__ import annotations

import azure.durable_functions as df
import azure.functions as func

from dailies.app.runtime import host_trace, services, start_work
from dailies.protocols.drop.announcements import Announcement, read_announcement
from dailies.telemetry.logs import log_event, telling_fault
from dailies.telemetry.spans import span
from durable_client import DurableOrchestrations

blueprint = df.Blueprint()


@blueprint.event_grid_trigger(arg_name="event")
@blueprint.durable_client_input(client_name="client")
async def reference_uploaded(
    event: func.EventGridEvent, context: func.Context, client: df.DurableOrchestrationClient
) -> None:
    """Start the orchestration of a dropped image, or wake the one that waits for this sidecar."""
    start_work()
    container = services().settings.references_container
    upload = read_announcement(event.event_type, event.subject, event.get_json(), container)
    if upload is None:
        # The subscription sends more than was asked for; to be told again would change nothing.
        log_event("event_ignored", type=event.event_type)
        return
    await _see_to(upload, context, client)


@blueprint.blob_trigger(
    arg_name="blob",
    path="%DAILIES_REFERENCES_CONTAINER%/{name}",
    connection="VideoStorage",
    source=func.BlobSource.EVENT_GRID,
)
@blueprint.durable_client_input(client_name="client")
async def reference_dropped(
    blob: func.InputStream, context: func.Context, client: df.DurableOrchestrationClient
) -> None:
    """The same, as it was before: for what its queue still holds after an upgrade.

    No subscription points here any more. It stays for as long as a message may wait, since one for
    a function that does not exist ends the host's process.
    """
    start_work()
    name = str(blob.name).partition("/")[2]
    await _see_to(Announcement((name,), etag=None), context, client)


async def _see_to(
    upload: Announcement, context: func.Context, client: df.DurableOrchestrationClient
) -> None:
    # Imported at the first image: it needs most of what the app is made of.
    from dailies.drops.arrivals import blob_announced

    parent = host_trace(context.trace_context.trace_parent)
    blob = upload.names[0]
    with (
        telling_fault("reference_uploaded", blob=blob),
        span("reference_uploaded", parent=parent, attributes={"dailies.blob": blob}),
    ):
        await blob_announced(services(), DurableOrchestrations(client), upload)
