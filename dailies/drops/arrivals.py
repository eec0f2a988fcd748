"""What is to be done about a blob that was put into the references container.

Whoever hears of one, by an event or by looking, comes here; all of it is safe to do again. What is
written first is that there is something to see to; the orchestration is started last.
"""

from __future__ import annotations

from enum import StrEnum

from azure.core.exceptions import ResourceNotFoundError
from azure.storage.blob import BlobProperties

from dailies.drops.accept import images_of_sidecar
from dailies.engine import ACCEPT_BATCH, ACCEPT_DROP, WAKE_EVENT, InstanceState, Orchestrations
from dailies.protocols.drop.announcements import Announcement
from dailies.protocols.drop.naming import DropKind, classify
from dailies.protocols.drop.payloads import Drop
from dailies.services import Services
from dailies.stores import uploads
from dailies.stores.drops import blob_state
from dailies.stores.uploads import BlobHistory, Upload, UploadState
from dailies.telemetry import tracecontext
from dailies.telemetry.logs import log_event

__all__ = ["Looked", "blob_announced", "look_again"]

_BATCH_SECONDS = 3600.0
"""For so long the images that a batch names may come after it."""


class Looked(StrEnum):
    """What a look at a blob came to."""

    STARTED = "started"
    RUNS = "runs"
    """Its orchestration runs: it was started before, or by somebody else meanwhile."""
    NOTHING = "nothing"
    """It is answered, gone, or not what it was."""


async def blob_announced(
    services: Services, orchestrations: Orchestrations, announcement: Announcement
) -> None:
    """An upload was announced: an image starts its orchestration, a sidecar wakes its image's.

    Raises:
        azure.core.exceptions.AzureError: storage did not answer; tell again.
    """
    name, etag = await _name(services, announcement), announcement.etag
    kind = classify(name)
    if kind is DropKind.SIDECAR:
        for image in await images_of_sidecar(services, name):
            await _image_changed(services, orchestrations, image, sidecar=True)
    elif kind.starts_video or kind in (DropKind.UNSUPPORTED, DropKind.BATCH):
        await _image_changed(services, orchestrations, name, etag)
    else:
        log_event("drop_ignored", blob=name, kind=kind)


async def look_again(services: Services, orchestrations: Orchestrations, name: str) -> Looked:
    """See to a blob of which no event may have told.

    Raises:
        azure.core.exceptions.AzureError: storage did not answer; look again later.
    """
    return await _image_changed(services, orchestrations, name)


async def _image_changed(
    services: Services,
    orchestrations: Orchestrations,
    name: str,
    etag: str | None = None,
    *,
    sidecar: bool = False,
) -> Looked:
    properties = await _properties(services, name)
    if properties is None:
        log_event("drop_gone", blob=name)
        return Looked.NOTHING
    blob, now = blob_state(properties), services.clock()

    def change(history: BlobHistory) -> BlobHistory:
        if etag is not None:
            return history.announced(blob, etag, now)
        return history.found(blob, now)

    before = await services.drops.get(name)
    if change(before) != before:
        await services.drops.open(name, blob.etag, now)
        before = await services.drops.update(name, change)
    upload = before.find(etag) if etag is not None else before.current(blob)
    if upload is None or upload.state is UploadState.ACCEPTED:
        return Looked.NOTHING
    if upload.state is UploadState.REJECTED and not sidecar:
        return Looked.NOTHING
    return await _begin(services, orchestrations, name, upload, sidecar=sidecar)


async def _begin(
    services: Services, orchestrations: Orchestrations, name: str, upload: Upload, *, sidecar: bool
) -> Looked:
    """Start the upload's orchestration, or wake it where its sidecar has come."""
    instance_id = uploads.instance_id(services.settings.references_container, name, upload.etag)
    if await orchestrations.state(instance_id) is InstanceState.RUNNING:
        if sidecar:
            await orchestrations.raise_event(instance_id, WAKE_EVENT)
        return Looked.RUNS
    if upload.state is UploadState.REJECTED:
        # Its sidecar may hold now what was missing.
        await services.drops.open(name, upload.etag, services.clock())
        await services.drops.update(name, lambda history: _reopened(history, upload.etag))
    drop: Drop = {"blob": name, "etag": upload.etag, "traceparent": tracecontext.starting()}
    is_batch = classify(name) is DropKind.BATCH
    payload = {
        "drop": drop,
        "wait_seconds": _BATCH_SECONDS if is_batch else services.settings.sidecar_wait_seconds,
        "retry_seconds": services.settings.retry_seconds,
    }
    await orchestrations.start(ACCEPT_BATCH if is_batch else ACCEPT_DROP, instance_id, payload)
    return Looked.STARTED


def _reopened(history: BlobHistory, etag: str) -> BlobHistory:
    def reopen(upload: Upload) -> Upload:
        if upload.state is not UploadState.REJECTED:
            return upload
        return upload.model_copy(
            update={"state": UploadState.OPEN, "code": None, "begun": 0, "faults": 0}
        )

    return history.with_upload(etag, reopen)


async def _name(services: Services, announcement: Announcement) -> str:
    """Of the names that the event may mean, the one that is there."""
    *others, last = announcement.names
    for name in others:
        if await _properties(services, name) is not None:
            return name
    return last


async def _properties(services: Services, name: str) -> BlobProperties | None:
    try:
        return await services.files.references.get_blob_client(name).get_blob_properties()
    except ResourceNotFoundError:
        return None
