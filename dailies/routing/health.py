"""How deployments fare, as all instances of the app see it: what steps tell, and what they ask.

What is remembered steers, and never costs a video: where the table can't be read or written, the
app goes by what it knew.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from azure.core.exceptions import AzureError
from opentelemetry.metrics import Counter, Meter

from dailies.catalogue import Deployment
from dailies.providers.classify import Call
from dailies.providers.outcomes import Outcome
from dailies.providers.verdicts import Verdict, verdict_of
from dailies.routing import breaker
from dailies.routing.breaker import Breaker, Standing, place_of
from dailies.services import Services
from dailies.stores.health import DeploymentHealth, HealthFault, State
from dailies.telemetry.logs import log_event
from dailies.telemetry.providers import meter

__all__ = ["begin_trial", "forget", "refresh", "rules_of", "saw", "standing_of"]

_KEPT_SECONDS = 10.0
"""For how long a process goes by what it has read; never for long beside the breaker's pause."""
_PAUSES = 3
_TRIAL_TIMEOUTS = 2


def rules_of(services: Services) -> Breaker:
    """The breaker's settings."""
    settings = services.settings
    return Breaker(
        faults=settings.breaker_faults,
        window=settings.breaker_window_seconds,
        pause=settings.breaker_pause_seconds,
        # Whoever tries finds out by then, or is not there any more.
        trial=_TRIAL_TIMEOUTS * settings.submit_timeout_seconds,
    )


async def refresh(services: Services, *, now: bool = False) -> None:
    """See what other instances have seen meanwhile: at once, or if that was not done just now."""
    after = min(_KEPT_SECONDS, services.settings.breaker_pause_seconds / _PAUSES)
    after = 0.0 if now else after
    async with _never_in_the_way():
        await services.health.refresh(services.clock(), after=after)


def standing_of(services: Services, deployment: Deployment, video: str) -> Standing:
    """How the deployment stands for a video, by what was last read."""
    known = services.health.known.get(deployment.name)
    return breaker.standing(known, deployment, video, services.clock(), rules_of(services))


async def begin_trial(services: Services, deployment: Deployment, video: str) -> bool:
    """Whether this video is the one that tries whether the deployment works again."""
    now, rules = services.clock(), rules_of(services)
    async with _never_in_the_way():
        _, after = await services.health.update(
            deployment.name, lambda health: breaker.after_trial_began(health, video, now, rules)
        )
        return after is None or after.state is State.WELL or after.trial == video
    return True


async def saw(
    services: Services, deployment: Deployment, call: Call, outcome: Outcome, video: str
) -> None:
    """Remember what an answer says of the deployment, if it says something new."""
    now, rules, place = services.clock(), rules_of(services), place_of(deployment)
    reads = call not in (Call.CREATE, Call.DERIVE)
    code, remedy = outcome.code, outcome.remedy
    change: Callable[[DeploymentHealth | None], DeploymentHealth | None]
    match verdict_of(call, outcome):
        case Verdict.NOTHING:
            return
        case Verdict.WORKS:

            def change(health: DeploymentHealth | None) -> DeploymentHealth | None:
                return breaker.after_success(health, place, reads=reads)
        case Verdict.FAULT:
            fault = HealthFault(at=now, video=video, reads=reads)

            def change(health: DeploymentHealth | None) -> DeploymentHealth | None:
                return breaker.after_fault(health, place, fault, code, rules)
        case Verdict.SHUT:

            def change(health: DeploymentHealth | None) -> DeploymentHealth | None:
                return breaker.shut(health, place, now, code, remedy, rules)
        case Verdict.GONE:

            def change(health: DeploymentHealth | None) -> DeploymentHealth | None:
                return breaker.gone(health, place, now, code, remedy)

    known = services.health.known.get(deployment.name)
    if change(known) == known:
        return
    async with _never_in_the_way():
        before, after = await services.health.update(deployment.name, change)
        _tell(deployment, before, after)


async def forget(services: Services, name: str) -> None:
    """An operator says that a deployment works again."""
    before, _ = await services.health.update(name, lambda _health: None)
    log_event("deployment_reset", deployment=name, state=before.state if before else State.WELL)


def _tell(
    deployment: Deployment, before: DeploymentHealth | None, after: DeploymentHealth | None
) -> None:
    """Log and count a change of state; a trial that came to nothing changes none."""
    was = State.WELL if before is None else before.state
    now = State.WELL if after is None else after.state
    if was is now:
        return
    about: dict[str, Any] = {
        "deployment": deployment.name,
        "provider": deployment.provider,
        "code": None if after is None else after.code,
        "remedy": None if after is None else after.remedy,
        "was": was,
    }
    match now:
        case State.WELL:
            log_event("deployment_well", **about)
        case State.RESTING:
            log_event("deployment_resting", level=logging.WARNING, **about)
        # Only an operator can do something about these.
        case State.SHUT:
            log_event("deployment_shut", level=logging.ERROR, **about)
        case State.GONE:
            log_event("deployment_gone", level=logging.ERROR, **about)
    counted = {"dailies.deployment": deployment.name, "dailies.health": now.value}
    _changes(meter()).add(1, counted)


@functools.lru_cache(maxsize=1)
def _changes(source: Meter) -> Counter:
    return source.create_counter(
        "dailies.health.changes", "{change}", "Deployments that were found well, or not."
    )


@asynccontextmanager
async def _never_in_the_way() -> AsyncIterator[None]:
    try:
        yield
    except AzureError as error:
        log_event("health_not_kept", level=logging.WARNING, fault=error)
