"""What would become of a request, if it were accepted now: nothing is stored, sent or spent."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from dailies.catalogue.offers import price_of
from dailies.engine import Orchestrations
from dailies.inputs.fitting import Fitted
from dailies.intake.accept import GivenInput, check_room
from dailies.intake.key_room import check_key_room
from dailies.owners.key import Key
from dailies.pipeline.endings import why_nothing_left
from dailies.pipeline.expectation import hear_waits
from dailies.pipeline.pace import typical_seconds
from dailies.pipeline.places import choose, is_retired, place_at
from dailies.pipeline.prepare import brought_to_size
from dailies.routing import health
from dailies.services import Services
from dailies.video.basics import Size, VideoError, new_id
from dailies.video.record import VideoRecord
from dailies.video.request import InputKind, Role, VideoRequest

__all__ = ["Forecast", "Picture", "forecast"]


@dataclass(frozen=True, slots=True)
class Picture:
    """An image as it would be sent: as what, at which size."""

    role: Role
    size: Size


@dataclass(frozen=True, slots=True)
class Forecast:
    """What would become of a request; times are Unix seconds, None where nobody knows.

    Attributes:
        error: with which it would end at once, as no deployment is left that could make it.
        render_seconds: how long such a render usually takes.
        cost_usd: the price of the deployment that would make it; None where nobody tells.
    """

    request: VideoRequest
    pictures: tuple[Picture, ...]
    provider: str | None = None
    deployment: str | None = None
    starts_at: float | None = None
    ends_at: float | None = None
    render_seconds: float | None = None
    cost_usd: float | None = None
    error: VideoError | None = None


async def forecast(
    services: Services,
    orchestrations: Orchestrations,
    owner: str,
    request: VideoRequest,
    inputs: Sequence[GivenInput],
    key: Key | None = None,
) -> Forecast:
    """Fit the images, look for room and for a deployment, and say what would follow; ``key`` is the
    caller's.

    Raises:
        UnusableReference: an image can't be used.
        TooMany: the owner has as many unfinished videos as it may, or its key.
    """
    now = services.clock()
    await check_room(services, owner, services.settings.max_unfinished or None, ())
    await check_key_room(services, key, ())
    pictures = tuple([each async for each in _fitted(services, request, inputs)])
    given = tuple(each.input for each in inputs)
    request = request.model_copy(update={"inputs": (*request.inputs, *given)})
    # By weight, the next video may get another deployment: its id decides.
    record = VideoRecord(id=new_id(now), owner=owner, created_at=now, request=request)
    await health.refresh(services)
    await hear_waits(services, orchestrations, record, all_places=True)
    choice = choose(services, record)
    if choice is None:
        why = why_nothing_left(record, retired=is_retired(services, record))
        return Forecast(request, pictures, error=why)
    deployment = choice.deployment
    wait: float | None = choice.wait
    if place_at(services, record, deployment) is not None:
        line = services.waits.seconds(deployment.name)
        wait = None if line is None else max(line, choice.wait)
    starts_at = None if wait is None else now + wait
    render = typical_seconds(services, record, deployment)
    return Forecast(
        request,
        pictures,
        provider=deployment.provider,
        deployment=deployment.name,
        starts_at=starts_at,
        ends_at=None if starts_at is None else starts_at + render,
        render_seconds=render,
        cost_usd=price_of(deployment, request),
    )


async def _fitted(
    services: Services, request: VideoRequest, inputs: Sequence[GivenInput]
) -> AsyncIterator[Picture]:
    """The images, brought to size one by one as they would be before they are sent."""
    settings = services.settings
    for given in inputs:
        item, source = given.input, given.source
        if item.type is not InputKind.IMAGE:
            continue
        async with services.pictures.place():
            data = await source.read(0, settings.max_reference_bytes)
            made = await services.pictures.run(
                functools.partial(
                    brought_to_size,
                    data,
                    item,
                    request.size,
                    max_pixels=settings.max_reference_pixels,
                )
            )
        yield Picture(item.role, made.size if isinstance(made, Fitted) else made.upright)
