"""What an owner says to a batch is heard, between whichever calls of its turns it comes."""

from __future__ import annotations

import contextlib
from typing import Any, cast

import pytest

from dailies.batches import commands
from dailies.batches.removing import remove_batch
from dailies.batches.starting import sweep_batches
from dailies.batches.turn import take_turn
from dailies.engine import Orchestrations
from dailies.stores.tombstones import Removal
from dailies.video.basics import Phase
from dailies.video.batch import Batch, BatchStatus
from dailies.video.errors import Conflict
from dailies.video.record import VideoRecord
from tests.unit.pipeline.between import Between, each_place
from tests.unit.pipeline.memory import no_point
from tests.unit.pipeline.schedule import Crash
from tests.unit.pipeline.test_batches import (
    ENGINE,
    SHOT,
    Engine,
    end_all,
    events,
    found,
    ordered,
    run,
    videos,
)
from tests.unit.pipeline.test_never_pay_twice import CrashAt
from tests.unit.pipeline.world import OWNER, World

_FAILS = "it fails"


def _ref(batch: Batch) -> Any:
    return {"id": batch.id, "owner": OWNER, "traceparent": None}


async def _try_again(world: World, batch: Batch, **asked: Any) -> tuple[Batch | None, bool]:
    given = {"key_id": "", "sent_key": None, "is_again": False, **asked}
    answer = await commands.retry(world.services, ENGINE, OWNER, batch.id, **given)
    # Ordered without a key, it goes on without one.
    await world.services.batches.update(
        OWNER, batch.id, lambda current: current.with_changes(key_id=None)
    )
    return answer


async def test_another_run_that_is_asked_for_while_the_end_is_told_is_not_lost() -> None:
    async def play(place: int) -> Between:
        world, asked = World(), []
        batch = await ordered(world, {**SHOT, "prompt": _FAILS})
        await take_turn(world.services, ENGINE, _ref(batch))
        await end_all(world)

        async def ask() -> None:
            with contextlib.suppress(Conflict):  # it has not ended yet
                asked.append(await _try_again(world, batch))

        between = Between(world, place, ask)
        await run(world, batch)
        # The instance that ran has ended by now, and whoever asked found it running.
        await sweep_batches(world.services, cast(Orchestrations, Engine()))
        if await _is_open(world, batch):
            await run(world, batch)
        ended, runs = await found(world, batch), 1 + len(asked)
        assert (ended.run, ended.status, ended.told) == (runs, BatchStatus.COMPLETED, runs), place
        wanted = {f"{batch.id}.completed", f"{batch.id}.completed.2"}
        assert wanted >= set(events(world)), place
        return between

    assert len([place async for place in each_place(play)]) > 10


async def test_a_batch_that_is_tried_again_while_it_is_removed_stays() -> None:
    world = World()
    batch = await ordered(world, {**SHOT, "prompt": _FAILS})
    ended = await run(world, batch)
    await _try_again(world, batch)
    with pytest.raises(Conflict, match="has not ended"):
        await remove_batch(world.services, ended)
    assert (await run(world, batch)).told == 2


async def _is_open(world: World, batch: Batch) -> bool:
    return batch.id in [each.id async for each in world.services.batches.open()]


async def _stop_all(world: World) -> None:
    """Every video that is to stop has stopped."""

    def stopped(record: VideoRecord) -> VideoRecord:
        if not record.cancel_requested or record.is_final:
            return record
        return record.moved_to(Phase.CANCELLED, completed_at=world.now, cost_usd=0.0)

    for record in await videos(world):
        await world.services.records.update(OWNER, record.id, stopped)


async def test_a_batch_that_is_cancelled_after_a_crash_lets_no_video_go_on() -> None:
    async def play(place: int, runs: int) -> int:
        world = World()
        batch = await ordered(world, *[{**SHOT, "prompt": _FAILS}] * 4)
        if runs == 2:
            await run(world, batch)
            await _try_again(world, batch)
        before = {record.id for record in await videos(world)}
        point = CrashAt(place)
        world.go_wrong(point)
        with contextlib.suppress(Crash):
            await take_turn(world.services, ENGINE, _ref(batch))
        world.go_wrong(no_point)
        await commands.cancel(world.services, ENGINE, OWNER, batch.id)
        for _ in range(10):
            step = await take_turn(world.services, ENGINE, _ref(batch))
            await _stop_all(world)
            if step["kind"] == "rest":
                break
        ended = await found(world, batch)
        assert ended.status is BatchStatus.CANCELLED, place
        assert ended.completed + ended.failed + ended.cancelled == 4, place
        made = {each.id: each for each in await videos(world) if each.id not in before}
        assert {each.phase for each in made.values()} <= {Phase.CANCELLED}, place
        told = {each.video_id async for each in world.services.batches.shots(batch.id)}
        assert set(made) <= told, f"{place}: nobody is told of a video that was made"
        return point.passed

    for runs in (1, 2):
        places = await play(0, runs)
        assert places > 30
        for place in range(1, places + 1):
            await play(place, runs)


async def test_a_limit_that_is_raised_meanwhile_pauses_nothing() -> None:
    async def play(place: int) -> Between:
        world, raised = World(), []
        batch = await ordered(world, *[SHOT] * 3)
        await world.services.batches.update(
            OWNER, batch.id, lambda current: current.with_changes(limit_usd=1.0)
        )

        async def go_on() -> None:
            raised.append(await _resume(world, batch, limit_usd=5))

        between = Between(world, place, go_on)
        await run(world, batch)
        if not raised:
            return between
        if (await found(world, batch)).status is BatchStatus.IN_PROGRESS:
            # It was at rest by then, and its instance ran still: the sweeper starts another.
            await sweep_batches(world.services, cast(Orchestrations, Engine()))
            await run(world, batch)
        ended = await found(world, batch)
        assert (ended.status, ended.completed) == (BatchStatus.COMPLETED, 3), place
        return between

    assert len([place async for place in each_place(play)]) > 10


async def _resume(world: World, batch: Batch, **asked: Any) -> Batch | None:
    answer = await commands.resume(world.services, ENGINE, OWNER, batch.id, key_id="", **asked)
    # Ordered without a key, it goes on without one.
    await world.services.batches.update(
        OWNER, batch.id, lambda current: current.with_changes(key_id=None)
    )
    return answer


async def test_who_resumes_a_batch_that_goes_on_gives_it_another_key() -> None:
    world = World()
    batch = await ordered(world, SHOT)
    for status in (BatchStatus.IN_PROGRESS, BatchStatus.PAUSED):
        if status is BatchStatus.PAUSED:
            await commands.pause(world.services, OWNER, batch.id)
        name = f"key of one {status}"
        await commands.resume(world.services, ENGINE, OWNER, batch.id, key_id=name)
        now = await found(world, batch)
        assert (now.key_id, now.status) == (name, BatchStatus.IN_PROGRESS)


@pytest.mark.parametrize("is_buried", [False, True])
async def test_a_video_that_is_deleted_while_it_renders_is_spent_all_the_same(
    is_buried: bool,
) -> None:
    world = World()
    batch = await ordered(world, SHOT)
    await take_turn(world.services, ENGINE, _ref(batch))
    [video] = await videos(world)
    await world.services.tombstones.withdraw(OWNER, video.id, world.now)
    await take_turn(world.services, ENGINE, _ref(batch))
    assert (await found(world, batch)).cancelled == 0, "it is stopped still, and nobody knows yet"

    def stopped(record: VideoRecord) -> VideoRecord:
        return record.moved_to(Phase.CANCELLED, completed_at=world.now, cost_usd=0.3)

    await world.services.records.update(OWNER, video.id, stopped)
    if is_buried:
        await world.services.tombstones.bury(OWNER, video.id, Removal.DELETED, world.now)
    await take_turn(world.services, ENGINE, _ref(batch))
    ended = await found(world, batch)
    assert (ended.status, ended.cancelled) == (BatchStatus.COMPLETED, 1)
    assert ended.spent_micros == 300_000
    [shot] = [each async for each in world.services.batches.shots(batch.id)]
    assert (shot.cost_usd, shot.error and shot.error.code) == (0.3, "video_deleted")
