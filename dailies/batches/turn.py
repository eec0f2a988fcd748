"""A turn at a batch: see what has ended, begin what there is room for, and end what is done.

Everything that a turn finds out is written in one step, on the condition that no other turn was
faster; what it has done before that (videos, rows of shots) is safe to do again. So whatever dies,
and whenever, no shot is begun twice and none is counted twice.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Sequence

from azure.core.exceptions import AzureError

from dailies.batches.ending import end_batch, may_end, tell_end
from dailies.batches.feeding import feed, find_begun
from dailies.batches.progress import Turn
from dailies.engine import BatchRef, BatchStep, Orchestrations, wake_video
from dailies.pipeline.crowd import for_each
from dailies.services import Services
from dailies.telemetry.logs import log_event
from dailies.video.basics import Phase, Status, VideoError
from dailies.video.batch import Batch, BatchStatus, Shot, ShotState, UnderWay
from dailies.video.record import VideoRecord

__all__ = ["take_turn"]

_AT_ONCE = 8
_LOOKS = 5
"""Between two looks at those under way, in shortest polls of a video."""
_LONGEST_PAUSE = 300.0
_DELETED = VideoError("video_deleted", "The video was deleted.")
_ENDS = {
    Phase.DONE: ShotState.COMPLETED,
    Phase.FAILED: ShotState.FAILED,
    Phase.CANCELLED: ShotState.CANCELLED,
}


async def take_turn(services: Services, orchestrations: Orchestrations, ref: BatchRef) -> BatchStep:
    """Do all that can be done for the batch now, and say when to come again."""
    batch = await services.batches.get(ref["owner"], ref["id"])
    if batch is None:
        await services.batches.close(ref["id"])
        return {"kind": "rest"}
    if not batch.status.is_final:
        turn = Turn(batch, cursor=batch.cursor, is_fed=batch.is_fed)
        is_stopping = batch.status is BatchStatus.CANCELING
        lost = await find_begun(services, turn) if is_stopping and not batch.is_fed else []
        await _settle(services, orchestrations, turn, lost)
        is_hungry = batch.status is BatchStatus.IN_PROGRESS and not batch.is_fed
        if is_hungry and not services.feeding.locked():
            async with services.feeding:
                await feed(services, orchestrations, turn)
        await services.batches.put_shots(batch.id, turn.shots)
        after = await services.batches.update(batch.owner, batch.id, turn.applied)
        if after is None:
            return {"kind": "wait", "seconds": 0.0}
        if after.status is BatchStatus.PAUSED and turn.pause is not None:
            log_event("batch_paused", batch_id=batch.id, owner=batch.owner, code=turn.pause.code)
        if not may_end(after):
            return await _rest_or_wait(services, after, has_more=turn.has_more)
        batch = await end_batch(services, after)
    return await _tell(services, batch)


async def _rest_or_wait(services: Services, batch: Batch, *, has_more: bool) -> BatchStep:
    if batch.status is BatchStatus.PAUSED and not batch.under_way:
        # Whoever resumes it starts it anew.
        return {"kind": "rest"}
    if batch.status is BatchStatus.IN_PROGRESS and has_more:
        return {"kind": "wait", "seconds": 0.0}
    settings = services.settings
    return {
        "kind": "wait",
        "seconds": min(_LOOKS * settings.poll_min_seconds, settings.poll_max_seconds),
    }


async def _tell(services: Services, batch: Batch) -> BatchStep:
    try:
        is_over = await tell_end(services, batch)
    except AzureError as error:
        # A topic that does not answer: its event goes out when it does.
        log_event("publish_failed", level=logging.WARNING, batch_id=batch.id, fault=error)
        return {
            "kind": "wait",
            "seconds": min(12 * services.settings.retry_seconds, _LONGEST_PAUSE),
        }
    # One that its owner has paused at its very end rests too: whoever resumes it starts it anew.
    goes_on = batch.status.is_final and not is_over
    return {"kind": "wait", "seconds": 0.0} if goes_on else {"kind": "rest"}


async def _settle(
    services: Services, orchestrations: Orchestrations, turn: Turn, lost: Sequence[UnderWay]
) -> None:
    """See what has become of those under way, and of those that were lost sight of; where all are
    to stop, tell them so."""
    is_stopping = turn.batch.status is BatchStatus.CANCELING
    found: dict[str, VideoRecord | None] = {}
    costs: dict[str, float | None] = {}

    async def look(video: UnderWay) -> None:
        record = await services.records.get(turn.batch.owner, video.video_id, anew=True)
        if is_stopping and record is not None and not record.is_final:
            record = await _stop(services, orchestrations, record)
        found[video.video_id] = record
        costs[video.video_id] = await _cost_of(services, turn.batch.owner, video.video_id, record)

    await for_each(_each([*turn.batch.under_way, *lost]), look, at_once=_AT_ONCE)
    for video in (*turn.batch.under_way, *lost):
        record = found[video.video_id]
        # One that is deleted is stopped first, and what that costs is known when it has ended.
        if record is None or record.is_final:
            turn.ends(_ended(turn.batch, video, record, costs[video.video_id]))
            continue
        turn.rendering += record.status is Status.IN_PROGRESS
        if video in lost:
            turn.begins(video)
        else:
            turn.under_way.append(video)


async def _each(videos: Sequence[UnderWay]) -> AsyncIterator[UnderWay]:
    for video in videos:
        yield video


async def _stop(
    services: Services, orchestrations: Orchestrations, record: VideoRecord
) -> VideoRecord | None:
    if record.cancel_requested:
        return record

    def cancelled(current: VideoRecord) -> VideoRecord:
        if current.is_final or current.is_withdrawn:
            return current
        return current.model_copy(update={"cancel_requested": True})

    stopped = await services.records.update(record.owner, record.id, cancelled)
    if stopped is not None and not stopped.is_final:
        try:
            await wake_video(orchestrations, stopped)
        except Exception as error:  # noqa: BLE001 - the durable client raises bare Exceptions
            # It reads the record at its next step anyhow.
            log_event("not_woken", video_id=record.id, reason=type(error).__name__)
    return stopped


async def _cost_of(
    services: Services, owner: str, video_id: str, record: VideoRecord | None
) -> float | None:
    """What an ended video has cost; one that was deleted has been spent all the same."""
    if record is not None:
        return record.cost_usd
    tombstone = await services.tombstones.get(owner, video_id)
    return None if tombstone is None else tombstone.cost_usd


def _ended(
    batch: Batch, video: UnderWay, record: VideoRecord | None, cost_usd: float | None
) -> Shot:
    if record is not None and record.is_withdrawn:
        record = None
    state = ShotState.CANCELLED if record is None else _ENDS[record.phase]
    return Shot(
        number=video.number,
        line=video.line,
        custom_id=video.custom_id,
        run=batch.run,
        state=state,
        video_id=video.video_id,
        model=video.model,
        cost_usd=cost_usd,
        error=_DELETED if record is None else record.error,
    )
