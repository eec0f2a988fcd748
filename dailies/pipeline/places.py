"""Where a video is made, and what it needs of the quota there: one decision."""

from __future__ import annotations

import math
from collections import Counter
from typing import NamedTuple

from dailies.catalogue import Deployment
from dailies.engine import QuotaRequest, Step, done
from dailies.pipeline.pace import typical_seconds
from dailies.providers.outcomes import Kind
from dailies.routing.breaker import Standing
from dailies.routing.choose import ranked
from dailies.routing.health import standing_of
from dailies.routing.lifecycle import is_over
from dailies.services import Services
from dailies.stores.health import State
from dailies.video.record import VideoRecord

__all__ = [
    "Choice",
    "choose",
    "held_place",
    "is_retired",
    "place_at",
    "quota_of",
    "submitted",
]

_FAULTS = frozenset({Kind.TRANSIENT.value, Kind.UNKNOWN.value})
_MOST_OWN_FAULTS = 3
# A job that is under way when its deployment goes is lost, and paid for.
_RENDERS_BEFORE_RETIREMENT = 2

_EXPIRED_FOR = 1.0


class Choice(NamedTuple):
    """Where a video is to be made; ``wait`` is how many seconds from now, 0 at once. ``is_trial``:
    only one video may be sent there now, to see whether it works again."""

    deployment: Deployment
    wait: float = 0.0
    is_trial: bool = False


def choose(services: Services, record: VideoRecord, placed: str | None = None) -> Choice | None:
    """The deployment that is to make the video: by the model's routing the first that is well.

    Where none is, the one that can be tried first; where nothing can but what needs an operator,
    that: its answer says what is wrong. None where nothing is left. Where an earlier attempt is in
    doubt, only the deployment that it went to knows it by its key.

    Args:
        placed: the deployment at which the video has a place, which no forecast outweighs.
    """
    if record.submit.in_doubt:
        same = services.catalogue.deployment(record.submit.deployment or "")
        return None if same is None else Choice(same)
    left = [
        (each, standing_of(services, each, record.id))
        for each in _ranked(services, record, placed)
        if each.name not in (*record.submit.retired, *record.submit.ruled_out)
        and not _retires_too_soon(services, record, each)
    ]
    tired = _tired(record)
    # Of those that are equal, ``min`` takes the first.
    found = min(
        ((each, standing) for each, standing in left if standing.state is not State.GONE),
        key=lambda pair: _reluctance(pair[1], is_tired=pair[0].name in tired),
        default=None,
    )
    if found is None:
        return None
    deployment, standing = found
    wait = 0.0 if standing.state is State.SHUT else standing.wait
    return Choice(deployment, wait, standing.is_trial)


def _reluctance(standing: Standing, *, is_tired: bool) -> tuple[int, float]:
    if standing.wait <= 0:
        return (1 if is_tired else 0), 0.0
    return (3, 0.0) if standing.state is State.SHUT else (2, standing.wait)


def _tired(record: VideoRecord) -> set[str]:
    """The deployments that have failed on this very video so often that another is worth a try,
    however they fare with others."""
    faults = Counter[str]()
    for attempt in record.submit.way:
        if attempt.outcome in _FAULTS:
            faults[attempt.deployment] += attempt.times
    return {name for name, number in faults.items() if number >= _MOST_OWN_FAULTS}


def _ranked(services: Services, record: VideoRecord, placed: str | None = None) -> list[Deployment]:
    def completion(deployment: Deployment) -> float:
        if deployment.name == placed:
            return -math.inf
        wait = services.waits.seconds(deployment.name) or 0.0
        return wait + typical_seconds(services, record, deployment)

    return ranked(services.catalogue, record.request, record.id, completion)


def is_retired(services: Services, record: VideoRecord) -> bool:
    """Whether a deployment that could make the video was retired."""
    return bool(record.submit.retired) or any(
        standing_of(services, each, record.id).state is State.GONE
        or _retires_too_soon(services, record, each)
        for each in _ranked(services, record)
    )


def _retires_too_soon(services: Services, record: VideoRecord, deployment: Deployment) -> bool:
    """Whether a job that is sent there now might not be done before it retires."""
    render = _RENDERS_BEFORE_RETIREMENT * typical_seconds(services, record, deployment)
    return is_over(services, deployment, services.clock() + render)


def quota_of(services: Services, record: VideoRecord) -> QuotaRequest | None:
    """What the quota entity must know before this video may be submitted; None for no quota."""
    choice = choose(services, record)
    if choice is None or choice.wait > 0:
        return None
    return place_at(services, record, choice.deployment)


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
        "weight": max(settings.weight_of(record.owner), record.weight or 1),
        "priority": record.priority.value,
    }
    if record.expires_at is not None:
        # It is let through to be ended, so surely after it has expired by this clock.
        place["expires_at"] = record.expires_at + _EXPIRED_FOR
    return place


def held_place(services: Services, record: VideoRecord) -> str | None:
    """The deployment whose quota the video's job holds, if that has one."""
    name = record.submit.deployment
    deployment = services.catalogue.deployment(name or "")
    if deployment is None or place_at(services, record, deployment) is None:
        return None
    return name


def submitted(services: Services, record: VideoRecord | None, after: float = 0.0) -> Step:
    """Done; the job holds the quota of its deployment, if that has one."""
    holder = None if record is None else held_place(services, record)
    return done(after) if holder is None else {**done(after), "deployment": holder}
