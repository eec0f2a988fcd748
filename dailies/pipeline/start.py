"""Starting the orchestration of an accepted video."""

from __future__ import annotations

from dailies.engine import GENERATE_VIDEO, GenerateInput, Orchestrations
from dailies.pipeline.expectation import hear_waits
from dailies.pipeline.places import quota_of
from dailies.routing import health
from dailies.services import Services
from dailies.telemetry import tracecontext
from dailies.video.record import VideoRecord

__all__ = ["generate_input", "start_video"]


def generate_input(services: Services, record: VideoRecord) -> GenerateInput:
    """What ``generate_video_v4`` needs to know of a video."""
    submit = record.submit
    return {
        "id": record.id,
        "owner": record.owner,
        "traceparent": record.traceparent,
        "restarts": record.restarts,
        "retry_seconds": services.settings.retry_seconds,
        "has_reference": record.request.needs_preparing,
        "quota": quota_of(services, record),
        "sent": submit.job_id is not None or submit.sending_since is not None,
    }


async def start_video(
    services: Services, orchestrations: Orchestrations, record: VideoRecord
) -> None:
    """Start the orchestration of an accepted video; its id is the video's own."""
    await health.refresh(services)
    await hear_waits(services, orchestrations, record, all_places=False)
    # Whoever starts it, and however late: the engine's own spans belong to the video's trace.
    with tracecontext.within(record.traceparent):
        await orchestrations.start(GENERATE_VIDEO, record.id, generate_input(services, record))
