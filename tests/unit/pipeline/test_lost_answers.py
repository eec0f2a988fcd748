"""A write that arrived though its answer was lost: the SDK sends it again, its condition fails, and
whoever wrote it must not take its own for another's."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from azure.core.exceptions import ResourceModifiedError

from dailies.batches import commands
from dailies.batches.removing import remove_batch
from dailies.owners.budget import Budget, Scope
from dailies.pipeline.finish import finish_video
from dailies.pipeline.publish import publish_events
from dailies.pipeline.remove import remove_video
from dailies.stores.tombstones import Removal
from dailies.video.batch import BatchStatus
from tests.unit.pipeline.memory import refused
from tests.unit.pipeline.test_batches import ENGINE, SHOT, ordered, run
from tests.unit.pipeline.test_webhooks_in_between import failed_video
from tests.unit.pipeline.world import OWNER, World, ref

FAILED = {"code": "moderation_blocked", "message": "It was blocked."}


class _Lost:
    """Loses the answer to the first write of a kind; ``status``: what the SDK is told when it sends
    a transaction again."""

    def __init__(self, world: World, write: str, status: int = 412) -> None:
        self.losses = 0
        self._write, self._status = f"{write} ended", status
        world.go_wrong(self.point)

    async def point(self, name: str) -> None:
        if name != self._write or self.losses:
            return
        self.losses += 1
        if name.endswith("update ended"):
            raise ResourceModifiedError("the condition is not met")
        raise refused(0, self._status, "The condition is not met.")


async def _remove_video(world: World) -> tuple[_Lost, bool]:
    video = await world.accepted()
    await finish_video(world.services, ref(video, error=FAILED))
    lost = _Lost(world, "videos.transaction", 404)
    return lost, await remove_video(world.services, OWNER, video.id, Removal.DELETED)


async def _remove_batch(world: World) -> tuple[_Lost, bool]:
    batch = await run(world, await ordered(world, SHOT))
    lost = _Lost(world, "batches.transaction", 404)
    await remove_batch(world.services, batch)
    return lost, await world.services.batches.get(OWNER, batch.id) is None


async def _try_again(world: World) -> tuple[_Lost, bool]:
    batch = await run(world, await ordered(world, {**SHOT, "prompt": "it fails"}))
    lost = _Lost(world, "batches.update")
    again, is_earlier = await commands.retry(
        world.services, ENGINE, OWNER, batch.id, key_id="", sent_key=None, is_again=False
    )
    assert again is not None
    return lost, (again.run, again.status, is_earlier) == (2, BatchStatus.IN_PROGRESS, False)


async def _delete_budget(world: World) -> tuple[_Lost, bool]:
    ledger = world.services.records.ledger
    await ledger.set_budget(OWNER, Scope.OWNER, OWNER, Budget(day_usd=1))
    lost = _Lost(world, "videos.transaction")
    return lost, await ledger.delete_budget(OWNER, Scope.OWNER, OWNER)


async def _hand_over(world: World) -> tuple[_Lost, bool]:
    video = await failed_video(world)
    lost = _Lost(world, "webhooks.transaction", 409)
    await publish_events(world.services, ref(video))
    return lost, world.services.doorbell.heard()


@pytest.mark.parametrize(
    "write",
    [_remove_video, _remove_batch, _try_again, _delete_budget, _hand_over],
    ids=["a removal", "a batch's removal", "another run", "a budget's end", "a delivery"],
)
async def test_a_write_whose_answer_was_lost_is_known_as_ones_own(
    write: Callable[[World], Awaitable[tuple[_Lost, bool]]],
) -> None:
    lost, is_known = await write(World())
    assert lost.losses == 1, "nothing was lost"
    assert is_known
