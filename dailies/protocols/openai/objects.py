"""The objects of OpenAI's videos protocol, as they are answered."""

from __future__ import annotations

import math
import operator
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from dailies.pipeline.expectation import NOTHING, Expectation
from dailies.protocols.listing import Listed, Page
from dailies.video.record import VideoRecord

__all__ = [
    "Character",
    "DeletedVideo",
    "ErrorBody",
    "ErrorEnvelope",
    "QueuePlace",
    "RequestWarning",
    "Usage",
    "Video",
    "VideoFailure",
    "VideoList",
    "VideoSource",
    "queue_place",
    "video_object",
]


def _is_none(value: object) -> bool:
    return value is None


class VideoFailure(BaseModel):
    """Why a video failed: a code for programs, a message that names the remedy."""

    model_config = ConfigDict(from_attributes=True)

    code: str
    message: str


class VideoSource(BaseModel):
    """Where the request came from; ``blob`` names a dropped image in its container."""

    type: Literal["http", "drop", "batch", "operator"]
    blob: str | None


class Usage(BaseModel):
    """What the video is billed by: the seconds that were rendered for it."""

    duration_seconds: float


class RequestWarning(BaseModel):
    """A field of the request that changed nothing, or less than its sender may have meant."""

    param: str
    code: Literal["unknown_parameter", "unused_parameter", "not_passed_on"]
    message: str


class QueuePlace(BaseModel):
    """A place among all videos that wait for the same deployment; 1 is next. Owners are served in
    turn, so that a place may also be lost to others' videos that come later."""

    position: int = Field(ge=1)
    of: int = Field(ge=1)
    eta_seconds: int = Field(ge=0, description="Until the video is sent to its provider.")


class Video(Listed):
    """A video. Times are Unix seconds; ``seconds`` is a string, as in OpenAI's protocol.

    ``phase``, ``queue``, ``estimated_completion_at``, ``source``, ``usage``, ``provider``,
    ``deployment``, ``cost_usd``, ``cost_is_estimate``, ``batch_id`` and ``warnings`` are additions,
    which clients of the protocol ignore.
    """

    id: str
    object: Literal["video"] = "video"
    model: str
    status: Literal["queued", "in_progress", "completed", "failed"]
    phase: str
    progress: int = Field(ge=0, le=100)
    queue: QueuePlace | None = Field(
        default=None,
        exclude_if=_is_none,
        description="Only while it waits for a place in the quota of where it is to be made.",
    )
    created_at: int
    estimated_completion_at: int | None = Field(
        default=None,
        exclude_if=_is_none,
        description="When it should be there; left out once it has ended, and where nobody knows.",
    )
    completed_at: int | None
    expires_at: int | None
    seconds: str
    size: str
    prompt: str
    remixed_from_video_id: str | None
    user: str | None
    source: VideoSource
    error: VideoFailure | None
    usage: Usage
    provider: str | None = Field(
        description="Who makes it, by id; null until it was sent, and may change until it renders."
    )
    deployment: str | None = Field(description="Where there, by the catalogue's name.")
    cost_usd: float | None
    cost_is_estimate: bool
    batch_id: str | None = Field(
        default=None, exclude_if=_is_none, description="The batch that ordered it, if one did."
    )
    warnings: tuple[RequestWarning, ...] = Field(
        default=(),
        exclude_if=operator.not_,
        description="Fields of the request that changed nothing; only in the answer to it.",
    )


class VideoList(Page[Video]):
    """A page of videos. ``last_id`` is the ``after`` of the next page."""


class DeletedVideo(BaseModel):
    """The answer to a delete. A video that had not ended is cancelled as well."""

    id: str
    object: Literal["video.deleted"] = "video.deleted"
    deleted: Literal[True] = True


class Character(BaseModel):
    """A character: a name and a clip, kept by the provider."""

    id: str
    object: Literal["character"] = "character"
    created_at: int
    name: str
    warnings: tuple[RequestWarning, ...] = Field(default=(), exclude_if=operator.not_)


class BudgetLeft(BaseModel):
    """The budget that does not allow a video, what is left of it, and what the video may cost."""

    scope: Literal["owner", "key", "user"]
    period: Literal["day", "month", "total"]
    limit_usd: float
    left_usd: float
    price_usd: float
    renews_at: int | None = Field(description="Unix seconds; null: never.")


class LineFault(BaseModel):
    """What is wrong with a line of a batch; 0: with the batch as a whole."""

    line: int
    param: str | None
    code: str | None
    message: str


class ErrorBody(BaseModel):
    """What went wrong, which field is to blame, and a code for programs."""

    message: str
    type: str
    param: str | None
    code: str | None
    budget: BudgetLeft | None = Field(
        default=None, exclude_if=_is_none, description="With the code `budget_exceeded` only."
    )
    faults: list[LineFault] | None = Field(
        default=None,
        exclude_if=_is_none,
        description="With the code `invalid_batch` only: the first of them.",
    )
    fault_count: int | None = Field(
        default=None, exclude_if=_is_none, description="With `faults`: how many there are."
    )


class ErrorEnvelope(BaseModel):
    """OpenAI's envelope of every error."""

    error: ErrorBody


def video_object(
    record: VideoRecord, *, retention_days: float | None, expected: Expectation = NOTHING
) -> Video:
    """The public object of a record. ``expires_at`` is when our retention removes the files."""
    request = record.request
    completion_at = expected.completion_at
    expires_at = (
        int(record.completed_at + retention_days * 86_400)
        if record.completed_at is not None and retention_days is not None
        else None
    )
    return Video(
        id=record.id,
        model=request.model,
        status=record.status.value,
        phase=record.phase.value,
        progress=record.progress,
        queue=queue_place(expected),
        created_at=int(record.created_at),
        estimated_completion_at=None if completion_at is None else math.ceil(completion_at),
        completed_at=None if record.completed_at is None else int(record.completed_at),
        expires_at=expires_at,
        seconds=str(request.total_seconds),
        size=str(request.size),
        prompt=request.prompt,
        remixed_from_video_id=request.source_video_id,
        user=request.user,
        source=VideoSource(type=record.source.kind.value, blob=record.source.blob),
        error=None if record.error is None else VideoFailure.model_validate(record.error),
        usage=Usage(duration_seconds=float(request.seconds)),
        provider=record.submit.provider,
        deployment=record.submit.deployment,
        cost_usd=record.cost_usd,
        cost_is_estimate=record.cost_is_estimate,
        batch_id=record.batch_id,
    )


def queue_place(expected: Expectation) -> QueuePlace | None:
    """The place of a video that waits for one."""
    standing = expected.standing
    if standing is None:
        return None
    return QueuePlace(
        position=standing.position, of=standing.of, eta_seconds=math.ceil(standing.eta_seconds)
    )
