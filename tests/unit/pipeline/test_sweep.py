"""What fell between the cracks is found and put right."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pytest

from dailies.engine import GENERATE_VIDEO, InstanceState
from dailies.pipeline.finish import finish_video
from dailies.pipeline.publish import publish_events
from dailies.pipeline.sweep import sweep
from dailies.video.basics import Phase, new_id
from dailies.video.record import VideoRecord
from tests.unit.pipeline.world import OWNER, World, ref


class Hub:
    """``Orchestrations`` that only remembers."""

    def __init__(self) -> None:
        self.states: dict[str, InstanceState] = {}
        self.started: list[tuple[str, str, Mapping[str, Any]]] = []
        self.released: list[tuple[str, str]] = []
        self.broken: set[str] = set()

    async def start(self, name: str, instance_id: str, payload: Mapping[str, Any]) -> None:
        self.started.append((name, instance_id, payload))
        self.states[instance_id] = InstanceState.RUNNING

    async def raise_event(self, instance_id: str, event: str) -> None:
        raise AssertionError("the sweeper wakes nobody")

    async def state(self, instance_id: str) -> InstanceState:
        if instance_id in self.broken:
            raise RuntimeError("the engine has no sense of this instance")
        return self.states.get(instance_id, InstanceState.MISSING)

    async def release_quota(self, deployment: str, video_id: str) -> None:
        self.released.append((deployment, video_id))

    async def lane(self, deployment: str) -> Mapping[str, Any] | None:
        return None

    async def purge_finished(self, before: datetime) -> int:
        return 0

    def check_status(self, instance_id: str) -> Mapping[str, str]:
        raise AssertionError("the sweeper asks for no addresses")


async def _open(world: World) -> list[str]:
    return [video.id async for video in world.services.records.open.videos()]


async def _sent(world: World, video: VideoRecord) -> None:
    await world.services.records.update(
        video.owner, video.id, lambda r: r.with_submit(deployment="first", job_id="job")
    )


async def test_what_was_recorded_but_never_started_is_started() -> None:
    world, hub = World(), Hub()
    video = await world.accepted()
    world.now += 120
    assert await sweep(world.services, hub) == {"started": 1}
    ((name, instance, payload),) = hub.started
    assert (name, instance, payload["restarts"]) == (GENERATE_VIDEO, video.id, 1)
    assert await sweep(world.services, hub) == {}


async def test_a_video_just_accepted_is_left_to_its_request() -> None:
    world, hub = World(), Hub()
    await world.accepted()
    world.now += 30
    assert await sweep(world.services, hub) == {}


async def test_of_very_many_that_wait_a_part_is_looked_at_and_every_young_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("dailies.pipeline.sweep.MOST_OLD", 2)
    world, hub = World(), Hub()
    old = [(await world.accepted()).id for _ in range(4)]
    world.now += 3540
    young = await world.accepted()
    world.now += 120
    draws = iter([0.4, 0.6, 0.6, 0.4])  # of the four a half is to be looked at
    assert await sweep(world.services, hub, draw=lambda: next(draws)) == {"started": 3}
    seen = {instance for _, instance, _ in hub.started}
    assert (young.id in seen, len(seen & set(old))) == (True, 2)


async def test_as_many_as_a_sweep_can_look_at_are_all_looked_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("dailies.pipeline.sweep.MOST_OLD", 4)
    world, hub = World(), Hub()
    for _ in range(4):
        await world.accepted()
    world.now += 7200
    assert await sweep(world.services, hub, draw=lambda: 1.0) == {"started": 4}


async def test_a_video_whose_orchestration_failed_is_started_again_but_not_for_ever() -> None:
    world, hub = World(), Hub()
    video = await world.accepted()
    await _sent(world, video)
    for number in range(5):
        world.now += 300
        hub.states[video.id] = InstanceState.FAILED
        assert await sweep(world.services, hub) == {"started": 1}, number
    hub.states[video.id] = InstanceState.FAILED
    assert await sweep(world.services, hub) == {"given_up": 1}
    record = await world.record(video.id)
    assert record.error is not None
    assert record.error.code == "internal_error"
    assert world.events.ids[-1] == f"{video.id}.failed"
    assert ("first", video.id) in hub.released
    assert await _open(world) == []


async def test_a_terminated_video_is_cancelled_here_and_upstream() -> None:
    world, hub = World(), Hub()
    video = await world.accepted(phase=Phase.RENDERING)
    await _sent(world, video)
    hub.states[video.id] = InstanceState.TERMINATED
    world.now += 120
    assert await sweep(world.services, hub) == {"cancelled": 1}
    assert world.provider.cancelled == ["job"]
    assert (await world.record(video.id)).phase is Phase.CANCELLED
    assert world.events.ids[-1] == f"{video.id}.cancelled"
    assert await _open(world) == []


async def test_an_end_that_was_not_announced_is_announced() -> None:
    world, hub = World(), Hub()
    video = await world.accepted()
    await finish_video(world.services, ref(video, error={"code": "x", "message": "y"}))
    hub.states[video.id] = InstanceState.COMPLETED
    world.now += 120
    assert await sweep(world.services, hub) == {"published": 1}
    assert world.events.ids == [f"{video.id}.accepted", f"{video.id}.failed"]
    assert await _open(world) == []


async def test_a_row_without_a_record_goes_only_when_no_create_can_be_under_way() -> None:
    """Its record may come later than the sweeper: then nobody would look after the video."""
    world, hub = World(), Hub()
    request = (await world.accepted()).request
    late = VideoRecord(
        id=new_id(world.now),
        owner=OWNER,
        created_at=world.now,
        request=request,
        phase=Phase.ACCEPTED,
    )
    swept = 0

    async def sweep_in_between(name: str) -> None:
        nonlocal swept
        if name == "videos.transaction begins" and not swept:
            swept = 1
            world.now += 300  # storage was slow
            await sweep(world.services, hub)

    world.go_wrong(sweep_in_between)
    await world.services.records.insert(late)
    assert late.id in await _open(world)


async def test_the_row_of_a_create_that_broke_off_goes_in_the_end() -> None:
    world, hub = World(), Hub()
    video = await world.accepted()
    world.tables.get_table_client("videos").rows.clear()
    world.now += 7200
    assert await sweep(world.services, hub) == {"forgotten": 1}
    assert video.id not in await _open(world)


async def test_one_broken_video_does_not_hold_up_the_others(
    caplog: pytest.LogCaptureFixture,
) -> None:
    world, hub = World(), Hub()
    broken, well = await world.accepted(), await world.accepted()
    hub.broken = {min(broken.id, well.id)}
    world.now += 120
    assert await sweep(world.services, hub) == {"failed": 1, "started": 1}
    (line,) = (record.message for record in caplog.records if "sweep_failed" in record.message)
    assert json.loads(line)["fault"] == "RuntimeError"
    assert "no sense of this instance" not in caplog.text


async def test_every_sweep_tells_that_it_came_to_its_end(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "dailies")
    world, hub = World(), Hub()
    await sweep(world.services, hub)
    await world.accepted()
    world.now += 120
    await sweep(world.services, hub, late=True)
    lines = [json.loads(r.message) for r in caplog.records if "sweep_done" in r.message]
    assert [(line["open"], line["actions"], line["late"]) for line in lines] == [
        (0, {}, False),
        (1, {"started": 1}, True),
    ]
    assert lines[-1]["oldest_seconds"] == 120


async def test_two_sweeps_at_once_count_one_restart() -> None:
    world, hub = World(), Hub()
    video = await world.accepted()
    world.now += 120
    other = Hub()
    once = False

    async def sweep_too(name: str) -> None:
        nonlocal once
        if name == "videos.update begins" and not once:
            once = True
            await sweep(world.services, other)

    world.go_wrong(sweep_too)
    await sweep(world.services, hub)
    assert (await world.record(video.id)).restarts == 1
    await publish_events(world.services, ref(video))
