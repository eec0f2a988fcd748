"""What the owner of a batch may tell it: to pause, to go on, to end, to try again.

Each is a change of its document, on which the next turn acts; to say the same again changes
nothing.
"""

from __future__ import annotations

from dailies.batches.starting import start_or_leave
from dailies.engine import WAKE_EVENT, Orchestrations
from dailies.services import Services
from dailies.telemetry.logs import log_event
from dailies.video.batch import Batch, BatchStatus
from dailies.video.errors import Conflict

__all__ = ["cancel", "pause", "resume", "retry"]

_MOST_KEYS = 20
_RESENT_WITHIN = 600.0
"""Seconds for which a client may go on sending a request again."""


async def pause(services: Services, owner: str, batch_id: str) -> Batch | None:
    """Begin no more; None where there is no such batch.

    Raises:
        Conflict: it has ended, or is about to.
    """

    def paused(batch: Batch) -> Batch:
        if batch.status not in (BatchStatus.IN_PROGRESS, BatchStatus.PAUSED):
            raise _ended(batch, "paused")
        return batch.with_changes(status=BatchStatus.PAUSED)

    return await services.batches.update(owner, batch_id, paused)


async def resume(
    services: Services,
    orchestrations: Orchestrations,
    owner: str,
    batch_id: str,
    *,
    key_id: str,
    limit_usd: float | None = None,
) -> Batch | None:
    """Go on, with the key of that id, and with another limit if one is given.

    Raises:
        Conflict: it has ended, or is about to.
    """

    def resumed(batch: Batch) -> Batch:
        if batch.status not in (BatchStatus.IN_PROGRESS, BatchStatus.PAUSED):
            raise _ended(batch, "resumed")
        return batch.with_changes(
            status=BatchStatus.IN_PROGRESS,
            reason=None,
            key_id=key_id,
            limit_usd=batch.limit_usd if limit_usd is None else limit_usd,
        )

    batch = await services.batches.update(owner, batch_id, resumed)
    return await _go_on(services, orchestrations, batch)


async def cancel(
    services: Services, orchestrations: Orchestrations, owner: str, batch_id: str
) -> Batch | None:
    """Begin no more, and stop what is under way.

    Raises:
        Conflict: it has ended in another way.
    """

    def cancelled(batch: Batch) -> Batch:
        if batch.status in (BatchStatus.CANCELING, BatchStatus.CANCELLED):
            return batch
        if batch.status.is_final:
            raise _ended(batch, "cancelled")
        return batch.with_changes(status=BatchStatus.CANCELING, reason=None)

    batch = await services.batches.update(owner, batch_id, cancelled)
    return await _go_on(services, orchestrations, batch)


async def retry(
    services: Services,
    orchestrations: Orchestrations,
    owner: str,
    batch_id: str,
    *,
    key_id: str,
    sent_key: str | None,
    is_again: bool,
) -> tuple[Batch | None, bool]:
    """Begin another run, of what has failed; the batch, and whether the request has begun a run
    before: a request that comes again is not another order.

    Args:
        sent_key: the request's hashed Idempotency-Key, if it has one.
        is_again: its client says that it is sent again; without a key, it is then taken for the
            one that began the last run, if that was lately.

    Raises:
        Conflict: it has not ended, or nothing of it has failed.
    """
    now = services.clock()
    before: list[int] = []
    written: list[Batch] = []

    def is_known(batch: Batch) -> bool:
        if sent_key is not None:
            return sent_key in batch.run_keys
        return is_again and batch.run_asked is not None and now - batch.run_asked < _RESENT_WITHIN

    def anew(batch: Batch) -> Batch:
        if batch in written:
            return batch  # the SDK sends it again when its answer was lost
        before[:] = [batch.run]
        if is_known(batch):
            return batch
        if batch.status not in (BatchStatus.COMPLETED, BatchStatus.CANCELLED):
            raise Conflict(
                f"The batch's status is '{batch.status}'. What has failed is tried again once it "
                "has ended.",
                param="batch_id",
                code="batch_not_ended",
            )
        if not batch.failed:
            raise Conflict(
                "No shot of the batch has failed.", param="batch_id", code="nothing_failed"
            )
        again = batch.with_changes(
            status=BatchStatus.IN_PROGRESS,
            run=batch.run + 1,
            turn=batch.turn + 1,
            cursor=0,
            is_fed=False,
            ended_at=None,
            key_id=key_id,
            run_keys=(*batch.run_keys, *([sent_key] if sent_key else ()))[-_MOST_KEYS:],
            run_asked=now,
        )
        written.append(again)
        return again

    # First, so that the sweeper finds what an interrupted request leaves.
    await services.batches.announce(batch_id, owner)
    batch = await services.batches.update(owner, batch_id, anew)
    is_earlier = batch is not None and before == [batch.run]
    if batch is not None and not is_earlier:
        log_event("batch_run_again", batch_id=batch.id, owner=owner, run=batch.run)
    return await _go_on(services, orchestrations, batch), is_earlier


async def _go_on(
    services: Services, orchestrations: Orchestrations, batch: Batch | None
) -> Batch | None:
    """Start the batch's orchestration where it is at rest, and else cut its pause short."""
    if batch is None or batch.status.is_final:
        return batch
    await services.batches.announce(batch.id, batch.owner)
    await start_or_leave(services, orchestrations, batch)
    try:
        await orchestrations.raise_event(batch.id, WAKE_EVENT)
    except Exception as error:  # noqa: BLE001 - the durable client raises bare Exceptions
        # It reads the batch at its next turn anyhow.
        log_event("not_woken", batch_id=batch.id, reason=type(error).__name__)
    return batch


def _ended(batch: Batch, word: str) -> Conflict:
    return Conflict(
        f"The batch's status is '{batch.status}', so it can't be {word}.",
        param="batch_id",
        code="batch_already_ended",
    )
