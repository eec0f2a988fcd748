"""Ask how the upstream job is doing, and say when to ask again."""

from __future__ import annotations

from dailies.catalogue import Deployment
from dailies.engine import Step, VideoRef, done, stop, wait
from dailies.pipeline import metrics
from dailies.pipeline.cancel import READABLE_AFTER, cancel_upstream
from dailies.pipeline.endings import answer_fields, timed_out
from dailies.pipeline.pace import poll_wait
from dailies.pipeline.work import JobWork, is_overdue, load_job
from dailies.providers.classify import Call, kept_words
from dailies.providers.error_text import readable
from dailies.providers.outcomes import JobStatus, Kind, Outcome, UpstreamJob
from dailies.routing import health
from dailies.services import Services
from dailies.telemetry.logs import log_event
from dailies.video.basics import Phase, VideoError
from dailies.video.record import GeneratedVideo, JobEnd, VideoRecord

__all__ = ["check_video"]

_LONGEST_EMPTY = 60.0
"""Seconds that a job may be done and without a video, before that is its end."""


async def check_video(services: Services, video: VideoRef) -> Step:
    """Poll once. Done when the render is complete; stops on every way in which it can't be."""
    work = await load_job(services, video)
    if not isinstance(work, JobWork):
        return work
    record = work.record
    if record.rendered_at is not None:
        return done()
    outcome = await work.provider.status(work.job_id)
    job = outcome.job
    log_event(
        "job_checked",
        video_id=record.id,
        deployment=work.deployment.name,
        job_id=work.job_id,
        status=job.status if job else None,
        progress=job.progress if job else None,
        failure=job.error_code if job else None,
        **answer_fields(outcome, record.request.prompt),
    )
    await health.saw(services, work.deployment, Call.STATUS, outcome, record.id)
    step = await _judge(services, record, work.deployment, outcome)
    if step["kind"] == "wait" and is_overdue(services, record):
        await cancel_upstream(services, record)
        return timed_out(services, record)
    return step


async def _judge(
    services: Services, record: VideoRecord, deployment: Deployment, outcome: Outcome
) -> Step:
    settings = services.settings
    match outcome.kind:
        case Kind.ACCEPTED if outcome.job is not None:
            return await _follow(services, record, deployment, outcome.job, outcome.retry_after)
        case Kind.MISSING:
            age = services.clock() - (record.submit.submitted_at or 0)
            if age < READABLE_AFTER * settings.typical_render_scale:
                return wait(settings.poll_min_seconds)
            return stop(_vanished(deployment))
        case Kind.RETIRED:
            return stop(
                VideoError(
                    outcome.code or "model_retired",
                    outcome.message or "The provider no longer answers for this job.",
                )
            )
        case _:
            # The render is paid for: a missing role, an outage or an odd answer is waited out, to
            # the deadline.
            return wait(max(outcome.retry_after or 0, settings.poll_max_seconds))


async def _follow(
    services: Services,
    record: VideoRecord,
    deployment: Deployment,
    job: UpstreamJob,
    retry_after: float | None,
) -> Step:
    now = services.clock()
    match job.status:
        case JobStatus.COMPLETED:

            def rendered(current: VideoRecord) -> VideoRecord:
                return current.moved_to(Phase.ARCHIVING).model_copy(
                    update={
                        "rendered_at": current.rendered_at or now,
                        "upstream_expires_at": job.expires_at,
                        "generations": current.generations
                        or tuple(GeneratedVideo(id=made) for made in job.generations),
                        "progress": max(current.progress, 99),
                        "submit": _charged(current, job).submit,
                    }
                )

            await services.records.update(record.owner, record.id, rendered)
            if job.completed_at is not None:
                metrics.render_detected(record, now - job.completed_at)
            return done()
        case JobStatus.FAILED if job.is_done_for_nothing and not _is_empty_for_good(
            services, record
        ):
            await services.records.update(
                record.owner,
                record.id,
                lambda current: current.with_submit(empty_since=current.submit.empty_since or now),
            )
            return wait(retry_after or services.settings.poll_min_seconds)
        case JobStatus.FAILED | JobStatus.CANCELLED | JobStatus.EXPIRED:
            # A provider's message may repeat the prompt, which has no place in errors and events.
            why = readable(job.error_message or "", record.request.prompt)
            await services.records.update(
                record.owner,
                record.id,
                lambda current: _charged(current, job).with_submit(
                    job_end=JobEnd.COMPLETED if job.is_done_for_nothing else JobEnd.FAILED,
                    failure_reason=job.failure_reason,
                ),
            )
            return stop(
                VideoError(
                    job.error_code or f"job_{job.status.value}",
                    why or "The provider gave no reason; create the video again.",
                )
            )
    watched: VideoRecord | None = record
    if record.progressed(job.progress, now) != record:
        watched = await services.records.update(
            record.owner, record.id, lambda current: current.progressed(job.progress, now)
        )
    return wait(poll_wait(services, watched or record, deployment, retry_after=retry_after))


def _is_empty_for_good(services: Services, record: VideoRecord) -> bool:
    """Whether a job that is done has given no video for so long that it is not just late with it:
    it is paid for, and one odd answer must not end it."""
    since = record.submit.empty_since
    longest = _LONGEST_EMPTY * services.settings.typical_render_scale
    return since is not None and services.clock() - since >= longest


def _charged(record: VideoRecord, job: UpstreamJob) -> VideoRecord:
    """The record with what the provider says that the job costs, if it says so."""
    return record if job.cost_usd is None else record.with_submit(charged_usd=job.cost_usd)


def _vanished(deployment: Deployment) -> VideoError:
    kept = deployment.kept_seconds
    over = f", or its {kept_words(kept)} are over" if kept is not None else ""
    return VideoError(
        "job_vanished",
        f"The provider no longer knows the job: it was deleted there{over}. "
        "Create the video again.",
    )
