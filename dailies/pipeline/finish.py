"""End a video: exactly one terminal state, whoever asks and however often."""

from __future__ import annotations

from dailies.engine import FinishRequest, Step, VideoRef, done
from dailies.pipeline import metrics
from dailies.pipeline.costs import cost_of, may_go_on
from dailies.pipeline.endings import CANCELLED, answer_fields
from dailies.pipeline.generation import tell_generation
from dailies.pipeline.judge import WITHHELD
from dailies.pipeline.remove import discard_if_unwanted
from dailies.providers.error_text import readable
from dailies.providers.outcomes import Kind
from dailies.services import Services
from dailies.telemetry.logs import log_event
from dailies.video.basics import Phase, Variant, VideoError
from dailies.video.record import VideoRecord

__all__ = ["finish_video"]


async def finish_video(services: Services, video: FinishRequest) -> Step:
    """Write the terminal state, once; an ended video stays as it is.

    A video without its file is never ``completed``, whatever was asked, and neither is one that
    its owner has cancelled. The sweeper looks after a job that may go on, and is paid for.
    """
    now = services.clock()
    error = video.get("error")
    cause = VideoError(error["code"], error["message"]) if error else None
    ended_before = False
    if cause is not None:
        await _remind_of_job(services, video)

    def ended(current: VideoRecord) -> VideoRecord:
        nonlocal ended_before
        ended_before = current.is_final
        if ended_before:
            return current
        reason = CANCELLED if current.cancel_requested else cause
        if reason is None and Variant.VIDEO not in current.files:
            reason = VideoError("internal_error", "The video's file is missing. Create it again.")
        cost = cost_of(services, current)
        if reason is not None:
            failed = current.failed(reason, now, cost.usd, cost_is_estimate=cost.is_estimate)
            is_withheld = reason.code in WITHHELD
            if failed.phase is Phase.CANCELLED or is_withheld:
                return failed.model_copy(update={"files": {}, "generations": ()})
            return failed
        return current.moved_to(Phase.DONE, progress=100, completed_at=now, cost_usd=cost.usd)

    record = await services.records.update(video["owner"], video["id"], ended)
    if record is not None and not ended_before:
        metrics.video_ended(record)
        tell_generation(record, with_prompt=services.settings.telemetry_prompts)
    await discard_if_unwanted(services, video["id"], record)
    if record is None:
        return done()
    log_event(
        "video_ended",
        video_id=record.id,
        owner=record.owner,
        model=record.request.model,
        phase=record.phase,
        code=record.error.code if record.error else None,
        reason=readable(record.error.message, record.request.prompt) if record.error else None,
        seconds_taken=round(now - record.created_at, 3),
        cost_usd=record.cost_usd,
        cost_is_estimate=record.cost_is_estimate,
    )
    if services.settings.delete_upstream:
        await _delete_upstream(services, record)
    return done()


async def _remind_of_job(services: Services, video: VideoRef) -> None:
    """Let the sweeper look after a job that may go on though its video ends.

    Before the video has ended: afterwards nobody might come to do it.
    """
    record = await services.records.get(video["owner"], video["id"])
    if record is not None and not record.is_final and may_go_on(record):
        await services.records.open.remind(record.id, record.owner)


async def _delete_upstream(services: Services, record: VideoRecord) -> None:
    deployment = services.catalogue.deployment(record.submit.deployment or "")
    if deployment is None or record.submit.job_id is None:
        return
    outcome = await services.providers.adapter(deployment).cancel(record.submit.job_id)
    if outcome.kind is not Kind.ACCEPTED:
        # Where the provider keeps it for a time only, it deletes it by itself.
        log_event(
            "upstream_not_deleted",
            video_id=record.id,
            **answer_fields(outcome, record.request.prompt),
        )
        return
    now = services.clock()
    await services.records.update(
        record.owner,
        record.id,
        lambda current: current.model_copy(update={"upstream_expires_at": now}),
    )
