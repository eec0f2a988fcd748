"""Servers that forget their jobs, or go on with what they were told to stop."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator

import httpx
import pytest

from dailies.pipeline.cancel import Told, tell_provider
from dailies.pipeline.check import check_video
from dailies.pipeline.costs import Cost, cost_of, settle_cost
from dailies.providers.registry import Providers
from dailies.video.basics import Phase
from dailies.video.record import VideoRecord
from tests.unit.pipeline.world import OWNER, World, ref

CATALOGUE = """
default_model: sora-2
models:
  sora-2:
    deployments:
      - name: gpu
        provider: openai-videos
        endpoint: https://gpu.example
        deployment: wan
        credential: none
        options: {cancel_stops: false, jobs_in_memory: true}
        sizes: [720x1280]
        seconds: [4]
        prices: {default: 0.10}
"""


class Server:
    """SGLang, as far as it matters: a job is there or it is not."""

    def __init__(self) -> None:
        self.status: str | None = "in_progress"
        self.deleted = False

    def answer(self, request: httpx.Request) -> httpx.Response:
        if self.status is None or self.deleted:
            return httpx.Response(404, json={"detail": "Video not found"})
        self.deleted = request.method == "DELETE"
        status = "deleted" if self.deleted else self.status
        return httpx.Response(200, json={"id": "job", "object": "video", "status": status})


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
async def world(server: Server) -> AsyncIterator[World]:
    world = World(catalogue=CATALOGUE)
    providers = Providers(
        world.services.catalogue,
        lambda: pytest.fail("no identity is asked for"),
        transport=httpx.MockTransport(server.answer),
    )
    world.services = dataclasses.replace(world.services, providers=providers)
    yield world
    await providers.close()


async def rendering(world: World) -> VideoRecord:
    """A video whose job has run for a minute."""
    video = await world.accepted()
    changed = await world.services.records.update(
        OWNER,
        video.id,
        lambda record: record.moved_to(Phase.RENDERING).with_submit(
            deployment="gpu", job_id="job", submitted_at=world.now
        ),
    )
    assert changed is not None
    world.now += 60
    return changed


async def test_a_job_that_a_restart_lost_ends_its_video_and_costs_nothing(
    world: World, server: Server
) -> None:
    record = await rendering(world)
    server.status = None
    step = await check_video(world.services, ref(record))

    assert step["kind"] == "stop"
    assert step["error"]["code"] == "job_lost"
    assert cost_of(world.services, await world.record(record.id)) == Cost(0.0)


async def test_what_goes_on_after_a_cancel_costs_what_it_comes_to(
    world: World, server: Server
) -> None:
    record = await rendering(world)
    assert await tell_provider(world.services, record) is Told.GOES_ON
    assert not server.deleted
    assert cost_of(world.services, await world.record(record.id)) == Cost(0.4, is_estimate=True)

    await world.services.records.update(
        OWNER, record.id, lambda known: known.moved_to(Phase.CANCELLED)
    )
    assert not await settle_cost(world.services, OWNER, record.id)
    server.status = "completed"
    assert await settle_cost(world.services, OWNER, record.id)
    assert server.deleted
    assert cost_of(world.services, await world.record(record.id)) == Cost(0.4)
