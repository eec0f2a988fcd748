"""What a step works on: the video's record and, once it has a job, where that is."""

from __future__ import annotations

from dataclasses import dataclass

from dailies.catalogue import Deployment
from dailies.engine import Step, VideoRef, done, stop, wait
from dailies.pipeline.cancel import cancel_upstream
from dailies.pipeline.endings import CANCELLED, deployment_removed
from dailies.providers.base import VideoProvider
from dailies.services import Services
from dailies.video.record import VideoRecord

__all__ = ["JobWork", "is_overdue", "load_job"]


@dataclass(frozen=True, slots=True)
class JobWork:
    """A video that has a job at a provider and has not ended."""

    record: VideoRecord
    job_id: str
    deployment: Deployment
    provider: VideoProvider


async def load_job(services: Services, video: VideoRef) -> JobWork | Step:
    """The video's job; or what the step comes to, as there is nothing to do about it any more.

    A job that is to be cancelled is, and asked for again while the provider can't be told.
    """
    record = await services.records.get(video["owner"], video["id"])
    if record is None or record.is_final:
        return done()
    deployment = services.catalogue.deployment(record.submit.deployment or "")
    if record.submit.job_id is None or deployment is None:
        return deployment_removed(record)
    if record.cancel_requested:
        if not await cancel_upstream(services, record) and not is_overdue(services, record):
            return wait(services.settings.retry_seconds)
        return stop(CANCELLED)
    provider = services.providers.adapter(deployment)
    return JobWork(record, record.submit.job_id, deployment, provider)


def is_overdue(services: Services, record: VideoRecord) -> bool:
    """Whether the time is over in which the job renders, or its files can be had, by our clock."""
    now, deadline = services.clock(), services.settings.video_deadline_seconds
    if record.rendered_at is None:
        return now - (record.submit.submitted_at or record.created_at) > deadline
    return now > max(record.upstream_expires_at or 0, record.rendered_at + deadline)
