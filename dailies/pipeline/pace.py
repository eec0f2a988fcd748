"""How long things take, and when to look again, in seconds of our clock."""

from __future__ import annotations

from dailies.catalogue import Deployment
from dailies.pipeline.polling import next_wait
from dailies.services import Services
from dailies.video.record import VideoRecord

__all__ = ["poll_wait", "typical_seconds"]


def typical_seconds(services: Services, record: VideoRecord, deployment: Deployment) -> float:
    """How long this video's render usually takes, in seconds of our clock."""
    usual = deployment.typical_seconds(record.request.size, record.request.seconds)
    return usual * services.settings.typical_render_scale


def poll_wait(
    services: Services,
    record: VideoRecord,
    deployment: Deployment,
    *,
    retry_after: float | None = None,
) -> float:
    """Seconds until the next look at the job, by the schedule of ``dailies.pipeline.polling``."""
    settings = services.settings
    submitted = record.submit.submitted_at
    return next_wait(
        0.0 if submitted is None else services.clock() - submitted,
        record.sightings,
        typical_seconds=typical_seconds(services, record, deployment),
        minimum=settings.poll_min_seconds,
        maximum=settings.poll_max_seconds,
        retry_after=retry_after,
        deadline=settings.video_deadline_seconds,
    )
