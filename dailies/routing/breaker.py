"""When a deployment is left alone, and when it is tried again: pure rules over its health.

Faults in a row, of more videos than one, open the breaker: the deployment *rests*. After a pause
one video tries it; what that meets closes the breaker, or opens it for twice as long. Faults of one
video alone open nothing: what it asks for may be what the provider fails on.

What is *shut* is tried in the same way, after a longer pause. What is *gone* stays gone, until the
deployment is another one or an operator says so.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from dailies.catalogue import Deployment
from dailies.stores.health import DeploymentHealth, HealthFault, State

__all__ = [
    "Breaker",
    "Standing",
    "after_fault",
    "after_success",
    "after_trial_began",
    "gone",
    "place_of",
    "shut",
    "standing",
]

_MOST_DOUBLINGS = 4
# In pauses: a missing role or credit is mended by a person.
_SHUT_PAUSES = 10


@dataclass(frozen=True, slots=True)
class Breaker:
    """Its settings; times are seconds.

    Attributes:
        faults: how many in a row open it.
        window: within which they must lie.
        pause: until the first trial; it doubles with each that comes to nothing.
        trial: how long one may take.
    """

    faults: int
    window: float
    pause: float
    trial: float


@dataclass(frozen=True, slots=True)
class Standing:
    """What a deployment's health means for a video now.

    Attributes:
        state: what is thought of it.
        wait: seconds after which it is worth asking again; 0 where something may be sent now.
        is_trial: only one video may send now, and has to say so first.
    """

    state: State
    wait: float = 0.0
    is_trial: bool = False


def place_of(deployment: Deployment) -> str:
    """Tells whether a deployment is still at the place that something is remembered of."""
    parts = (deployment.provider, deployment.endpoint or "", deployment.deployment)
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def standing(
    health: DeploymentHealth | None, deployment: Deployment, video: str, now: float, rules: Breaker
) -> Standing:
    """How the deployment stands for a video."""
    if health is None or health.place != place_of(deployment):
        return Standing(State.WELL)
    if health.state is State.GONE:
        return Standing(State.GONE)
    if health.state is State.WELL:
        return Standing(State.WELL)
    if (left := (health.until or now) - now) > 0:
        return Standing(health.state, left)
    if health.trial is not None and health.trial != video:
        left = (health.trial_until or now) - now
        if left > 0:
            # It is over as soon as the provider answers, which is sooner than it may take.
            return Standing(health.state, min(left, rules.pause / 2))
    return Standing(health.state, is_trial=True)


def after_fault(
    health: DeploymentHealth | None,
    place: str,
    fault: HealthFault,
    code: str | None,
    rules: Breaker,
) -> DeploymentHealth:
    """What is remembered after a call that the deployment failed on."""
    health = _here(health, place)
    now = fault.at
    if health.state is State.GONE:
        return health
    if health.state is not State.WELL:
        # Those that were sent before it opened say nothing new.
        return health if now < (health.until or now) else _opened(health, now, code, rules)
    faults = (*_recent(health, now, rules), fault)[-rules.faults :]
    told = health.model_copy(update={"faults": faults, "code": code})
    if len(faults) < rules.faults or len({each.video for each in faults}) == 1:
        return told
    return _opened(told, now, code, rules)


def after_success(
    health: DeploymentHealth | None, place: str, *, reads: bool
) -> DeploymentHealth | None:
    """What is remembered after a call that worked: most often nothing any more."""
    if health is None or health.place != place or health.state is State.GONE:
        return health
    if health.state is State.WELL:
        left = tuple(fault for fault in health.faults if fault.reads is not reads)
        return health.model_copy(update={"faults": left}) if left else None
    # That jobs can be read does not say that they can be created.
    by_reads = health.state is State.RESTING and all(fault.reads for fault in health.faults)
    return None if not reads or by_reads else health


def after_trial_began(
    health: DeploymentHealth | None, video: str, now: float, rules: Breaker
) -> DeploymentHealth | None:
    """What is remembered when the video is the one that tries; the same where another does."""
    if health is None or health.state not in (State.RESTING, State.SHUT):
        return health
    others = health.trial not in (None, video) and now < (health.trial_until or 0)
    if others or now < (health.until or 0):
        return health
    return health.model_copy(update={"trial": video, "trial_until": now + rules.trial})


def shut(
    health: DeploymentHealth | None,
    place: str,
    now: float,
    code: str | None,
    remedy: str | None,
    rules: Breaker,
) -> DeploymentHealth:
    """What is remembered of a deployment that is of no use to anybody until it is mended."""
    health = _here(health, place)
    if health.state is State.GONE or (health.state is State.SHUT and now < (health.until or now)):
        return health
    return health.model_copy(
        update={
            "state": State.SHUT,
            "since": health.since or now,
            "until": now + _SHUT_PAUSES * rules.pause,
            "code": code,
            "remedy": remedy,
            "trial": None,
        }
    )


def gone(
    health: DeploymentHealth | None, place: str, now: float, code: str | None, remedy: str | None
) -> DeploymentHealth:
    """What is remembered of a deployment that its provider has retired."""
    health = _here(health, place)
    if health.state is State.GONE:
        return health
    return DeploymentHealth(place=place, state=State.GONE, since=now, code=code, remedy=remedy)


def _here(health: DeploymentHealth | None, place: str) -> DeploymentHealth:
    stays = health is not None and health.place == place
    return health if health is not None and stays else DeploymentHealth(place=place)


def _recent(health: DeploymentHealth, now: float, rules: Breaker) -> tuple[HealthFault, ...]:
    return tuple(fault for fault in health.faults if fault.at > now - rules.window)


def _opened(
    health: DeploymentHealth, now: float, code: str | None, rules: Breaker
) -> DeploymentHealth:
    shut_before = health.state is State.SHUT
    pause = rules.pause * 2 ** min(health.openings, _MOST_DOUBLINGS)
    return health.model_copy(
        update={
            "state": health.state if shut_before else State.RESTING,
            "since": health.since or now,
            "until": now + pause,
            "code": health.code if shut_before else code,
            "openings": health.openings + 1,
            "trial": None,
            "trial_until": None,
        }
    )
