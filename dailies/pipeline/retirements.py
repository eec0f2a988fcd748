"""Warn of retirements: by a log line and an event, 30, 7 and 1 days before.

Each warning is given once; a timer that comes late gives the one that is due by then.
"""

from __future__ import annotations

import logging
from datetime import UTC, date, datetime

from azure.core.exceptions import AzureError

from dailies.announce.retiring import retiring_event
from dailies.catalogue import Deployment, Model
from dailies.routing import health
from dailies.routing.breaker import place_of
from dailies.routing.lifecycle import is_over, retirement_of
from dailies.services import Services
from dailies.stores.health import Retirement
from dailies.telemetry.logs import log_event

__all__ = ["WARNING_DAYS", "warn_of_retirements"]

WARNING_DAYS = (30, 7, 1)


async def warn_of_retirements(services: Services) -> None:
    """Ask providers when deployments retire, and give the warnings that are due today.

    Raises:
        azure.core.exceptions.AzureError: the topic or storage does not answer; come again.
    """
    await health.refresh(services, now=True)
    await _ask_provider(services)
    for model in services.catalogue.models.values():
        for deployment in model.deployments:
            day = retirement_of(services, deployment)
            if day is not None:
                await _warn(services, model, deployment, day)


async def _ask_provider(services: Services) -> None:
    """Remember what is told now; who does not answer is asked again tomorrow."""
    if services.lifecycles is None:
        return
    try:
        told = await services.lifecycles.read()
    except AzureError as error:
        log_event("lifecycle_not_read", level=logging.WARNING, fault=error)
        return
    for deployment in services.catalogue.deployments:
        day, known = told.retires(deployment), _known(services, deployment)
        if day != known.read:
            now = known.model_copy(update={"read": day})
            await services.health.remember_retirement(deployment.name, now)


def _known(services: Services, deployment: Deployment) -> Retirement:
    place = place_of(deployment)
    known = services.health.retiring.get(deployment.name)
    return known if known is not None and known.place == place else Retirement(place=place)


async def _warn(services: Services, model: Model, deployment: Deployment, day: date) -> None:
    now = services.clock()
    days_left = (day - datetime.fromtimestamp(now, UTC).date()).days
    due = min((days for days in WARNING_DAYS if days_left <= days), default=None)
    if due is None or days_left < 0:
        return
    known, mark = _known(services, deployment), f"{day}/{due}"
    if mark in known.told:
        return
    left = [
        each.name
        for other in services.catalogue.lineage(model)
        for each in other.deployments
        if each != deployment and not is_over(services, each, now + days_left * 86_400)
    ]
    log_event(
        "deployment_retiring",
        level=logging.WARNING,
        deployment=deployment.name,
        model=model.name,
        provider=deployment.provider,
        retires_at=day,
        days_left=days_left,
        left=left,
        remedy="Its videos go to what is left."
        if left
        else "Nothing is left that makes its videos: put another deployment or a fallback into "
        "the catalogue.",
    )
    await services.events.publish(
        retiring_event(
            model=model.name,
            deployment=deployment.name,
            provider=deployment.provider,
            retires_at=day,
            warning_days=due,
            left=left,
            source=services.settings.event_source,
            now=now,
        )
    )
    told = known.model_copy(update={"told": (*known.told, mark)[-len(WARNING_DAYS) :]})
    await services.health.remember_retirement(deployment.name, told)
