"""A batch that was dropped: ``batch.jsonl`` or ``batch.csv``, with the images that it names.

They lie in its own folder. An image in such a folder is the batch's, and no drop of its own, unless
it was taken for one before the batch came. What is missing is waited for; everything else that is
wrong with the batch is an answer at once.
"""

from __future__ import annotations

import hashlib
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, cast

from azure.storage.blob import BlobProperties
from azure.storage.blob.aio import BlobClient

from dailies.batches.blobs import check_blobs
from dailies.batches.keeping import keep_batch
from dailies.owners.key import Limits
from dailies.protocols.batch.check import Check
from dailies.protocols.batch.lines import Form
from dailies.protocols.drop.naming import DropKind, batch_prefix, classify
from dailies.protocols.drop.payloads import Drop
from dailies.services import Services
from dailies.stores import uploads
from dailies.stores.batches import Sent
from dailies.stores.blob_source import BlobSource
from dailies.stores.rows import hash_key
from dailies.video.batch import Batch
from dailies.video.errors import Conflict, DropError, RequestError, SettingsError

__all__ = ["accept_batch", "belongs_to_batch"]

_MOST_BYTES = 100 * 1024**2
_IN_MEMORY = 1024**2
_MOST_TOLD = 5
"""Faults that a rejection tells of."""


async def belongs_to_batch(services: Services, image: str) -> bool:
    """Whether there is a batch in the image's folder."""
    names = services.files.references.list_blob_names(name_starts_with=batch_prefix(image))
    async for name in names:
        if classify(name) is DropKind.BATCH:
            return True
    return False


async def accept_batch(
    services: Services,
    drop: Drop,
    client: BlobClient,
    properties: BlobProperties,
    *,
    seen_at: float,
) -> Batch | None:
    """Accept the batch in a blob, once for this upload; None while an image that it names, or all
    of it, may still come.

    Many tools make a blob first and fill it then, so a file of zero bytes is waited for as an image
    without any is; for the images, as long as the orchestration says.

    Args:
        seen_at: when the upload was first seen.

    Raises:
        DropError: it can't be accepted.
        azure.core.exceptions.AzureError: storage did not answer; do it again.
    """
    name, last_call = drop["blob"], drop.get("last_call", False)
    if not services.catalogue.models:
        raise SettingsError(services.catalogue.left_out)
    may_be_filled = services.clock() < seen_at + services.settings.sidecar_wait_seconds
    if not properties.size and may_be_filled and not last_call:
        return None
    if not properties.size:
        raise _wrong(name, "The file is empty. Upload it whole.", "no_shots")
    if properties.size > _MOST_BYTES:
        raise _wrong(name, f"The file has more than {_MOST_BYTES:,} bytes. Make several of it.")
    folder = name.rpartition("/")[0]
    with (
        SpooledTemporaryFile(max_size=_IN_MEMORY) as file,
        SpooledTemporaryFile(max_size=_IN_MEMORY) as out,
    ):
        source = BlobSource(client, int(properties.size), str(properties.etag))
        async for chunk in source.open():
            file.write(chunk)
        file.seek(0)
        check = Check(
            catalogue=services.catalogue,
            limits=Limits(),
            out=cast(BinaryIO, out),
            folder=f"{folder}/" if folder else "",
            may_name_blobs=True,
            check_webhook=services.poster.origin,
            check_image=services.fetcher.check,
        )
        form = Form.CSV if name.endswith(".csv") else Form.LINES
        try:
            await check.run(cast(BinaryIO, file), form, services.checks, services.documents)
        except RequestError as error:
            raise _wrong(name, error.message, error.code) from None
        found = check.fault_count
        await check_blobs(services, check)
        if not found and check.fault_count and not last_call:
            return None
        if check.fault_count:
            raise _faults(name, check)
        key = uploads.idempotency_key(services.settings.references_container, name, drop["etag"])
        try:
            batch, _ = await keep_batch(
                services,
                check,
                {},
                owner=services.settings.drop_owner,
                key_id=None,
                # The upload alone is the key.
                sent=Sent(
                    body=hashlib.sha256(key.encode()).hexdigest(),
                    key=hash_key(key),
                    is_again=False,
                    began=services.clock(),
                ),
                traceparent=drop.get("traceparent"),
                blob=name,
            )
        except Conflict as error:
            if error.code != "batch_deleted":
                raise
            raise _wrong(
                name, "This upload has made a batch, which was deleted.", error.code
            ) from None
    return batch


def _faults(name: str, check: Check) -> DropError:
    told = [
        f"Line {fault.line}: {fault.message}" if fault.line else fault.message
        for fault in check.faults[:_MOST_TOLD]
    ]
    others = check.fault_count - len(told)
    if others:
        told.append(f"And {others:,} more.")
    return _wrong(name, f"Nothing was accepted. {' '.join(told)}", "invalid_batch")


def _wrong(name: str, message: str, code: str | None = None) -> DropError:
    return DropError(message, code=code or "invalid_batch", where=name)
