"""How long things take, and when to look again, in seconds of our clock."""

from __future__ import annotations

from dailies.catalogue import Deployment
from dailies.pipeline.polling import next_wait
from dailies.pipeline.submission import callback_url
from dailies.services import Services
from dailies.video.record import VideoRecord

__all__ = ["poll_wait", "typical_seconds"]

_BACK_UP = 0.8
"""Between looks at a job whose end we are told of: a part of what it usually takes or has taken."""


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
    """Seconds until the next look at the job, by the schedule of ``dailies.pipeline.polling``.

    A provider that calls us wakes the video by itself: looks only make up for a call that is lost.
    """
    settings = services.settings
    submitted = record.submit.submitted_at
    elapsed = 0.0 if submitted is None else services.clock() - submitted
    typical = typical_seconds(services, record, deployment)
    if callback_url(services, record, deployment) is not None:
        wait = max(_BACK_UP * max(typical, elapsed), settings.poll_min_seconds, retry_after or 0)
        return max(min(wait, settings.video_deadline_seconds - elapsed), 0.0)
    return next_wait(
        elapsed,
        record.sightings,
        typical_seconds=typical,
        minimum=settings.poll_min_seconds,
        maximum=settings.poll_max_seconds,
        retry_after=retry_after,
        deadline=settings.video_deadline_seconds,
    )
