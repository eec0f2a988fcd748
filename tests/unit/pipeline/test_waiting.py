"""A video that waits for our own quota says so, and nothing else."""

from __future__ import annotations

import pytest

from dailies.pipeline.submit import submit_video
from dailies.video.basics import Phase
from dailies.video.record import VideoRecord
from tests.unit.pipeline.world import World, ref


async def _told(world: World, video: VideoRecord) -> str:
    return (await submit_video(world.services, ref(video, waiting=True)))["kind"]


async def test_its_phase_is_waiting_and_nothing_is_sent() -> None:
    world = World()
    video = await world.accepted()
    assert await _told(world, video) == "wait"
    assert (await world.record(video.id)).phase is Phase.WAITING
    assert not world.provider.submissions
    await submit_video(world.services, ref(video))
    assert (await world.record(video.id)).phase is Phase.RENDERING


@pytest.mark.parametrize("phase", sorted(set(Phase) - {Phase.ACCEPTED, Phase.WAITING}))
async def test_one_that_is_told_late_does_not_go_back(phase: Phase) -> None:
    world = World()
    video = await world.accepted(phase=phase)
    await _told(world, video)
    assert (await world.record(video.id)).phase is phase


async def test_one_that_was_cancelled_does_not_wait_any_longer() -> None:
    world = World()
    video = await world.accepted(cancel_requested=True)
    assert await _told(world, video) == "stop"


async def test_one_that_has_its_job_goes_on() -> None:
    world = World()
    video = await world.accepted()
    await submit_video(world.services, ref(video))
    assert await _told(world, video) == "done"
    assert len(world.provider.jobs) == 1
