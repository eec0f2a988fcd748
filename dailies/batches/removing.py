"""Removing a batch that has ended: by its owner, or when its time is over. Its videos stay."""

from __future__ import annotations

import logging
import time

from dailies.batches.ending import tell_end
from dailies.batches.keeping import folder_of
from dailies.services import Services
from dailies.stores.batches import OpenBatch
from dailies.telemetry.logs import log_event
from dailies.video.batch import Batch
from dailies.video.errors import Conflict

__all__ = ["remove_batch", "retire_batches"]

_DAY = 86_400.0
_LONGEST_RUN = 300.0
"""Seconds, after those that videos have; together well before a host's limit on a function's time,
which would take all other work of the worker along."""


async def remove_batch(services: Services, batch: Batch) -> None:
    """Delete all that is kept of a batch that has ended, once that is told; its videos stay.

    Raises:
        Conflict: its owner has begun another run meanwhile.
        azure.core.exceptions.AzureError: storage or the topic does not answer; do it again.
    """
    if not await tell_end(services, batch):
        raise Conflict(
            "The batch has not ended: what failed is tried again. Cancel it first.",
            param="batch_id",
            code="batch_not_ended",
        )
    await services.files.delete_folder(folder_of(batch.id))
    await services.batches.remove(batch)
    log_event("batch_removed", batch_id=batch.id, owner=batch.owner)


async def retire_batches(services: Services) -> int:
    """Remove batches that ended before the time for which videos are kept, as many as one run has
    the time for; gives their number."""
    days = services.settings.retention_days
    if days is None:
        return 0
    before = services.clock() - days * _DAY
    removed, until = 0, time.monotonic() + _LONGEST_RUN
    async for key, found in services.batches.ended(before=before):
        if time.monotonic() > until:
            break
        try:
            removed += await _retire(services, key, found, before)
        except Exception as error:  # noqa: BLE001 - the others must not wait for it
            log_event("batch_not_removed", level=logging.ERROR, fault=error, batch_id=found.id)
    return removed


async def _retire(services: Services, key: str, found: OpenBatch, before: float) -> bool:
    batch = await services.batches.get(found.owner, found.id)
    # One that was run again has another end, noted by itself.
    is_over = batch is not None and batch.ended_at is not None and batch.ended_at < before
    if batch is not None and is_over:
        await remove_batch(services, batch)
    await services.batches.forget_end(key)
    return is_over
