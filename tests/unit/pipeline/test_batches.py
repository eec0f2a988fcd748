"""Every shot of a batch is made once and counted once, whatever dies and whenever."""

from __future__ import annotations

import asyncio
import io
import json
from collections import Counter
from collections.abc import Mapping
from typing import Any, cast

import pytest
from azure.core.exceptions import ServiceRequestError

from dailies.batches import commands
from dailies.batches.keeping import keep_batch
from dailies.batches.removing import retire_batches
from dailies.batches.starting import sweep_batches
from dailies.batches.turn import take_turn
from dailies.engine import InstanceState, Orchestrations, QuotaRequest
from dailies.owners.key import Limits
from dailies.pipeline.places import quota_of
from dailies.protocols.batch.check import Check
from dailies.protocols.batch.lines import Form
from dailies.routing.lane import Acquire, acquire, empty
from dailies.stores.batches import Sent
from dailies.video.basics import Phase, VideoError
from dailies.video.batch import Batch, BatchStatus
from dailies.video.record import VideoRecord
from tests.unit.pipeline.memory import no_point
from tests.unit.pipeline.schedule import Crash
from tests.unit.pipeline.test_never_pay_twice import CrashAt
from tests.unit.pipeline.world import OWNER, World

SHOT = {"prompt": "a pier", "seconds": 4, "size": "720x1280"}
_FAILS = "it fails"


class Engine:
    """An engine that only takes notes."""

    def __init__(self) -> None:
        self.running: set[str] = set()

    async def start(self, name: str, instance_id: str, payload: Mapping[str, Any]) -> None:
        self.running.add(instance_id)

    async def raise_event(self, instance_id: str, event: str) -> None:
        """Nobody waits."""

    async def state(self, instance_id: str) -> InstanceState:
        running = instance_id in self.running
        return InstanceState.RUNNING if running else InstanceState.MISSING


ENGINE = cast(Orchestrations, Engine())


async def ordered(world: World, *shots: dict[str, Any], sent: Sent | None = None) -> Batch:
    """A batch that was accepted."""
    with io.BytesIO() as out:
        check = Check(world.services.catalogue, Limits(), out)
        body = "\n".join(json.dumps(shot) for shot in shots).encode()
        await check.run(
            io.BytesIO(body), Form.LINES, world.services.checks, world.services.documents
        )
        assert not check.faults
        batch, _ = await keep_batch(
            world.services, check, {}, owner=OWNER, key_id=None, sent=sent, traceparent=None
        )
        return batch


async def calmly(world: World) -> Any:
    """From now on nothing goes wrong; gives what did before."""
    point = world.tables.point
    world.go_wrong(no_point)
    return point


async def videos(world: World) -> list[VideoRecord]:
    """All records that there are, whatever goes wrong elsewhere."""
    point = await calmly(world)
    page = await world.services.records.list(OWNER, after=None, limit=100, ascending=True)
    world.go_wrong(point)
    return list(page.records)


async def end_all(world: World) -> None:
    """Every video comes to its end: those whose prompt says so, to a failure."""
    point = await calmly(world)

    def ended(record: VideoRecord) -> VideoRecord:
        if record.request.prompt == _FAILS:
            return record.failed(VideoError("moderation_blocked", "It was refused."), world.now)
        return record.moved_to(Phase.DONE, completed_at=world.now, cost_usd=0.4)

    for record in await videos(world):
        await world.services.records.update(OWNER, record.id, ended)
    world.go_wrong(point)


async def found(world: World, batch: Batch) -> Batch:
    """The batch as it is now."""
    point = await calmly(world)
    now = await world.services.batches.get(OWNER, batch.id)
    world.go_wrong(point)
    assert now is not None
    return now


async def run(world: World, batch: Batch) -> Batch:
    """Take turns as the orchestration does, after a crash too; the batch at its end."""
    ref: Any = {"id": batch.id, "owner": OWNER, "traceparent": None}
    for _ in range(100):
        try:
            step = await take_turn(world.services, ENGINE, ref)
        except Crash:
            continue
        if step["kind"] == "rest":
            return await found(world, batch)
        await end_all(world)
    raise AssertionError("it does not end")


def events(world: World) -> list[str]:
    """The ids of the events about batches."""
    return [event.id for event in world.events.taken if event.type.startswith("dailies.batch")]


async def test_a_crash_at_any_call_makes_no_shot_twice_and_loses_none() -> None:
    counter, world = CrashAt(), World()
    batch = await ordered(world, *[SHOT] * 4, {**SHOT, "prompt": _FAILS})
    world.go_wrong(counter)
    await run(world, batch)
    assert counter.passed > 40
    for place in range(1, counter.passed + 1):
        world = World()
        batch = await ordered(world, *[SHOT] * 4, {**SHOT, "prompt": _FAILS})
        world.go_wrong(CrashAt(place))
        ended = await run(world, batch)
        about = f"crash at {place}"
        assert ended.status is BatchStatus.COMPLETED, about
        assert (ended.completed, ended.failed, ended.cancelled) == (4, 1, 0), about
        assert ended.spent_micros == 1_600_000, about
        made = [record.batch_line for record in await videos(world)]
        assert sorted(cast(list[int], made)) == [1, 2, 3, 4, 5], about
        assert set(events(world)) == {f"{batch.id}.completed"}, about
        table = world.files.files[f"batches/{batch.id}/results.csv"].decode()
        assert len(table.splitlines()) == 6, about


async def test_a_crash_at_any_call_of_another_run_makes_what_failed_once_more() -> None:
    async def prepared() -> tuple[World, Batch]:
        world = World()
        batch = await ordered(world, SHOT, *[{**SHOT, "prompt": _FAILS}] * 2)
        await run(world, batch)
        again, _ = await commands.retry(
            world.services, ENGINE, OWNER, batch.id, key_id="", sent_key=None, is_again=False
        )
        assert again is not None
        await world.services.batches.update(
            OWNER, batch.id, lambda current: current.with_changes(key_id=None)
        )
        return world, again

    counter = CrashAt()
    world, batch = await prepared()
    world.go_wrong(counter)
    await run(world, batch)
    for place in range(1, counter.passed + 1):
        world, batch = await prepared()
        world.go_wrong(CrashAt(place))
        ended = await run(world, batch)
        about = f"crash at {place}"
        assert (ended.completed, ended.failed, ended.cancelled) == (1, 2, 0), about
        made = Counter(record.batch_line for record in await videos(world))
        assert made == {1: 1, 2: 2, 3: 2}, about
        assert set(events(world)) == {f"{batch.id}.completed", f"{batch.id}.completed.2"}, about


async def test_a_crash_at_any_call_of_an_order_leaves_a_whole_batch_or_none() -> None:
    sent = Sent(body="body", key="key", is_again=False, began=0.0)
    counter, world = CrashAt(), World()
    world.go_wrong(counter)
    await ordered(world, SHOT, sent=sent)
    for place in range(1, counter.passed + 1):
        world = World()
        world.go_wrong(CrashAt(place))
        with pytest.raises(Crash):
            await ordered(world, SHOT, sent=sent)
        await calmly(world)
        batch = await ordered(world, SHOT, sent=sent)
        assert len(await world.services.batches.list(OWNER, after=None, limit=9)) == 1, place
        assert (await run(world, batch)).completed == 1, place
        world.now += 4000
        await sweep_batches(world.services, ENGINE)
        left = {name.split("/")[1] for name in world.files.files if name.startswith("batches/")}
        assert left == {batch.id}, f"crash at {place}: files of nothing are left"


async def test_two_executions_of_one_turn_count_once() -> None:
    world = World()
    batch = await ordered(world, *[SHOT] * 3)
    ref: Any = {"id": batch.id, "owner": OWNER, "traceparent": None}
    for _ in range(3):
        await asyncio.gather(*(take_turn(world.services, ENGINE, ref) for _ in range(3)))
        await end_all(world)
    ended = await found(world, batch)
    assert (ended.completed, ended.failed, ended.spent_micros) == (3, 0, 1_200_000)
    assert len(await videos(world)) == 3
    assert set(events(world)) == {f"{batch.id}.completed"}


async def test_a_batch_whose_orchestration_was_lost_is_started_by_the_sweep() -> None:
    world, engine = World(), Engine()
    batch = await ordered(world, SHOT)
    hub = cast(Orchestrations, engine)
    assert await sweep_batches(world.services, hub) == {"started": 1}
    assert engine.running == {batch.id}
    assert await sweep_batches(world.services, hub) == {}
    await run(world, batch)
    assert [each async for each in world.services.batches.open()] == []


async def test_an_end_that_the_topic_does_not_take_is_told_later() -> None:
    world = World()
    batch = await ordered(world, SHOT)
    ref: Any = {"id": batch.id, "owner": OWNER, "traceparent": None}
    await take_turn(world.services, ENGINE, ref)
    await end_all(world)
    world.events.failures = [ServiceRequestError("the topic is away")]
    step = await take_turn(world.services, ENGINE, ref)
    assert step["kind"] == "wait"
    assert step["seconds"] > 0
    assert (await found(world, batch)).status is BatchStatus.COMPLETED
    assert (await take_turn(world.services, ENGINE, ref))["kind"] == "rest"
    assert events(world) == [f"{batch.id}.completed"]


async def test_to_retire_many_batches_ends_before_the_host_ends_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World(DAILIES_RETENTION_DAYS=1)
    for _ in range(3):
        await run(world, await ordered(world, SHOT))
    world.now += 2 * 86_400
    longest = "dailies.batches.removing._LONGEST_RUN"
    monkeypatch.setattr(longest, -1.0, raising=False)
    assert await retire_batches(world.services) == 0, "its time is over"
    monkeypatch.setattr(longest, 60.0, raising=False)
    assert await retire_batches(world.services) == 3


def _asks(record: VideoRecord, quota: QuotaRequest, now: float) -> Acquire:
    return cast(Acquire, {**quota, "video": record.id, "now": now})


async def test_a_single_video_stands_before_a_batch_however_large_that_is() -> None:
    world = World()
    batch = await ordered(world, *[SHOT] * 1000)
    ref: Any = {"id": batch.id, "owner": OWNER, "traceparent": None}
    for _ in range(3):
        await take_turn(world.services, ENGINE, ref)
    of_batch = await videos(world)
    assert len(of_batch) == 20, "and no more, however often it has a turn"
    world.now += 1
    own = await world.accepted("My own")
    theirs = await world.accepted("Another's", owner="bob")
    lane = empty()
    granted, places = [], {}
    for record in [*of_batch, own, theirs]:
        quota = quota_of(world.services, record)
        assert quota is not None
        lane, grant = acquire(lane, _asks(record, quota, world.now))
        granted += [record.id] if grant["granted"] else []
        places[record.id] = grant["position"]
    assert len(granted) == 2
    assert set(granted) < {record.id for record in of_batch}
    assert sorted([places[own.id], places[theirs.id]]) == [1, 2]


async def test_only_a_few_batches_begin_videos_at_once_on_an_instance() -> None:
    world = World()
    batch = await ordered(world, SHOT)
    ref: Any = {"id": batch.id, "owner": OWNER, "traceparent": None}
    async with world.services.feeding, world.services.feeding:
        step = await take_turn(world.services, ENGINE, ref)
        assert await videos(world) == []
    assert step["kind"] == "wait"
    assert step["seconds"] > 0
    await take_turn(world.services, ENGINE, ref)
    assert len(await videos(world)) == 1
