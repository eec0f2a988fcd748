"""Accepting a video: the one way in behind all ways in.

When ``accept`` returns, the video is durable: its record is written, and a timer starts whatever
has a record but no orchestration.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from dailies.catalogue.serving import dearest_price
from dailies.inputs.examine import InputSource
from dailies.intake.guarding import check_request
from dailies.intake.key_room import arriving_with, check_key_room
from dailies.intake.webhooks import check_webhook
from dailies.owners.key import Key
from dailies.services import Services
from dailies.stores.ledger import Claim
from dailies.stores.resends import Sending
from dailies.stores.rows import hash_key
from dailies.telemetry import tracecontext
from dailies.telemetry.logs import log_event
from dailies.video.basics import Priority, new_id
from dailies.video.errors import Conflict, Forbidden, OverBudget, TooMany
from dailies.video.guarding import FrameCheck
from dailies.video.record import Source, VideoRecord
from dailies.video.request import Input, Role, VideoRequest
from dailies.video.spans import note_record

__all__ = ["Acceptance", "GivenInput", "accept", "check_room", "claim_of"]

_CHOSEN_BY_US = frozenset({"source_job_id", "deployment"})


@dataclass(frozen=True, slots=True)
class GivenInput:
    """What a video starts from, as the caller gave it.

    Attributes:
        digest: tells this content from any other; the SHA-256 where requests are compared by it.
    """

    input: Input
    content_type: str
    source: InputSource = field(repr=False)
    digest: str


@dataclass(frozen=True, slots=True)
class Acceptance:
    """The accepted video; ``replayed`` when it was made before: by an earlier request with the same
    key, or by another sending of this one."""

    record: VideoRecord
    replayed: bool


async def accept(
    services: Services,
    *,
    owner: str,
    request: VideoRequest,
    source: Source,
    idempotency_key: str | None,
    traceparent: str | None,
    most_unfinished: int | None = None,
    key_decides: bool = False,
    key: Key | None = None,
    priority: Priority = Priority.NORMAL,
    inputs: Sequence[GivenInput] = (),
    sending: Sending | None = None,
    batch: tuple[str, int] | None = None,
) -> Acceptance:
    """Write the record of a new video, or find the one that the same idempotency key made before.

    With ``key_decides`` that is the answer to whatever is asked under this one. Without any,
    another ``sending`` of the same request may have made it. ``key`` is the caller's, if one was.
    ``priority`` is what the video waits with, where its request says none. Its trace is the one
    being worked in, else the caller's ``traceparent``, else a new one. ``batch`` is the id of the
    batch that orders it, and in which line.

    Raises:
        Conflict: the key was used with another request, or the video of a request that was sent
            again was deleted.
        TooMany: the owner has ``most_unfinished`` unfinished videos, or more; or as many as its
            key may have were made with that. ``OverBudget``: a budget does not allow it.
        Forbidden: a budget applies, and nobody knows what the video costs.
        InvalidRequest: a guard refuses it, or can't look at it; or its webhook can't be one.
        Unavailable: a guard could not say, and nothing is made without.
        IntegrityError: an input is not as long as it was; nothing was accepted.
        azure.core.exceptions.AzureError: storage did not answer; nothing was accepted.
    """
    hashed = None if idempotency_key is None else hash_key(idempotency_key)
    request_hash = (
        None if key_decides else _hash_request(request, inputs, with_key=hashed is not None)
    )
    now = services.clock()
    earlier = None
    if hashed is not None:
        earlier = await services.records.find_by_key(owner, hashed, request_hash)
    elif sending is not None and sending.number > 0:
        earlier = await services.records.find_sent(owner, request_hash or "", sending, now)
    if earlier is not None:
        return Acceptance(earlier, replayed=True)
    video_id = new_id(now)
    with (
        services.room.arriving(owner, video_id) as before,
        arriving_with(services, key, video_id) as before_with_key,
    ):
        await check_room(services, owner, most_unfinished, before)
        await check_key_room(services, key, before_with_key)
        check_webhook(services, request)
        claim = claim_of(services, owner, request, key, now, inputs)
        shown = [(given.input, given.content_type, given.source) for given in inputs]
        async with _undone_if_refused(services, claim, video_id, has_files=bool(inputs)):
            if inputs or services.guards.names:
                # Before guards are paid for and anything is stored, what would refuse it anyway.
                await services.records.ledger.applies(claim)
            rules = await check_request(
                services, owner=owner, key=key, request=request, inputs=shown
            )
            if inputs:
                request = await _with_inputs(services, owner, video_id, request, inputs)
            record = VideoRecord(
                id=video_id,
                owner=owner,
                created_at=now,
                request=request,
                source=source,
                priority=request.priority or priority,
                key_id=None if key is None else key.id,
                tags=() if key is None else key.tags,
                weight=None if key is None else key.limits.weight,
                batch_id=None if batch is None else batch[0],
                batch_line=None if batch is None else batch[1],
                frame_check=FrameCheck(rules=rules) if rules.guards and rules.frames else None,
                idempotency_key=hashed,
                request_hash=request_hash,
                traceparent=tracecontext.starting(traceparent),
            )
            stored = await services.records.insert(
                record, None if hashed is not None else sending, claim
            )
    note_record(stored)
    replayed = stored.id != video_id
    if replayed:
        await _undo(services, video_id, has_files=bool(inputs))
    log_event(
        "video_replayed" if replayed else "video_accepted",
        video_id=stored.id,
        owner=owner,
        model=request.model,
        seconds=request.seconds,
        size=request.size,
        source=source.kind,
    )
    return Acceptance(stored, replayed)


def claim_of(
    services: Services,
    owner: str,
    request: VideoRequest,
    key: Key | None,
    now: float,
    inputs: Sequence[GivenInput],
) -> Claim:
    """What the video may cost, wherever it is sent, and whose budgets have a say in it."""
    # Where it can be sent goes by what it is made of, though that is not stored yet.
    given = (each.input for each in inputs)
    request = request.model_copy(update={"inputs": (*request.inputs, *given)})
    return Claim(
        owner,
        dearest_price(services.catalogue, request),
        now,
        user=request.user,
        key_id=None if key is None else key.id,
        key_budget=None if key is None else key.limits.budget,
    )


@asynccontextmanager
async def _undone_if_refused(
    services: Services, claim: Claim, video_id: str, *, has_files: bool
) -> AsyncIterator[None]:
    """Leave nothing of a video that a budget does not allow, and remember that it was refused; nor
    of one whose key has made another meanwhile."""
    try:
        yield
    except (Conflict, OverBudget, Forbidden) as error:
        if isinstance(error, OverBudget):
            await services.records.ledger.refuse(claim)
        await _undo(services, video_id, has_files=has_files)
        raise


async def _undo(services: Services, video_id: str, *, has_files: bool) -> None:
    """Leave nothing of a video that has no record; the row by which the sweeper finds it last."""
    if has_files:
        await services.files.delete_folder(f"{video_id}/")
    await services.records.open.close(video_id)


async def _with_inputs(
    services: Services,
    owner: str,
    video_id: str,
    request: VideoRequest,
    inputs: Sequence[GivenInput],
) -> VideoRequest:
    """Store the inputs; the request with them."""
    # First the row by which the sweeper finds what an interrupted create leaves, then the files: a
    # record must never point to a file that is not there.
    await services.records.open.announce(video_id, owner)
    kept = [await _keep(services, video_id, n, given) for n, given in enumerate(inputs, 1)]
    return request.model_copy(update={"inputs": (*request.inputs, *kept)})


async def _keep(services: Services, video_id: str, number: int, given: GivenInput) -> Input:
    """Stream an input into ``input-1.mp4`` …; the input that names the file."""
    extension = given.content_type.partition("/")[2].replace("jpeg", "jpg")
    is_first = given.input.role is Role.FIRST
    name = "reference.original" if is_first else f"input-{number}.{extension}"
    file = await services.files.store(
        f"{video_id}/{name}",
        given.source.open(),
        content_type=given.content_type,
        length=given.source.length,
    )
    return given.input.model_copy(update={"file": file})


async def check_room(
    services: Services, owner: str, most: int | None, arriving: Collection[str]
) -> None:
    """Whether the owner may have one more unfinished video, beside those that are ``arriving``.

    Raises:
        TooMany: not now.
    """
    if most is None:
        return
    # Those that arrive may have their records by now, and count once.
    left = most - len(arriving)
    if left > 0 and services.room.is_ample(owner):
        return
    count = left
    if left > 0:
        count = await services.records.count_unfinished(owner, up_to=left, besides=arriving)
        services.room.counted(owner, left - count)
    if left <= count:
        raise TooMany(
            f"Too many running tasks: {most} of your videos are unfinished, and more are not "
            "taken. Wait for one to end, or delete one.",
            code="too_many_running_tasks",
        )


def _hash_request(request: VideoRequest, inputs: Sequence[GivenInput], *, with_key: bool) -> str:
    """Equal for equal requests, the bytes of images and videos included.

    Hashes that stand beside keys stay as they are, whatever becomes of the models: the names in the
    document are those that records had at first.
    """
    # What we start a remix from is ours to choose, and may be another when it is sent again.
    chosen = frozenset() if with_key else _CHOSEN_BY_US
    # Defaults are left out: a field that is new in a later version changes no earlier hash.
    document = request.model_dump(mode="json", exclude={"inputs", *chosen}, exclude_defaults=True)
    if with_key and request.source_file is not None:
        document["source_file"] = request.source_file.blob
    frames = []
    for given in inputs:
        item = given.input.model_dump(mode="json", exclude={"role", "original"})
        if given.input.role in (Role.LAST, Role.REFERENCE):
            item["role"] = given.input.role.value
        if given.input.role is Role.FIRST:
            file = {"content_type": given.content_type, "fit": item["fit"], "fitted": None}
            document["reference"] = {"sha256": given.digest, "file": file}
        else:
            frames.append({"digest": given.digest, "item": item})
    if frames:
        document["inpaint"] = frames
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()
