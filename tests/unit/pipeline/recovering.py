"""Worlds whose provider lets us know more or less of a create, for tests."""

from __future__ import annotations

from typing import Any

from dailies.engine import Step
from dailies.pipeline.submit import submit_video
from dailies.providers.declaration import Recovery
from dailies.video.basics import Phase
from dailies.video.record import VideoRecord
from tests.unit.pipeline.provider import Behaviour
from tests.unit.pipeline.world import World, ref

__all__ = ["PROVIDER", "URL", "Engine", "step_of", "until", "world_of"]

URL = "https://dailies.example"
PROVIDER = "azure-sora-2"


class Engine:
    """``Orchestrations`` of which only the waking is used."""

    def __init__(self) -> None:
        self.woken: list[str] = []

    async def raise_event(self, instance_id: str, event: str) -> None:
        self.woken.append(instance_id)

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(name)


def world_of(grade: Recovery, *behaviours: Behaviour, **settings: Any) -> World:
    """A world whose provider answers creates so, one after the other."""
    world = World(DAILIES_PUBLIC_URL=URL, **settings)
    world.provider.grade = grade
    world.provider.behaviours = list(behaviours)
    return world


async def step_of(world: World, video: VideoRecord, **extra: Any) -> Step:
    """One step of the submission."""
    return await submit_video(world.services, ref(video, place="first", **extra))


async def until(world: World, video: VideoRecord, phase: Phase) -> None:
    """Go on until the video is in the phase."""
    for _ in range(50):
        step = await step_of(world, video)
        if (await world.record(video.id)).phase is phase:
            return
        assert step["kind"] == "wait"
        world.now += step.get("seconds", 0.0)
    raise AssertionError(f"it never gets to {phase}")
