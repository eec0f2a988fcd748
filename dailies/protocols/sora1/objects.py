"""The job and generation objects of the jobs API, made of a record."""

from __future__ import annotations

import operator
from typing import Literal

from pydantic import BaseModel, Field

from dailies.protocols.openai.objects import RequestWarning
from dailies.protocols.sora1.ids import generation_id, job_id
from dailies.video.basics import Phase
from dailies.video.record import VideoRecord

__all__ = ["STATUSES", "Generation", "Job", "JobList", "job_object", "status_of"]

JobStatus = Literal[
    "preprocessing", "queued", "running", "processing", "succeeded", "failed", "cancelled"
]
STATUSES: tuple[JobStatus, ...] = (
    "preprocessing",
    "queued",
    "running",
    "processing",
    "succeeded",
    "failed",
    "cancelled",
)

_STATUS_OF: dict[Phase, JobStatus] = {
    Phase.ACCEPTED: "queued",
    Phase.WAITING: "queued",
    Phase.SUBMITTING: "queued",
    Phase.UNRESOLVED: "queued",
    Phase.ARCHIVING: "processing",
    Phase.DONE: "succeeded",
    Phase.FAILED: "failed",
    Phase.CANCELLED: "cancelled",
}
_RUNNING_FROM, _PROCESSING_FROM = 10, 90
"""Percent; this API has words in place of a progress."""
_MODERATED = ("moderation_blocked", "content_filter")


class Generation(BaseModel):
    """A video that a job made."""

    object: Literal["video.generation"] = "video.generation"
    id: str
    job_id: str
    created_at: int
    width: int
    height: int
    n_seconds: int
    prompt: str


class Job(BaseModel):
    """A job. Times are Unix seconds; ``generations`` are there once it has succeeded."""

    object: Literal["video.generation.job"] = "video.generation.job"
    id: str
    status: JobStatus
    created_at: int
    finished_at: int | None
    expires_at: int | None
    generations: list[Generation]
    prompt: str
    model: str
    n_variants: int
    n_seconds: int
    height: int
    width: int
    failure_reason: str | None
    warnings: tuple[RequestWarning, ...] = Field(
        default=(),
        exclude_if=operator.not_,
        description="Fields of the request that changed nothing; only in the answer to it.",
    )


class JobList(BaseModel):
    """A page of jobs, the newest first. ``last_id`` is the ``after`` of the next page; of a page
    with ``statuses`` that is not the last, it may be a job that has none of them."""

    object: Literal["list"] = "list"
    data: list[Job]
    has_more: bool
    first_id: str | None
    last_id: str | None


def status_of(record: VideoRecord) -> JobStatus:
    """The status word of this API; while a job renders, its progress tells which."""
    if record.phase is not Phase.RENDERING:
        return _STATUS_OF[record.phase]
    if record.progress >= _PROCESSING_FROM:
        return "processing"
    if record.progress >= _RUNNING_FROM:
        return "running"
    return "preprocessing" if record.progress else "queued"


def job_object(record: VideoRecord, *, retention_days: float | None) -> Job:
    """The job of a record. ``expires_at`` is when our retention removes the files, if it does."""
    request = record.request
    finished = record.completed_at
    kept = None if finished is None or retention_days is None else finished + retention_days * 86400
    return Job(
        id=job_id(record.id),
        status=status_of(record),
        created_at=int(record.created_at),
        finished_at=None if finished is None else int(finished),
        expires_at=None if kept is None else int(kept),
        generations=_generations(record),
        prompt=request.prompt,
        model=request.model,
        n_variants=request.n_variants,
        n_seconds=request.seconds,
        height=request.size.height,
        width=request.size.width,
        failure_reason=_failure_reason(record),
    )


def _generations(record: VideoRecord) -> list[Generation]:
    if record.phase is not Phase.DONE:
        return []
    request = record.request
    return [
        Generation(
            id=generation_id(record.id, number),
            job_id=job_id(record.id),
            created_at=int(record.rendered_at or record.created_at),
            width=request.size.width,
            height=request.size.height,
            n_seconds=request.seconds,
            prompt=request.prompt,
        )
        for number in range(max(1, len(record.generations)))
    ]


def _failure_reason(record: VideoRecord) -> str | None:
    """The provider's own word, where it gave one, else ours; what was refused before there was a
    job was the input."""
    if record.phase is not Phase.FAILED or record.error is None:
        return None
    if record.submit.failure_reason is not None:
        return record.submit.failure_reason
    if record.error.code in _MODERATED:
        return "input_moderation" if record.submit.job_id is None else "output_moderation"
    return record.error.code
