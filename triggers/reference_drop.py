"""Images and sidecars put into the references container."""

from __future__ import annotations

import azure.durable_functions as df
import azure.functions as func
from azure.core.exceptions import ResourceNotFoundError

from dailies import drops
from dailies.logs import log_event
from dailies.orchestration import ACCEPT_DROP, WAKE_EVENT, InstanceState, Orchestrations
from dailies.pipeline.drop import Drop, images_of_sidecar
from dailies.runtime import host_trace, services, start_work
from dailies.services import Services
from dailies.telemetry import tracecontext
from dailies.telemetry.spans import span
from durable_client import DurableOrchestrations

blueprint = df.Blueprint()


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
    """Start the orchestration of a dropped image, or wake the one that waits for this sidecar."""
    start_work()
    name = str(blob.name).partition("/")[2]
    parent = host_trace(context.trace_context.trace_parent)
    with span("reference_dropped", parent=parent, attributes={"dailies.blob": name}):
        await _dropped(services(), DurableOrchestrations(client), name)


async def _dropped(parts: Services, orchestrations: Orchestrations, name: str) -> None:
    match drops.classify(name):
        case drops.DropKind.IMAGE | drops.DropKind.VIDEO | drops.DropKind.UNSUPPORTED:
            blob_client = parts.files.references.get_blob_client(name)
            try:
                properties = await blob_client.get_blob_properties()
            except ResourceNotFoundError:
                log_event("drop_gone", blob=name)
                return
            etag = str(properties.etag).strip('"')
            await _begin(parts, orchestrations, {"blob": name, "etag": etag})
        case drops.DropKind.SIDECAR:
            for drop in await images_of_sidecar(parts, name):
                await _sidecar_came(parts, orchestrations, drop)
        case other:
            log_event("drop_ignored", blob=name, kind=other)


async def _begin(services: Services, orchestrations: Orchestrations, drop: Drop) -> None:
    """Start the drop's orchestration, once: a repeated event finds the one that was started."""
    instance_id = _instance_id(services, drop)
    if await orchestrations.state(instance_id) in (InstanceState.RUNNING, InstanceState.COMPLETED):
        return
    await _start(services, orchestrations, drop)


async def _sidecar_came(services: Services, orchestrations: Orchestrations, drop: Drop) -> None:
    """Wake the image that waits; one that was rejected before gets another chance.

    An image that has its video keeps it: the upload is the key.
    """
    instance_id = _instance_id(services, drop)
    if await orchestrations.state(instance_id) is InstanceState.RUNNING:
        await orchestrations.raise_event(instance_id, WAKE_EVENT)
    else:
        await _start(services, orchestrations, drop)


async def _start(services: Services, orchestrations: Orchestrations, drop: Drop) -> None:
    settings = services.settings
    payload = {
        "drop": {**drop, "traceparent": tracecontext.starting()},
        "wait_seconds": settings.sidecar_wait_seconds,
        "retry_seconds": settings.retry_seconds,
    }
    await orchestrations.start(ACCEPT_DROP, _instance_id(services, drop), payload)


def _instance_id(services: Services, drop: Drop) -> str:
    return drops.instance_id(services.settings.references_container, drop["blob"], drop["etag"])
