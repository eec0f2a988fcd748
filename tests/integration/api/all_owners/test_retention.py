"""Retention: what ended longer ago than videos are kept goes, files and record, with an event."""

from __future__ import annotations

import dataclasses

from dailies.pipeline.retention import retire_videos
from dailies.services import Services
from tests.integration.api.world import World

_DAY = 86_400


def keeping(world: World, days: float | None) -> Services:
    """The world's services, where videos are kept for so many days."""
    settings = world.services.settings.model_copy(update={"retention_days": days})
    return dataclasses.replace(world.services, settings=settings)


async def test_an_old_video_goes_and_a_young_one_stays(world: World) -> None:
    services = keeping(world, 2)
    old = await world.finished()
    world.now += 1.5 * _DAY
    young = await world.finished()
    world.now += _DAY
    assert await retire_videos(services) >= 1
    assert (await world.record(old), await world.blobs(old)) == (None, [])
    assert await world.record(young) is not None
    assert world.events.types(old)[-1] == "deleted"
    deleted = next(e for e in world.events.taken if e.id == f"{old}.deleted")
    assert deleted.data is not None
    assert deleted.data["reason"] == "expired"


async def test_a_second_run_finds_nothing(world: World) -> None:
    services = keeping(world, 1)
    await world.finished()
    world.now += 2 * _DAY
    assert await retire_videos(services) >= 1
    assert await retire_videos(services) == 0


async def test_a_video_that_has_not_ended_is_never_touched(world: World) -> None:
    answer = await world.alice.post("/v1/videos", json={"prompt": "A pier at dawn"})
    world.now += 30 * _DAY
    await retire_videos(keeping(world, 1))
    assert await world.record(answer.json()["id"]) is not None


async def test_without_the_setting_nothing_ever_goes(world: World) -> None:
    video_id = await world.finished()
    world.now += 10_000 * _DAY
    assert await retire_videos(keeping(world, None)) == 0
    assert await world.record(video_id) is not None
