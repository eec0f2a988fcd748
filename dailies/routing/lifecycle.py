"""When deployments retire: until when one may be asked for a video."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

from dailies.catalogue import Deployment
from dailies.routing.breaker import place_of
from dailies.services import Services

__all__ = ["is_over", "retirement_of"]


def retirement_of(services: Services, deployment: Deployment) -> date | None:
    """The day from which nothing is made there any more: the catalogue's, or that which the
    provider told, whichever comes first. None where nobody knows of one."""
    told = services.health.retiring.get(deployment.name)
    is_here = told is not None and told.place == place_of(deployment)
    days = (deployment.retires_at, told.read if told is not None and is_here else None)
    return min((day for day in days if day is not None), default=None)


def is_over(services: Services, deployment: Deployment, at: float) -> bool:
    """Whether the deployment is retired at that time, in Unix seconds; a day begins in UTC."""
    day = retirement_of(services, deployment)
    return day is not None and at >= datetime.combine(day, time(), UTC).timestamp()
