"""A deployment that retires on a known day: nothing is lost there, and operators are warned."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time

import pytest
from azure.core.exceptions import ServiceRequestError

from dailies.pipeline.retirements import warn_of_retirements
from dailies.pipeline.submit import submit_video
from dailies.routing.breaker import place_of
from dailies.stores.health import Retirement
from tests.unit.pipeline.world import CATALOGUE, World, ref

DAY = date(2027, 1, 31)
MIDNIGHT = datetime.combine(DAY, time(), UTC).timestamp()
RETIRING = CATALOGUE.replace(
    "deployment: sora-2\n", f"deployment: sora-2\n        retires_at: {DAY}\n"
)
ALONE = RETIRING.replace("    fallbacks: [spare]\n", "")


async def _place(world: World) -> str | None:
    video = await world.accepted()
    await submit_video(world.services, ref(video))
    return (await world.record(video.id)).submit.deployment


def _told(world: World) -> list[tuple[str, int]]:
    return [(event.id, event.data["days_left"]) for event in world.events.taken if event.data]


# A usual render takes 60 seconds.
@pytest.mark.parametrize(("left", "place"), [(121, "first"), (120, "second"), (-5, "second")])
async def test_nothing_is_sent_there_that_might_not_be_done_before(left: float, place: str) -> None:
    world = World(catalogue=RETIRING)
    world.now = MIDNIGHT - left
    assert await _place(world) == place


async def test_without_another_its_videos_end_as_those_of_a_retired_model() -> None:
    world = World(catalogue=ALONE)
    world.now = MIDNIGHT
    step = await submit_video(world.services, ref(await world.accepted()))
    assert (step["kind"], step.get("error", {}).get("code")) == ("stop", "model_retired")
    assert not world.provider.submissions


async def test_what_a_provider_told_counts_until_the_deployment_is_another() -> None:
    world = World()
    first = world.services.catalogue.deployment("first")
    assert first is not None
    told = Retirement(place=place_of(first), read=DAY)
    await world.services.health.remember_retirement("first", told)
    world.now = MIDNIGHT
    assert await _place(world) == "second"
    await world.services.health.remember_retirement(
        "first", told.model_copy(update={"place": "elsewhere"})
    )
    assert await _place(world) == "first"


async def test_each_warning_is_given_once(caplog: pytest.LogCaptureFixture) -> None:
    world = World(catalogue=RETIRING)
    for days in range(40, -3, -1):
        world.now = MIDNIGHT - days * 86_400 + 6 * 3600
        for _ in range(2):
            await warn_of_retirements(world.services)
    ids = [f"first.{DAY}.retiring.{days}" for days in (30, 7, 1)]
    assert _told(world) == list(zip(ids, (30, 7, 1), strict=True))
    lines = [json.loads(record.getMessage()) for record in caplog.records]
    told = [line for line in lines if line["event"] == "deployment_retiring"]
    assert [(line["days_left"], line["left"]) for line in told] == [
        (days, ["second"]) for days in (30, 7, 1)
    ]


async def test_a_timer_that_comes_late_gives_the_warning_that_is_due() -> None:
    world = World(catalogue=RETIRING)
    world.now = MIDNIGHT - 5 * 86_400 + 60
    await warn_of_retirements(world.services)
    assert _told(world) == [(f"first.{DAY}.retiring.7", 5)]


async def test_a_warning_that_the_topic_did_not_take_comes_again_with_the_same_id() -> None:
    world = World(catalogue=RETIRING)
    world.now = MIDNIGHT - 7 * 86_400
    world.events.failures = [ServiceRequestError("down")]
    with pytest.raises(ServiceRequestError):
        await warn_of_retirements(world.services)
    await warn_of_retirements(world.services)
    assert world.events.ids == [f"first.{DAY}.retiring.7"]


async def test_the_event_tells_what_is_left() -> None:
    world = World(catalogue=RETIRING)
    world.now = MIDNIGHT - 86_400
    await warn_of_retirements(world.services)
    [event] = world.events.taken
    assert (event.type, event.subject) == ("dailies.model.retiring", "/models/sora-2")
    assert event.data == {
        "model": "sora-2",
        "deployment": "first",
        "provider": "azure-sora-2",
        "retires_at": "2027-01-31",
        "days_left": 1,
        "left": ["second"],
    }
    alone = World(catalogue=ALONE)
    alone.now = world.now
    await warn_of_retirements(alone.services)
    assert alone.events.taken[0].data is not None
    assert alone.events.taken[0].data["left"] == []
