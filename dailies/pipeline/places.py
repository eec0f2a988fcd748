"""Where a video is made, and what it needs of the quota there: one decision."""

from __future__ import annotations

from dailies.catalogue import Deployment
from dailies.engine import QuotaRequest, Step, done
from dailies.pipeline.pace import typical_seconds
from dailies.routing.choose import serving
from dailies.services import Services
from dailies.video.record import VideoRecord

__all__ = ["choose", "place_at", "quota_of", "submitted"]

_EXPIRED_FOR = 1.0


def choose(services: Services, record: VideoRecord) -> Deployment | None:
    """The deployment that is to make the video: the first that serves it and is not retired.

    Where an earlier attempt is in doubt, only the deployment that it went to knows it by its key.
    """
    if record.submit.in_doubt:
        return services.catalogue.deployment(record.submit.deployment or "")
    for deployment in serving(services.catalogue, record.request):
        if deployment.name not in record.submit.retired:
            return deployment
    return None


def quota_of(services: Services, record: VideoRecord) -> QuotaRequest | None:
    """What the quota entity must know before this video may be submitted; None for no quota."""
    deployment = choose(services, record)
    return None if deployment is None else place_at(services, record, deployment)


def place_at(
    services: Services, record: VideoRecord, deployment: Deployment
) -> QuotaRequest | None:
    """What the deployment's quota is asked for the video; None where it needs no place."""
    settings, quota = services.settings, deployment.quota
    if not settings.enforce_quota:
        return None
    if quota.requests_per_minute is None and quota.concurrent is None:
        return None
    place: QuotaRequest = {
        "deployment": deployment.name,
        "per_window": quota.requests_per_minute,
        "window_seconds": settings.quota_window_seconds,
        "concurrent": quota.concurrent,
        "typical_seconds": typical_seconds(services, record, deployment),
        "lease_seconds": settings.video_deadline_seconds * 1.5,
        "owner": record.owner,
        "weight": settings.weight_of(record.owner),
        "priority": record.priority.value,
    }
    if record.expires_at is not None:
        # It is let through to be ended, so surely after it has expired by this clock.
        place["expires_at"] = record.expires_at + _EXPIRED_FOR
    return place


def submitted(services: Services, record: VideoRecord | None, after: float = 0.0) -> Step:
    """Done; the job holds the quota of its deployment, if that has one."""
    name = None if record is None else record.submit.deployment
    deployment = services.catalogue.deployment(name or "")
    if record is None or deployment is None or place_at(services, record, deployment) is None:
        return done(after)
    return {**done(after), "deployment": name}
