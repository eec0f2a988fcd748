"""A batch that was found right is stored: its shots, its images, and then itself."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import BinaryIO

from dailies.inputs.examine import InputSource, digest
from dailies.protocols.batch.check import Check
from dailies.services import Services
from dailies.stores.batches import Sent
from dailies.telemetry import tracecontext
from dailies.telemetry.logs import log_event
from dailies.video.batch import Batch, new_batch_id
from dailies.video.money import to_usd
from dailies.video.record import StoredFile

__all__ = ["SuppliedImage", "folder_of", "hash_batch", "keep_batch"]

_CHUNK = 1024**2


@dataclass(frozen=True, slots=True)
class SuppliedImage:
    """An image that came with a batch, examined."""

    source: InputSource = field(repr=False)
    content_type: str


def folder_of(batch_id: str) -> str:
    """Where the files of a batch are."""
    return f"batches/{batch_id}/"


async def hash_batch(services: Services, check: Check, images: Mapping[str, SuppliedImage]) -> str:
    """Equal for equal batches, the bytes of their images included."""
    known = {name: await digest(image.source) for name, image in sorted(images.items())}
    options = check.options

    def of_all() -> str:
        told = hashlib.sha256(
            repr((known, options.limit_usd, options.max_in_progress, options.name)).encode()
        )
        check.out.seek(0)
        while chunk := check.out.read(_CHUNK):
            told.update(chunk)
        return told.hexdigest()

    return await services.checks.run(of_all)


async def keep_batch(
    services: Services,
    check: Check,
    images: Mapping[str, SuppliedImage],
    *,
    owner: str,
    key_id: str | None,
    sent: Sent | None,
    traceparent: str | None,
    blob: str | None = None,
) -> tuple[Batch, bool]:
    """Write the batch; or find the one that the same request made before, which is told by True.

    Raises:
        Conflict: as ``BatchStore.insert``.
        azure.core.exceptions.AzureError: storage did not answer; nothing was accepted.
    """
    now = services.clock()
    batch_id = new_batch_id(now)
    folder, options = folder_of(batch_id), check.options
    # First the row by which the sweeper finds what an interrupted create leaves.
    await services.batches.announce(batch_id, owner)
    kept: dict[str, StoredFile] = {}
    for number, (name, image) in enumerate(images.items(), start=1):
        kept[name] = await services.files.store(
            f"{folder}images/{number}",
            image.source.open(),
            content_type=image.content_type,
            length=image.source.length,
        )
    file = await services.files.store(
        f"{folder}shots.jsonl",
        _chunks(services, check.out),
        content_type="application/jsonl",
        length=None,
    )
    batch = Batch(
        id=batch_id,
        owner=owner,
        created_at=now,
        name=options.name,
        key_id=key_id,
        blob=blob,
        file=file,
        pages=tuple(check.pages),
        images=kept,
        total=check.total,
        limit_usd=options.limit_usd,
        max_in_progress=options.max_in_progress,
        estimated_micros=check.micros,
        unpriced=check.unpriced,
        request_hash=None if sent is None else sent.body,
        traceparent=tracecontext.starting(traceparent),
    )
    stored = await services.batches.insert(batch, sent)
    is_earlier = stored.id != batch_id
    if is_earlier:
        await services.files.delete_folder(folder)
        await services.batches.close(batch_id)
    log_event(
        "batch_replayed" if is_earlier else "batch_accepted",
        batch_id=stored.id,
        owner=owner,
        total=stored.total,
        estimated_usd=to_usd(stored.estimated_micros),
    )
    return stored, is_earlier


async def _chunks(services: Services, file: BinaryIO) -> AsyncIterator[bytes]:
    file.seek(0)
    while chunk := await services.checks.run(lambda: file.read(_CHUNK)):
        yield chunk
