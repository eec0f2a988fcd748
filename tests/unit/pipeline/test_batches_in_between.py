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
from dailies.video.batch import Batch, BatchStatus
from dailies.video.errors import Conflict
from tests.unit.pipeline.between import Between, each_place
from tests.unit.pipeline.test_batches import (
    ENGINE,
    SHOT,
    Engine,
    end_all,
    events,
    found,
    ordered,
    run,
)
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
