"""Accepting a video: the one way in behind all ways in.

When ``accept`` returns, the video is durable: its record is written, and a timer starts whatever
has a record but no orchestration.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field

from dailies.errors import TooMany
from dailies.logs import log_event
from dailies.records import ReferenceFile, Source, VideoRecord, VideoRequest
from dailies.services import Services
from dailies.stores.records import hash_key
from dailies.telemetry import tracecontext
from dailies.telemetry.spans import note_record
from dailies.videos import new_id

__all__ = ["Acceptance", "GivenReference", "accept"]


@dataclass(frozen=True, slots=True)
class GivenReference:
    """A reference image as the caller gave it."""

    data: bytes = field(repr=False)
    content_type: str
    file: ReferenceFile


@dataclass(frozen=True, slots=True)
class Acceptance:
    """The accepted video; ``replayed`` when an earlier request with the same key made it."""

    record: VideoRecord
    replayed: bool


async def accept(
    services: Services,
    *,
    owner: str,
    request: VideoRequest,
    reference: GivenReference | None,
    source: Source,
    idempotency_key: str | None,
    traceparent: str | None,
    most_unfinished: int | None = None,
) -> Acceptance:
    """Write the record of a new video, or find the one that the same key made before.

    The video's trace is the one being worked in, else the caller's ``traceparent``, else a new one.

    Raises:
        Conflict: the key was used with another request.
        TooMany: the owner has ``most_unfinished`` unfinished videos, or more.
        azure.core.exceptions.AzureError: storage did not answer; nothing was accepted.
    """
    key = None if idempotency_key is None else hash_key(idempotency_key)
    request_hash = _hash_request(request, reference)
    if key is not None:
        earlier = await services.records.find_by_key(owner, key, request_hash)
        if earlier is not None:
            return Acceptance(earlier, replayed=True)
    await _check_room(services, owner, most_unfinished)
    now = services.clock()
    video_id = new_id(now)
    if reference is not None:
        name = f"{video_id}/reference.original"
        # First the row by which the sweeper finds what an interrupted create leaves, then the
        # file: a record must never point to a file that is not there.
        await services.records.announce(video_id, owner)
        await services.files.put(name, reference.data, content_type=reference.content_type)
        request = request.model_copy(
            update={"reference": reference.file.model_copy(update={"original": name})}
        )
    record = VideoRecord(
        id=video_id,
        owner=owner,
        created_at=now,
        request=request,
        source=source,
        idempotency_key=key,
        request_hash=request_hash,
        traceparent=tracecontext.starting(traceparent),
    )
    stored = await services.records.insert(record)
    note_record(stored)
    replayed = stored.id != video_id
    if replayed and reference is not None:
        await services.files.delete_folder(f"{video_id}/")
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


async def _check_room(services: Services, owner: str, most: int | None) -> None:
    if most is not None and await services.records.count_open(owner, up_to=most) >= most:
        raise TooMany(
            f"Too many running tasks: {most} of your videos are unfinished, and more are not "
            "taken. Wait for one to end, or delete one.",
            code="too_many_running_tasks",
        )


def _hash_request(request: VideoRequest, reference: GivenReference | None) -> str:
    """Equal for equal requests, the bytes of the image included."""
    document = request.model_dump(mode="json", exclude={"reference"})
    if reference is not None:
        document["reference"] = {
            "sha256": hashlib.sha256(reference.data).hexdigest(),
            "file": reference.file.model_dump(mode="json", exclude={"original"}),
        }
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()
