"""Videos that wait for a place at a deployment that does not work, though another one does.

By itself a video learns of it when it gets a place, and places open as slowly as the deployment's
quota is small. So the sweep wakes some of those that wait there, the longest first: each then goes
where the choice now falls, and keeps the time since which it waits.
"""

from __future__ import annotations

import heapq
import itertools
import logging
from collections.abc import Iterator

from dailies.catalogue import Deployment
from dailies.engine import WAKE_EVENT, Orchestrations
from dailies.routing import health
from dailies.routing.lane_state import Lane
from dailies.routing.lifecycle import is_over
from dailies.services import Services
from dailies.stores.health import State
from dailies.telemetry.logs import log_event

__all__ = ["MOST_WOKEN", "wake_stranded"]

MOST_WOKEN = 200
"""At each deployment, in one sweep; each costs two requests to the engine and a step."""


async def wake_stranded(services: Services, orchestrations: Orchestrations) -> int:
    """Wake those that another deployment may serve; gives their number."""
    await health.refresh(services)
    woken = 0
    for deployment in _left_for_others(services):
        try:
            woken += await _wake(orchestrations, deployment)
        except Exception as error:  # noqa: BLE001 - the durable client raises bare Exceptions
            log_event(
                "lane_unreadable",
                level=logging.WARNING,
                deployment=deployment.name,
                reason=type(error).__name__,
            )
    return woken


def _left_for_others(services: Services) -> Iterator[Deployment]:
    """Each deployment that does not work, where one does that may serve in its place."""
    catalogue = services.catalogue
    for model in catalogue.models.values():
        lineage = [each for other in catalogue.lineage(model) for each in other.deployments]
        if any(_works(services, each) for each in lineage):
            yield from (each for each in model.deployments if not _works(services, each))


def _works(services: Services, deployment: Deployment) -> bool:
    standing = health.standing_of(services, deployment, video="")
    return standing.state is State.WELL and not is_over(services, deployment, services.clock())


async def _wake(orchestrations: Orchestrations, deployment: Deployment) -> int:
    state = await orchestrations.lane(deployment.name)
    if state is None:
        return 0
    waiting = itertools.chain.from_iterable(Lane.read(state).queue.values())
    longest = heapq.nsmallest(MOST_WOKEN, waiting, key=lambda entry: entry.since)
    for entry in longest:
        await orchestrations.raise_event(entry.video, WAKE_EVENT)
    if longest:
        log_event("videos_rerouted", deployment=deployment.name, woken=len(longest))
    return len(longest)
