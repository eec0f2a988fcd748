"""Videos as operators see them: whoever has them, and without their prompts."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from dailies.protocols.openai.objects import VideoFailure, VideoSource
from dailies.video.record import VideoRecord

__all__ = ["OverviewVideo", "OverviewVideoList"]


class OverviewVideo(BaseModel):
    """A video of any owner. Times are Unix seconds; what is not known is null."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    object: Literal["overview.video"] = "overview.video"
    owner: str
    key_id: str | None = Field(description="The key that it was made with, by its id.")
    tags: tuple[str, ...]
    user: str | None
    model: str
    operation: str
    status: Literal["queued", "in_progress", "completed", "failed"]
    phase: str
    progress: int
    priority: str
    created_at: int
    completed_at: int | None
    seconds: int
    size: str
    source: VideoSource
    error: VideoFailure | None
    provider: str | None
    deployment: str | None
    job_id: str | None = Field(description="The provider's id of its job.")
    cost_usd: float | None
    cost_is_estimate: bool

    @classmethod
    def of(cls, record: VideoRecord, **more: Any) -> Self:
        """The object of a record, with what a subclass has beside it."""
        request, submit = record.request, record.submit
        return cls(
            id=record.id,
            owner=record.owner,
            key_id=record.key_id,
            tags=record.tags,
            user=request.user,
            model=request.model,
            operation=request.operation.value,
            status=record.status.value,
            phase=record.phase.value,
            progress=record.progress,
            priority=record.priority.value,
            created_at=int(record.created_at),
            completed_at=None if record.completed_at is None else int(record.completed_at),
            seconds=request.total_seconds,
            size=str(request.size),
            source=VideoSource(type=record.source.kind.value, blob=record.source.blob),
            error=None if record.error is None else VideoFailure.model_validate(record.error),
            provider=submit.provider,
            deployment=submit.deployment,
            job_id=submit.job_id,
            cost_usd=record.cost_usd,
            cost_is_estimate=record.cost_is_estimate,
            **more,
        )


class OverviewVideoList(BaseModel):
    """A page of the videos that were searched for, newest first.

    A page may hold fewer than were asked for, or none, and yet have more after it: no more than
    some thousand videos are looked at for one page.
    """

    object: Literal["list"] = "list"
    data: list[OverviewVideo]
    scanned: int = Field(description="How many videos were looked at for this page.")
    has_more: bool
    after: str | None = Field(description="The `after` of the next page.")
