"""Turn a dropped image into an accepted video, or into an answer that says what to change."""

from __future__ import annotations

import logging
from datetime import UTC, datetime

from azure.core.exceptions import AzureError, HttpResponseError, ResourceNotFoundError
from azure.storage.blob import BlobProperties
from azure.storage.blob.aio import BlobClient

from dailies.announce.events import rejected_event
from dailies.drops import memory as drop_memory
from dailies.drops.batches import accept_batch, belongs_to_batch
from dailies.intake.accept import Acceptance, accept
from dailies.pipeline.handover import hand_over
from dailies.protocols.drop.merging import MAX_FILE_BYTES, DropParameters, ParameterFile, parameters
from dailies.protocols.drop.naming import (
    DropKind,
    classify,
    defaults_candidates,
    error_name,
    is_sidecar_of,
    sidecar_candidates,
    sidecar_prefixes,
    unsupported,
)
from dailies.protocols.drop.payloads import Drop, DropAnswer, Rejection
from dailies.protocols.drop.reports import error_report
from dailies.protocols.inputs import Found, check_frame_fields, read_inputs
from dailies.protocols.wish import plan
from dailies.services import Services
from dailies.stores import uploads
from dailies.stores.blob_source import BlobSource
from dailies.stores.drops import blob_state
from dailies.stores.files import read_blob
from dailies.stores.uploads import UploadState
from dailies.telemetry import tracecontext
from dailies.telemetry.logs import log_event
from dailies.video.batch import Batch
from dailies.video.errors import (
    Conflict,
    DropError,
    Forbidden,
    IntegrityError,
    InvalidRequest,
    OverBudget,
    RequestError,
    SettingsError,
    Unavailable,
    UnusableReference,
)
from dailies.video.record import Source, SourceKind
from dailies.video.request import Role

__all__ = ["accept_drop", "images_of_sidecar", "reject_drop"]

Made = Acceptance | Batch
_DELETED = "video_deleted"

_MAX_PARAMETER_BYTES = MAX_FILE_BYTES + 1
# Work that did not come back was killed, by this very file or by whatever else restarts a worker.
_MOST_BEGUN = 8
_MOST_FAULTS = 5
# Answers of storage that say nothing about the blob: a role that is missing, too much at once, and
# a blob that was written to while it was read.
_PASSING = frozenset({401, 403, 408, 412, 429})


async def accept_drop(services: Services, drop: Drop) -> tuple[DropAnswer, Made | None]:
    """Look at the image and its parameters and accept a video, once for this upload; or look at a
    batch, and accept it.

    What is unfinished waits: an image without bytes, a sidecar or defaults without any, and an
    image without a prompt in its metadata whose sidecar is not there. With ``last_call`` nothing
    more is waited for, and the nearest ``_defaults.json`` decides.

    Raises:
        azure.core.exceptions.AzureError: storage did not answer; do it again.
        Exception: something else went wrong; done often enough, it is a rejection.
    """
    name, key = drop["blob"], drop["etag"]
    client = services.files.references.get_blob_client(name)
    try:
        properties = await client.get_blob_properties()
    except ResourceNotFoundError:
        await services.drops.close(name, key)
        return {"kind": "gone"}, None
    upload = await drop_memory.begin(services, name, key, blob_state(properties))
    if upload is None:
        await services.drops.close(name, key)
        return {"kind": "gone"}, None
    if upload.state is UploadState.ACCEPTED:
        await services.drops.close(name, key)
        return {"kind": "accepted", "video_id": upload.video_id or ""}, None
    if upload.begun > _MOST_BEGUN:
        return _rejected(_never_came_back(name)), None
    try:
        answer, acceptance = await _decide(services, drop, client, properties, upload.seen_at)
    except Exception as error:
        # Whatever it is, no upload may keep failing for ever: enough of it is an answer.
        faults = await drop_memory.came_back(services, name, key, fault=not _passes(error))
        if faults < _MOST_FAULTS:
            raise
        log_event("drop_given_up", level=logging.ERROR, blob=name, fault=error)
        return _rejected(_keeps_failing(name, error)), None
    if acceptance is None:
        await drop_memory.came_back(services, name, key)
        return answer, None
    made = acceptance.id if isinstance(acceptance, Batch) else acceptance.record.id
    await drop_memory.answered(services, name, key, video_id=made)
    await _forget_report(services, name)
    return answer, acceptance


async def _decide(
    services: Services,
    drop: Drop,
    client: BlobClient,
    properties: BlobProperties,
    seen_at: float,
) -> tuple[DropAnswer, Made | None]:
    name, metadata = drop["blob"], dict(properties.metadata or {})
    try:
        kind = classify(name, metadata)
        if kind is DropKind.UNSUPPORTED:
            raise unsupported(name)
        if kind is DropKind.BATCH:
            batch = await accept_batch(services, drop, client, properties, seen_at=seen_at)
            if batch is None:
                return {"kind": "waiting"}, None
            return {"kind": "accepted", "video_id": batch.id}, batch
        if not kind.starts_video or await belongs_to_batch(services, name):
            await services.drops.close(name, drop["etag"])
            return {"kind": "gone"}, None
        sidecar = await _first(services, sidecar_candidates(name))
        defaults = await _first(services, defaults_candidates(name))
        if not drop.get("last_call"):
            described = sidecar is not None or _has_prompt(metadata)
            empty = any(file is not None and file.is_empty for file in (sidecar, defaults))
            if not described or empty or not properties.size:
                return {"kind": "waiting"}, None
        if not properties.size:
            raise DropError("The file is empty. Upload it whole.", code="invalid_image", where=name)
        wanted = parameters(name, metadata, sidecar, defaults)
        source = BlobSource(client, int(properties.size), str(properties.etag))
        acceptance = await _accept(services, drop, wanted, source)
    except DropError as error:
        return _rejected(error), None
    return {"kind": "accepted", "video_id": acceptance.record.id}, acceptance


def _rejected(error: DropError) -> DropAnswer:
    rejection: Rejection = {
        "code": error.code,
        "message": error.message,
        "where": error.where,
    }
    return {"kind": "rejected", "rejection": rejection}


async def reject_drop(services: Services, drop: Drop, rejection: Rejection) -> None:
    """Answer with ``<name>.error.json`` beside the image and a ``rejected`` event.

    Raises:
        azure.core.exceptions.AzureError: storage or the topic did not answer; do it again.
    """
    error = DropError(rejection["message"], code=rejection["code"], where=rejection["where"])
    now = services.clock()
    report = error_report(
        error,
        blob=drop["blob"],
        etag=drop["etag"],
        time=datetime.fromtimestamp(now, UTC).isoformat(),
    )
    await services.files.references.upload_blob(error_name(drop["blob"]), report, overwrite=True)
    container = services.settings.references_container
    event = rejected_event(
        blob=drop["blob"],
        key=uploads.instance_id(container, drop["blob"], drop["etag"]),
        error=rejection,
        source=services.settings.event_source,
        now=now,
        traceparent=tracecontext.starting(drop.get("traceparent")),
    )
    await hand_over(services, event, services.settings.drop_owner)
    await services.events.publish(event)
    await drop_memory.answered(services, drop["blob"], drop["etag"], code=rejection["code"])
    log_event(
        "drop_rejected",
        blob=drop["blob"],
        code=rejection["code"],
        where=rejection["where"],
        reason=rejection["message"],
    )


async def images_of_sidecar(services: Services, sidecar: str) -> list[str]:
    """The names of the images that this sidecar belongs to."""
    found: dict[str, None] = {}
    for prefix in sidecar_prefixes(sidecar):
        async for name in services.files.references.list_blob_names(name_starts_with=prefix):
            if is_sidecar_of(sidecar, name):
                found[name] = None
    return list(found)


def _passes(error: Exception) -> bool:
    """Whether the error is an outage's, which says nothing about this upload."""
    if isinstance(error, Conflict | IntegrityError | OSError):
        return True  # somebody else writes, or uploads, at this moment
    if isinstance(error, SettingsError):
        return True  # the app is not set up yet: the image waits for it
    if isinstance(error, Unavailable):
        return True  # a guard does not answer: the image waits for its verdict
    if not isinstance(error, AzureError):
        return False
    status = getattr(error, "status_code", None)
    return status is None or status in _PASSING or status >= 500


def _keeps_failing(name: str, error: Exception) -> DropError:
    code = getattr(error, "error_code", None)
    code = getattr(code, "value", code)  # of an enumeration, as a rule
    why = f"Storage does not let it be read ({code})" if code else "It can't be worked on"
    return DropError(
        f"{why}, after {_MOST_FAULTS} tries. Upload it again, or save it in another format first.",
        code="drop_failed",
        where=name,
    )


def _never_came_back(name: str) -> DropError:
    return DropError(
        f"Work on this file was broken off {_MOST_BEGUN} times. Upload it again, smaller or saved "
        "in another format.",
        code="drop_failed",
        where=name,
    )


async def _accept(
    services: Services,
    drop: Drop,
    wanted: DropParameters,
    source: BlobSource,
) -> Acceptance:
    name = drop["blob"]
    # The upload alone is the key: its sidecar may have changed since, the video may not.
    key = uploads.idempotency_key(services.settings.references_container, name, drop["etag"])
    if not services.catalogue.models:
        raise SettingsError(services.catalogue.left_out)
    try:
        wish = wanted.wish
        planned = plan(services.catalogue, wish, with_image=True)
        check_frame_fields(wish, planned.model, has_input=True)
        dropped = Found(Role.FIRST, source, "input_reference", key)
        request, inputs = await read_inputs(planned, [dropped], services.settings)
    except UnusableReference as error:
        raise DropError(error.message, code=error.code, where=name) from None
    except RequestError as error:
        where = f"{name}: {error.param}" if error.param else name
        raise DropError(
            error.message, code=error.code or "invalid_parameters", where=where
        ) from None
    try:
        return await accept(
            services,
            owner=services.settings.drop_owner,
            request=request,
            source=Source(kind=SourceKind.DROP, blob=name, etag=drop["etag"]),
            idempotency_key=key,
            traceparent=drop.get("traceparent"),
            key_decides=True,
            inputs=inputs,
        )
    except (OverBudget, Forbidden) as error:
        # Its orchestration would wait for a day or a month; an upload after that is a new one.
        raise DropError(error.message, code=error.code or "forbidden", where=name) from None
    except InvalidRequest as error:  # a guard's, or of its webhook; the rest is known to be well
        raise DropError(error.message, code=error.code or "", where=name) from None
    except Conflict as error:
        if error.code != _DELETED:
            raise
        why = "The video that this upload made has been deleted. Upload the file again for another."
        raise DropError(why, code=_DELETED, where=name) from None


async def _first(services: Services, names: tuple[str, ...]) -> ParameterFile | None:
    for name in names:
        data = await read_blob(services.files.references, name, max_bytes=_MAX_PARAMETER_BYTES)
        if data is not None:
            return ParameterFile(name, data)
    return None


async def _forget_report(services: Services, name: str) -> None:
    """Remove the report of an earlier rejection: what it asked for was done."""
    try:
        await services.files.references.delete_blob(error_name(name))
    except ResourceNotFoundError:
        return
    except (HttpResponseError, AzureError) as error:
        # The video is accepted; an old report beside the image does no harm.
        log_event("report_not_removed", blob=name, reason=type(error).__name__)


def _has_prompt(metadata: dict[str, str]) -> bool:
    return any(key.lower() in ("prompt", "prompt_b64") and metadata[key] for key in metadata)
