"""What a video may expect: its place in the queue while it waits, and when it will be there."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass

from dailies.catalogue import Deployment
from dailies.engine import Orchestrations, QuotaRequest
from dailies.pipeline.pace import typical_seconds
from dailies.pipeline.places import choose, place_at
from dailies.pipeline.polling import estimated_total
from dailies.routing.choose import chosen_by_wait, serving
from dailies.routing.outlook import Outlook, Standing
from dailies.services import Services
from dailies.telemetry.logs import log_event
from dailies.video.basics import Phase
from dailies.video.record import VideoRecord

__all__ = ["NOTHING", "Expectation", "expectation", "hear_waits"]

_KEPT_SECONDS = 2.0
"""A lane is read this often at most, however many ask."""
_READ_SECONDS = 1.5
"""A retrieve waits no longer for a lane; it then answers without."""
_OVERDUE = 0.1
"""Of what has passed: what is still to come of one that takes longer than was thought."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """``standing`` of one that waits for a place, ``completion_at`` (Unix seconds) of one that has
    not ended; None where nobody can tell."""

    standing: Standing | None = None
    completion_at: float | None = None


NOTHING = Expectation()


async def expectation(
    services: Services, orchestrations: Orchestrations, record: VideoRecord
) -> Expectation:
    """What the video may expect. A lane that can't be read is no fault: less is told."""
    if record.is_final or record.cancel_requested:
        return NOTHING
    match record.phase:
        case Phase.ACCEPTED | Phase.WAITING:
            return await _waiting(services, orchestrations, record)
        case Phase.SUBMITTING | Phase.RENDERING:
            return _rendering(services, record)
        case Phase.ARCHIVING:
            return Expectation(completion_at=services.clock() + services.settings.poll_min_seconds)
        case _:
            return NOTHING


async def hear_waits(
    services: Services, orchestrations: Orchestrations, record: VideoRecord, *, all_places: bool
) -> None:
    """Learn how long this video would wait at each deployment that could make it.

    Args:
        all_places: also where the choice does not depend on it.
    """
    request = record.request
    if not (all_places or chosen_by_wait(services.catalogue, request)):
        return
    for deployment in serving(services.catalogue, request):
        asked = place_at(services, record, deployment)
        if asked is None:
            services.waits.heard(deployment.name, 0.0)
            continue
        outlook = await _outlook(services, orchestrations, asked)
        if outlook is not None:
            standing = outlook.standing(asked, record.id, record.created_at)
            services.waits.heard(deployment.name, standing.eta_seconds)


async def _waiting(
    services: Services, orchestrations: Orchestrations, record: VideoRecord
) -> Expectation:
    choice = choose(services, record)
    if choice is None:
        return NOTHING
    deployment, now = choice.deployment, services.clock() + choice.wait
    request = place_at(services, record, deployment)
    if request is None:
        return Expectation(completion_at=now + typical_seconds(services, record, deployment))
    outlook = await _outlook(services, orchestrations, request)
    if outlook is None:
        return NOTHING
    standing = outlook.standing(request, record.id, record.created_at)
    return Expectation(
        standing=standing if standing.position > 0 else None,
        completion_at=now + standing.eta_seconds + standing.usual_seconds,
    )


def _rendering(services: Services, record: VideoRecord) -> Expectation:
    deployment: Deployment | None = services.catalogue.deployment(record.submit.deployment or "")
    if deployment is None:
        return NOTHING
    now = services.clock()
    began = record.submit.submitted_at or now
    elapsed = now - began
    typical = typical_seconds(services, record, deployment)
    total = estimated_total(elapsed, record.sightings, typical)
    return Expectation(completion_at=began + max(total, elapsed * (1 + _OVERDUE)))


async def _outlook(
    services: Services, orchestrations: Orchestrations, request: QuotaRequest
) -> Outlook | None:
    name = request["deployment"]

    async def read() -> Outlook | None:
        try:
            async with asyncio.timeout(_READ_SECONDS):
                state = await orchestrations.lane(name)
            return Outlook(state, services.clock())
        except Exception as error:  # noqa: BLE001 - the durable client raises bare Exceptions
            log_event(
                "lane_unreadable",
                level=logging.WARNING,
                deployment=name,
                reason=type(error).__name__,
            )
            return None

    return await services.readings.get(("lane", name), read, seconds=_KEPT_SECONDS)
