"""Batches as callers see them. Times are Unix seconds, money is US dollars."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from dailies.protocols.batch.check import Check
from dailies.protocols.listing import Listed, Page
from dailies.protocols.openai.objects import LineFault, VideoFailure
from dailies.video.batch import Batch, Shot, ShotState
from dailies.video.money import to_usd

__all__ = [
    "BatchCost",
    "BatchCounts",
    "BatchDryRun",
    "BatchList",
    "BatchShot",
    "BatchShotList",
    "DeletedBatch",
    "VideoBatch",
    "batch_object",
    "dry_run_object",
    "faults_of",
    "shot_object",
]


class BatchCounts(BaseModel):
    """The shots of a batch, by what has become of them."""

    total: int
    queued: int = Field(description="Those that wait: for their turn, or at a provider.")
    in_progress: int
    completed: int
    failed: int
    cancelled: int


class BatchCost(BaseModel):
    """What a batch may cost at most, and what it has cost so far."""

    estimated: float = Field(description="Without the shots whose price nobody knows.")
    so_far: float


class VideoBatch(Listed):
    """A batch of videos."""

    id: str
    object: Literal["video.batch"] = "video.batch"
    name: str | None
    status: Literal["in_progress", "paused", "canceling", "completed", "cancelled"]
    counts: BatchCounts
    cost_usd: BatchCost
    limit_usd: float | None
    max_in_progress: int
    created_at: int
    completed_at: int | None = Field(description="When all of it had ended.")
    run: int = Field(description="1, and one more for each time that what failed was tried again.")
    blob: str | None = Field(description="The dropped file that it was made of.")
    error: VideoFailure | None = Field(description="Why it is paused, where it did so itself.")
    results_url: str | None = Field(
        description="Where the table of results is asked for, once the batch has ended."
    )


class BatchList(Page[VideoBatch]):
    """A page of batches. ``last_id`` is the ``after`` of the next page."""


class DeletedBatch(BaseModel):
    """The answer to a delete. The batch's videos stay."""

    id: str
    object: Literal["video.batch.deleted"] = "video.batch.deleted"
    deleted: Literal[True] = True


class BatchShot(Listed):
    """A shot whose turn has come. ``id`` is its number in the batch."""

    id: str
    object: Literal["video.batch.shot"] = "video.batch.shot"
    line: int
    custom_id: str | None
    status: Literal["in_progress", "completed", "failed", "cancelled"]
    video_id: str | None = Field(description="null: it was refused before there was a video.")
    model: str | None
    cost_usd: float | None
    error: VideoFailure | None


class BatchShotList(Page[BatchShot]):
    """A page of shots. ``last_id`` is the ``after`` of the next page."""


class BatchDryRun(BaseModel):
    """What would become of a batch, if it were accepted now."""

    object: Literal["video.batch.dry_run"] = "video.batch.dry_run"
    valid: bool
    total: int
    models: dict[str, int] = Field(description="How many shots of which model.")
    estimated_usd: float = Field(description="The most that it could cost.")
    unpriced: int = Field(description="Shots whose price nobody knows; they are not in that.")
    max_in_progress: int
    limit_usd: float | None
    faults: list[LineFault] = Field(description="The first of them.")
    fault_count: int


def batch_object(batch: Batch) -> VideoBatch:
    """The public object of a batch."""
    error = batch.reason
    has_results = batch.status.is_final and batch.results is not None
    return VideoBatch(
        id=batch.id,
        name=batch.name,
        status=batch.status.value,
        counts=BatchCounts(
            total=batch.total,
            queued=batch.queued,
            in_progress=batch.rendering,
            completed=batch.completed,
            failed=batch.failed,
            cancelled=batch.cancelled,
        ),
        cost_usd=BatchCost(
            estimated=to_usd(batch.estimated_micros), so_far=to_usd(batch.spent_micros)
        ),
        limit_usd=batch.limit_usd,
        max_in_progress=batch.max_in_progress,
        created_at=int(batch.created_at),
        completed_at=None if batch.ended_at is None else int(batch.ended_at),
        run=batch.run,
        blob=batch.blob,
        error=None if error is None else VideoFailure.model_validate(error),
        results_url=f"/v1/video_batches/{batch.id}/results" if has_results else None,
    )


def shot_object(shot: Shot) -> BatchShot:
    """The public object of a shot."""
    is_running = shot.state is ShotState.RUNNING
    return BatchShot(
        id=str(shot.number),
        line=shot.line,
        custom_id=shot.custom_id,
        status="in_progress" if is_running else shot.state.value,
        video_id=shot.video_id,
        model=shot.model,
        cost_usd=shot.cost_usd,
        error=None if shot.error is None else VideoFailure.model_validate(shot.error),
    )


def faults_of(check: Check) -> list[LineFault]:
    """What is wrong with a batch, line by line."""
    return [
        LineFault(line=each.line, param=each.param, code=each.code, message=each.message)
        for each in check.faults
    ]


def dry_run_object(check: Check) -> BatchDryRun:
    """What a dry run is answered with."""
    return BatchDryRun(
        valid=check.fault_count == 0,
        total=check.total,
        models=dict(check.models),
        estimated_usd=to_usd(check.micros),
        unpriced=check.unpriced,
        max_in_progress=check.options.max_in_progress,
        limit_usd=check.options.limit_usd,
        faults=faults_of(check),
        fault_count=check.fault_count,
    )
