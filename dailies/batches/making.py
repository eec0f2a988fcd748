"""One shot becomes a video, by the same way in as any other."""

from __future__ import annotations

from azure.core.exceptions import ResourceNotFoundError

from dailies.engine import InstanceState, Orchestrations
from dailies.inputs.examine import BytesSource, InputSource
from dailies.intake.accept import Acceptance, accept
from dailies.owners.issued import KeyState
from dailies.owners.key import Key, Limits
from dailies.pipeline.start import start_video
from dailies.protocols.batch.check import KeptShot
from dailies.protocols.batch.shots import IMAGE_FILE, NamedImage, PlannedShot
from dailies.protocols.inputs import Found, read_inputs, refusal
from dailies.services import Services
from dailies.stores.blob_source import BlobSource
from dailies.stores.rows import hash_key
from dailies.telemetry.logs import log_event
from dailies.video.batch import Batch
from dailies.video.errors import Forbidden, InvalidRequest, UnusableReference
from dailies.video.record import Source, SourceKind, VideoRecord
from dailies.video.request import Role

__all__ = ["find_key", "find_made", "limits_of", "make_video"]

_OF_A_TOKEN = "entra-"  # noqa: S105 - begins the id of a key that stands for an identity


async def find_key(services: Services, batch: Batch) -> Key | None:
    """The key that a batch goes on with, as it is now; None for one that was dropped.

    Raises:
        Forbidden: it is not taken any more.
    """
    key_id, settings = batch.key_id, services.settings
    if key_id is None:
        return None
    for key in (*settings.admin_keys, *settings.api_keys):
        if key.id == key_id and key.owner == batch.owner:
            return key
    if key_id.startswith(_OF_A_TOKEN):
        return Key(id=key_id, owner=batch.owner, digest="")
    now = services.clock()
    issued = await services.keys.find(key_id, now)
    if issued is None or issued.owner != batch.owner or issued.state(now) is not KeyState.ACTIVE:
        raise Forbidden(
            "The key that the batch was ordered with is not taken any more. Resume the batch with "
            "another key of yours.",
            code="api_key_not_taken",
        )
    return Key(id=issued.id, owner=issued.owner, digest="", limits=issued.limits, tags=issued.tags)


def limits_of(key: Key | None) -> Limits:
    """What may be asked for with the key; without one, everything."""
    return Limits() if key is None else key.limits


async def make_video(
    services: Services,
    orchestrations: Orchestrations,
    batch: Batch,
    number: int,
    kept: KeptShot,
    planned: PlannedShot,
    key: Key | None,
) -> Acceptance:
    """Accept the shot's video and start it; or find the one that was made of it in this run.

    Raises:
        OverBudget, Forbidden, TooMany, Unavailable: as ``accept``; nothing was made.
        RequestError: the shot can't be made.
    """
    found = await _images(services, batch, planned)
    try:
        request, inputs = await read_inputs(planned.plan, found, services.settings)
    except UnusableReference as error:
        param = error.param or "input_reference"
        raise refusal(error, f"Invalid '{param}': {error.message}", param=param) from None
    acceptance = await accept(
        services,
        owner=batch.owner,
        key=key,
        request=request,
        priority=planned.priority,
        source=Source(kind=SourceKind.BATCH),
        idempotency_key=_key_of(batch, number),
        key_decides=True,
        traceparent=batch.traceparent,
        most_unfinished=services.settings.max_unfinished or None,
        inputs=inputs,
        batch=(batch.id, kept.line),
    )
    await _start_or_leave(services, orchestrations, acceptance)
    return acceptance


async def find_made(services: Services, batch: Batch, number: int) -> VideoRecord | None:
    """The video that was made of the shot in this run, if one was."""
    return await services.records.made_by(batch.owner, hash_key(_key_of(batch, number)))


def _key_of(batch: Batch, number: int) -> str:
    return f"{batch.id}/{number}/{batch.run}"


async def _start_or_leave(
    services: Services, orchestrations: Orchestrations, acceptance: Acceptance
) -> None:
    """Start the video's orchestration; the sweeper starts what could not be started here."""
    record = acceptance.record
    try:
        if acceptance.replayed:
            state = await orchestrations.state(record.id)
            if record.is_final or state is not InstanceState.MISSING:
                return
        await start_video(services, orchestrations, record)
    except Exception as error:  # noqa: BLE001 - the durable client raises bare Exceptions
        log_event("start_left_to_sweeper", video_id=record.id, reason=type(error).__name__)


async def _images(services: Services, batch: Batch, planned: PlannedShot) -> list[Found]:
    found = []
    if planned.image is not None:
        source = await _named(services, batch, planned.image)
        found.append(Found(Role.FIRST, source, planned.image.param))
    for picture in planned.pictures:
        fetched = picture.source
        if isinstance(fetched, str):
            try:
                fetched = BytesSource(await services.fetcher.load(fetched))
            except InvalidRequest as error:
                error.param = picture.param
                raise
        found.append(Found(picture.role, fetched, picture.param))
    return found


async def _named(services: Services, batch: Batch, image: NamedImage) -> InputSource:
    """An image by its name.

    Raises:
        InvalidRequest: it is not there (any more).
    """
    if image.param == IMAGE_FILE:
        file = batch.images.get(image.name)
        most = services.settings.max_reference_bytes
        data = None if file is None else await services.files.read(file.blob, max_bytes=most)
        if data is not None:
            return BytesSource(data)
    else:
        blob = services.files.references.get_blob_client(image.name)
        try:
            properties = await blob.get_blob_properties()
        except ResourceNotFoundError:
            pass
        else:
            return BlobSource(blob, int(properties.size), str(properties.etag))
    raise InvalidRequest(
        f"There is no image '{image.name[:80]}'.", param=image.param, code="image_missing"
    )
