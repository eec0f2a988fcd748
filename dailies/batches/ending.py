"""The end of a batch: a table of results in storage, and one event."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Sequence

from dailies.announce.batches import batch_event
from dailies.batches.file import ShotFile
from dailies.pipeline.handover import hand_over
from dailies.services import Services
from dailies.telemetry.logs import log_event
from dailies.video.batch import Batch, BatchStatus, Shot, ShotState
from dailies.video.money import to_usd
from dailies.video.record import StoredFile

__all__ = ["end_batch", "leave", "may_end", "tell_end"]

_COLUMNS = (
    "line",
    "custom_id",
    "status",
    "video_id",
    "model",
    "cost_usd",
    "error_code",
    "error_message",
)
_FORMULAS = ("=", "+", "-", "@", "\t", "\r")
_ROWS_AT_ONCE = 500


def may_end(batch: Batch) -> bool:
    """Whether nothing of it is under way, and nothing is to come."""
    if batch.under_way:
        return False
    is_over = batch.status is BatchStatus.IN_PROGRESS and batch.is_fed
    return is_over or batch.status is BatchStatus.CANCELING


async def end_batch(services: Services, batch: Batch) -> Batch:
    """Write the results, and then that the batch has ended; it as it is then."""
    results = await _write_results(services, batch)
    now = services.clock()

    def ended(current: Batch) -> Batch:
        if not may_end(current):
            return current
        is_cancelled = current.status is BatchStatus.CANCELING
        never = current.total - current.completed - current.failed - current.cancelled
        return current.with_changes(
            status=BatchStatus.CANCELLED if is_cancelled else BatchStatus.COMPLETED,
            cancelled=current.cancelled + never,
            rendering=0,
            reason=None,
            results=results,
            ended_at=now,
        )

    after = await services.batches.update(batch.owner, batch.id, ended)
    if after is None or not after.status.is_final:
        return batch
    log_event(
        "batch_ended",
        batch_id=after.id,
        owner=after.owner,
        status=after.status,
        total=after.total,
        completed=after.completed,
        failed=after.failed,
        cancelled=after.cancelled,
        cost_usd=to_usd(after.spent_micros),
        seconds_taken=round(now - after.created_at, 3),
    )
    return after


async def tell_end(services: Services, batch: Batch) -> bool:
    """Announce the end of this run once, and look after the batch no longer; False where it has not
    ended, or goes on again.

    Raises:
        azure.core.exceptions.AzureError: the topic does not answer; tell it again later.
    """
    if not batch.status.is_final:
        return False
    if batch.told < batch.run:
        url = None if batch.results is None else services.files.url(batch.results.blob)
        event = batch_event(
            batch,
            source=services.settings.event_source,
            results_url=url,
            now=services.clock(),
        )
        await hand_over(services, event, batch.owner)
        await services.events.publish(event)
        log_event("event_published", batch_id=batch.id, type="batch_completed")
        await services.batches.update(
            batch.owner, batch.id, lambda current: current.with_changes(told=batch.run)
        )
    await services.batches.note_end(batch)
    return await leave(services, batch)


async def leave(services: Services, batch: Batch) -> bool:
    """Look after the batch no longer, unless its owner has begun another run meanwhile; whether it
    is left.

    Who begins one writes first that the batch goes on, and then that something is to be done for
    it. So either it is seen here, or what it writes comes after what is deleted here.
    """
    await services.batches.close(batch.id)
    now = await services.batches.get(batch.owner, batch.id)
    if now is None or now.run == batch.run:
        return True
    await services.batches.announce(batch.id, batch.owner)
    return False


async def _write_results(services: Services, batch: Batch) -> StoredFile:
    return await services.files.store(
        f"batches/{batch.id}/results.csv",
        _table(services, batch),
        content_type="text/csv; charset=utf-8",
        length=None,
    )


async def _table(services: Services, batch: Batch) -> AsyncIterator[bytes]:
    """The results as CSV, a row for each shot in the order of the batch."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(_COLUMNS)
    rows = 0
    async for shot in _shots(services, batch):
        writer.writerow(_cells(shot))
        rows += 1
        if rows % _ROWS_AT_ONCE == 0:
            yield out.getvalue().encode()
            out.seek(0)
            out.truncate()
    yield out.getvalue().encode()


async def _shots(services: Services, batch: Batch) -> AsyncIterator[Shot]:
    """All shots: those whose turn never came, too."""
    known = services.batches.shots(batch.id)
    following = await anext(known, None)
    async for number, kept in ShotFile(services, batch).after(0):
        if following is not None and following.number == number:
            yield following
            following = await anext(known, None)
        else:
            yield Shot(
                number=number,
                line=kept.line,
                custom_id=kept.shot.custom_id,
                run=batch.run,
                state=ShotState.CANCELLED,
            )


def _cells(shot: Shot) -> Sequence[str]:
    error = shot.error
    cells = (
        str(shot.line),
        shot.custom_id,
        shot.state.value,
        shot.video_id,
        shot.model,
        None if shot.cost_usd is None else f"{shot.cost_usd:.6f}",
        None if error is None else error.code,
        None if error is None else error.message,
    )
    return [_safe(cell or "") for cell in cells]


def _safe(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell.startswith(_FORMULAS) else cell
