"""Starting the orchestration of a batch, now or where it fell between the cracks."""

from __future__ import annotations

import logging
from collections import Counter

from dailies.batches.ending import leave
from dailies.engine import RUN_BATCH, BatchInput, InstanceState, Orchestrations
from dailies.services import Services
from dailies.stores.batches import OpenBatch
from dailies.telemetry import tracecontext
from dailies.telemetry.logs import log_event
from dailies.video.batch import Batch, BatchStatus

__all__ = ["start_batch", "start_or_leave", "sweep_batches"]


async def start_batch(services: Services, orchestrations: Orchestrations, batch: Batch) -> None:
    """Start the orchestration of a batch; its id is the batch's own."""
    payload: BatchInput = {
        "id": batch.id,
        "owner": batch.owner,
        "traceparent": batch.traceparent,
        "retry_seconds": services.settings.retry_seconds,
    }
    with tracecontext.within(batch.traceparent):
        await orchestrations.start(RUN_BATCH, batch.id, payload)


async def start_or_leave(services: Services, orchestrations: Orchestrations, batch: Batch) -> None:
    """The same; what can't be started now, the sweeper starts."""
    try:
        await start_batch(services, orchestrations, batch)
    except Exception as error:  # noqa: BLE001 - the durable client raises bare Exceptions
        log_event("start_left_to_sweeper", batch_id=batch.id, reason=type(error).__name__)


async def sweep_batches(services: Services, orchestrations: Orchestrations) -> Counter[str]:
    """Start every batch with something left to do that nobody does; gives what was done."""
    actions: Counter[str] = Counter()
    async for found in services.batches.open():
        try:
            action = await _tend(services, orchestrations, found)
        except Exception as error:  # noqa: BLE001 - the others must not wait for it
            log_event("sweep_failed", level=logging.ERROR, fault=error, batch_id=found.id)
            action = "failed"
        if action is not None:
            actions[action] += 1
            log_event("batch_swept", batch_id=found.id, action=action)
    return actions


async def _tend(services: Services, orchestrations: Orchestrations, found: OpenBatch) -> str | None:
    if await orchestrations.state(found.id) is InstanceState.RUNNING:
        return None
    batch = await services.batches.get(found.owner, found.id)
    if batch is None:
        if services.clock() - _created_at(found.id) < _LONGEST_CREATE:
            return None
        # Of one that was broken off.
        await services.files.delete_folder(f"batches/{found.id}/")
        await services.batches.close(found.id)
        return "closed"
    if batch.status.is_final and batch.told >= batch.run:
        return "closed" if await leave(services, batch) else None
    if batch.status is BatchStatus.PAUSED and not batch.under_way:
        return None
    await start_batch(services, orchestrations, batch)
    return "started"


_LONGEST_CREATE = 3600.0
"""No create is under way for longer, in seconds; its row must not go before its batch comes."""


def _created_at(batch_id: str) -> float:
    return int(batch_id.partition("_")[2][:12], 16) / 1000
