"""Videos that wait for a place at a deployment that has gone bad, though another one is well."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import Any, cast

import pytest

from dailies.engine import WAKE_EVENT, Orchestrations
from dailies.pipeline import stranded
from dailies.pipeline.places import place_at
from dailies.pipeline.stranded import wake_stranded
from dailies.pipeline.submit import submit_video
from dailies.routing.lane import Acquire, LaneState, acquire, empty
from dailies.routing.lane_state import Lane
from dailies.stores.health import State
from dailies.video.record import VideoRecord
from tests.unit.pipeline.test_routes import ALONE, SHUT_OUT, TRANSIENT, Route
from tests.unit.pipeline.world import CATALOGUE, ref

_QUOTA = "        quota: {requests_per_minute: 2, concurrent: 2}\n"
_LATER = CATALOGUE.replace("        prices: {default: 0.20}\n", f"        prices: null\n{_QUOTA}")


class Engine:
    """An ``Orchestrations`` with one lane, and of that what is woken."""

    def __init__(self) -> None:
        self.lanes: dict[str, LaneState] = {}
        self.woken: list[str] = []
        self.fault: Exception | None = None

    async def lane(self, deployment: str) -> Mapping[str, Any] | None:
        if self.fault is not None:
            raise self.fault
        return self.lanes.get(deployment)

    async def raise_event(self, instance_id: str, event: str) -> None:
        assert event == WAKE_EVENT
        self.woken.append(instance_id)


class Queue:
    """A route whose first deployment has given its places, and videos that wait there."""

    def __init__(self, catalogue: str = _LATER) -> None:
        self.route = Route(catalogue=catalogue)
        self.engine = Engine()
        self.videos: list[VideoRecord] = []

    async def fill(self, number: int) -> None:
        state: LaneState = empty()
        for _ in range(number):
            self.route.world.now += 0.1
            video = await self.route.world.accepted()
            deployment = self.route.services.catalogue.deployment("first")
            assert deployment is not None
            place = place_at(self.route.services, video, deployment)
            assert place is not None
            now = self.route.world.now
            asked = cast(Acquire, {**place, "video": video.id, "now": now})
            state, grant = acquire(state, asked)
            if not grant["granted"]:
                self.videos.append(video)
        self.engine.lanes["first"] = state

    async def wake(self) -> int:
        return await wake_stranded(self.route.services, cast(Orchestrations, self.engine))

    async def open_the_breaker(self) -> None:
        self.route.always("first", TRANSIENT)
        for _ in range(5):
            await submit_video(self.route.services, ref(await self.route.world.accepted()))
        assert self.route.state() is State.RESTING


async def test_nobody_is_woken_while_the_deployment_is_well() -> None:
    queue = Queue()
    await queue.fill(6)
    assert (await queue.wake(), queue.engine.woken) == (0, [])


async def test_when_it_has_gone_bad_those_that_wait_go_to_the_other(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "dailies")
    queue = Queue()
    await queue.fill(6)
    await queue.open_the_breaker()
    assert await queue.wake() == 4
    assert queue.engine.woken == [video.id for video in queue.videos]
    for video in queue.videos:
        step = await submit_video(queue.route.services, ref(video, woken=True, place=None))
        assert step["kind"] == "wait"
        place = step["place"]
        assert place is not None
        assert place["deployment"] == "second"
        step = await submit_video(queue.route.services, ref(video, place="second"))
        assert step["kind"] == "done"
    assert {await queue.route.place(video) for video in queue.videos} == {"second"}
    lines = [json.loads(record.getMessage()) for record in caplog.records]
    told = [line for line in lines if line["event"] == "videos_rerouted"]
    assert told == [{"event": "videos_rerouted", "deployment": "first", "woken": 4}]


async def test_one_that_is_shut_is_left_too() -> None:
    queue = Queue()
    await queue.fill(4)
    queue.route.always("first", SHUT_OUT)
    await submit_video(queue.route.services, ref(await queue.route.world.accepted()))
    assert queue.route.state() is State.SHUT
    assert await queue.wake() == 2


async def test_where_nothing_else_serves_nobody_is_woken() -> None:
    queue = Queue(ALONE)
    await queue.fill(6)
    await queue.open_the_breaker()
    assert (await queue.wake(), queue.engine.woken) == (0, [])


async def test_one_that_is_woken_though_its_deployment_works_keeps_its_place_in_the_queue() -> None:
    queue = Queue()
    await queue.fill(3)
    (video,) = queue.videos
    step = await submit_video(queue.route.services, ref(video, woken=True, place=None))
    deployment = queue.route.services.catalogue.deployment("first")
    assert deployment is not None
    # The same question: the orchestration leaves a queue only for another.
    assert step["place"] == place_at(queue.route.services, video, deployment)
    assert not any(each.submissions for each in queue.route.both.by_name.values())


async def test_only_so_many_are_woken_at_once_and_the_longest_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(stranded, "MOST_WOKEN", 2)
    queue = Queue()
    await queue.fill(6)
    await queue.open_the_breaker()
    await queue.wake()
    assert queue.engine.woken == [video.id for video in queue.videos[:2]]
    waiting = Lane.read(queue.engine.lanes["first"]).waiting
    assert waiting == 4


async def test_a_lane_that_can_t_be_read_is_left_to_the_next_sweep() -> None:
    queue = Queue()
    await queue.fill(4)
    await queue.open_the_breaker()
    queue.engine.fault = OSError("no answer")
    assert await queue.wake() == 0
