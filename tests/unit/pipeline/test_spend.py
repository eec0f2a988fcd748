"""Each video is in what has been spent once, whatever dies and whenever."""

from __future__ import annotations

from typing import Any, cast

import pytest
from azure.data.tables.aio import TableServiceClient

from dailies.owners.spend import Dimension, Interval, Tally
from dailies.pipeline.finish import finish_video
from dailies.pipeline.remove import remove_video
from dailies.pipeline.spend import sum_up
from dailies.stores.records import RecordStore
from dailies.stores.tombstones import Removal
from dailies.video.basics import Phase
from dailies.video.record import VideoRecord
from tests.unit.pipeline.memory import no_point
from tests.unit.pipeline.schedule import Crash, Scheduler
from tests.unit.pipeline.test_never_pay_twice import CrashAt
from tests.unit.pipeline.world import OWNER, World, ref

FIRST, LAST = "2026-11-01", "2026-11-30"


async def _ended(
    world: World, *, cost: float = 0.4, store: RecordStore | None = None, **about: Any
) -> VideoRecord:
    store = store or world.services.records
    record = await world.accepted(**about)
    ends = {"phase": Phase.FAILED, "completed_at": world.now, "cost_usd": cost}
    ended = await store.update(OWNER, record.id, lambda r: r.model_copy(update=ends))
    assert ended is not None
    return ended


async def _told(world: World, dimension: Dimension = Dimension.DAY) -> dict[str | None, Tally]:
    read = await world.services.records.spend.read(OWNER, dimension, FIRST, LAST, Interval.TOTAL)
    return {value: tally for (value, _), tally in read.items()}


async def test_what_is_told_is_the_same_before_and_after_it_is_summed_up() -> None:
    world = World()
    for number in range(60):
        await _ended(world, cost=number / 100, key_id=f"key-{number % 7}", tags=("a", "b"))
    before = [await _told(world, dimension) for dimension in Dimension]
    assert before[0] == {None: Tally(60, 0, 0, 17_700_000, 0)}
    assert await sum_up(world.services) == 60
    assert [await _told(world, dimension) for dimension in Dimension] == before
    assert await sum_up(world.services) == 0
    await _ended(world, cost=1)
    assert (await _told(world))[None] == Tally(61, 0, 0, 18_700_000, 0)


async def test_more_than_a_transaction_takes_is_summed_up_in_several() -> None:
    world = World()
    tags = tuple(f"tag-{number}" for number in range(60))
    for number in range(30):
        await _ended(world, key_id=f"key-{number}", tags=tags)
    assert await sum_up(world.services) == 30
    told = await _told(world, Dimension.TAG)
    assert len(told) == 50
    assert set(told.values()) == {Tally(30, 0, 0, 12_000_000, 0)}


async def test_an_end_that_breaks_off_anywhere_is_counted_once() -> None:
    async def begin() -> tuple[World, VideoRecord]:
        world = World()
        return world, await world.accepted()

    async def work(world: World, record: VideoRecord) -> None:
        error = {"code": "timeout", "message": "too long"}
        await finish_video(world.services, ref(record, error=error))

    counter = CrashAt()
    world, record = await begin()
    world.go_wrong(counter)
    await work(world, record)
    assert counter.passed >= 8
    for place in range(1, counter.passed + 1):
        world, record = await begin()
        world.go_wrong(CrashAt(place))
        with pytest.raises(Crash):
            await work(world, record)
        world.go_wrong(no_point)
        is_final = (await world.record(record.id)).is_final
        assert (await _told(world)).get(None, Tally()).videos == int(is_final)
        await work(world, record)
        assert (await _told(world))[None].videos == 1
        # Whoever sums up knows of the owner.
        assert [owner async for owner in world.services.records.spend.owners()] == [OWNER]


async def test_summing_up_that_breaks_off_anywhere_counts_each_once() -> None:
    async def begin() -> World:
        world = World()
        for number in range(3):
            await _ended(world, cost=1, key_id=f"key-{number}")
        assert await sum_up(world.services) == 3
        for number in range(3):
            await _ended(world, cost=1, key_id=f"key-{number}")
        return world

    counter = CrashAt()
    world = await begin()
    world.go_wrong(counter)
    await sum_up(world.services)
    assert counter.passed > 10
    for place in range(1, counter.passed + 1):
        world = await begin()
        world.go_wrong(CrashAt(place))
        with pytest.raises(Crash):
            await sum_up(world.services)
        world.go_wrong(no_point)
        for _ in range(2):
            assert await _told(world) == {None: Tally(6, 0, 0, 6_000_000, 0)}
            keys = await _told(world, Dimension.KEY)
            assert set(keys.values()) == {Tally(2, 0, 0, 2_000_000, 0)}
            await sum_up(world.services)


@pytest.mark.parametrize("seed", range(30))
async def test_who_asks_while_it_is_summed_up_is_told_each_video_once(seed: int) -> None:
    world = World()
    for number in range(5):
        await _ended(world, cost=1, key_id=f"key-{number}")
    scheduler = Scheduler(world, seed)
    tables = cast(TableServiceClient, world.tables)
    seen: list[int] = []

    async def ends() -> None:
        await _ended(world, cost=1, key_id="key-9", store=RecordStore(tables))

    async def folds() -> None:
        await RecordStore(tables).spend.fold(OWNER)

    async def asks() -> None:
        for _ in range(3):
            read = await RecordStore(tables).spend.read(
                OWNER, Dimension.DAY, FIRST, LAST, Interval.TOTAL
            )
            seen.append(read[None, ""].videos)

    for work in (ends, folds, asks, folds, ends, folds):
        scheduler.spawn(work())
    await scheduler.run()
    world.go_wrong(no_point)
    assert seen == sorted(seen)
    assert set(seen) <= {5, 6, 7}
    assert await _told(world) == {None: Tally(7, 0, 0, 7_000_000, 0)}


async def test_a_removed_video_stays_told_and_is_told_once() -> None:
    world = World()
    record = await _ended(world)
    await sum_up(world.services)
    await remove_video(world.services, OWNER, record.id, Removal.EXPIRED)
    await sum_up(world.services)
    assert await _told(world) == {None: Tally(1, 0, 0, 400_000, 0)}


async def test_another_cost_is_told_whether_the_first_was_summed_up_or_not() -> None:
    for is_summed in (True, False):
        world = World()
        record = await _ended(world, cost=0.4)
        if is_summed:
            await sum_up(world.services)
        await world.services.records.update(
            OWNER, record.id, lambda r: r.model_copy(update={"cost_usd": 0.1})
        )
        assert await _told(world) == {None: Tally(1, 0, 0, 100_000, 0)}
        await sum_up(world.services)
        assert await _told(world) == {None: Tally(1, 0, 0, 100_000, 0)}
