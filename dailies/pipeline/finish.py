"""End a video: exactly one terminal state, whoever asks and however often."""

from __future__ import annotations

from typing import NotRequired

from dailies.logs import log_event
from dailies.pipeline.archive import price_of
from dailies.pipeline.steps import Step, VideoRef, done
from dailies.providers.outcomes import Kind
from dailies.records import VideoRecord
from dailies.services import Services
from dailies.videos import Phase, Variant, VideoError

__all__ = ["FinishRequest", "finish_video"]


class FinishRequest(VideoRef):
    """The video to end; with ``error`` it failed, without it is complete."""

    error: NotRequired[dict[str, str] | None]


async def finish_video(services: Services, video: FinishRequest) -> Step:
    """Write the terminal state, once; an ended video stays as it is.

    A video without its file is never ``completed``, whatever was asked.
    """
    now = services.clock()
    error = video.get("error")
    cause = VideoError(error["code"], error["message"]) if error else None

    def ended(current: VideoRecord) -> VideoRecord:
        if current.is_final:
            return current
        if cause is not None:
            return current.failed(cause, now)
        if Variant.VIDEO not in current.files:
            return current.failed(
                VideoError("internal_error", "The video's file is missing. Create it again."), now
            )
        return current.moved_to(
            Phase.DONE, progress=100, completed_at=now, cost_usd=price_of(services, current)
        )

    record = await services.records.update(video["owner"], video["id"], ended)
    if record is None:
        return done()
    log_event(
        "video_ended",
        video_id=record.id,
        owner=record.owner,
        model=record.request.model,
        phase=record.phase,
        code=record.error.code if record.error else None,
        seconds_taken=round(now - record.created_at, 3),
        cost_usd=record.cost_usd,
    )
    if services.settings.delete_upstream:
        await _delete_upstream(services, record)
    return done()


async def _delete_upstream(services: Services, record: VideoRecord) -> None:
    deployment = services.catalogue.deployment(record.submit.deployment or "")
    if deployment is None or record.submit.job_id is None:
        return
    outcome = await services.providers.adapter(deployment).cancel(record.submit.job_id)
    if outcome.kind is not Kind.ACCEPTED:
        # The provider deletes it by itself after 24 hours.
        log_event("upstream_not_deleted", video_id=record.id, code=outcome.code)
