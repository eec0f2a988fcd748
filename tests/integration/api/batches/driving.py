"""Batches as callers send them, and turns at them as the orchestration takes them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import httpx

from dailies.batches.turn import take_turn
from dailies.engine import BatchStep
from dailies.video.basics import Phase, VideoError
from dailies.video.batch import Batch
from dailies.video.record import VideoRecord
from tests.integration.api.world import World

__all__ = ["SHOT", "Driver", "accepted", "lines", "order"]

SHOT = {"prompt": "a pier", "seconds": 4, "size": "720x1280"}  # for $0.40

_MOST_TURNS = 60


def lines(*shots: dict[str, Any]) -> str:
    """JSON Lines."""
    return "\n".join(json.dumps(shot) for shot in shots)


async def order(
    client: httpx.AsyncClient, body: str, media: str = "application/jsonl", **query: Any
) -> httpx.Response:
    """Send a batch."""
    headers = {"Content-Type": media}
    return await client.post("/v1/video_batches", content=body, headers=headers, params=query)


class Driver:
    """Takes the turns of one of alice's batches, and ends its videos."""

    def __init__(self, world: World, batch_id: str) -> None:
        self.world = world
        self.id = batch_id
        self.owner = world.owners["alice"]

    async def turn(self) -> BatchStep:
        """One turn."""
        ref = {"id": self.id, "owner": self.owner, "traceparent": None}
        return await take_turn(self.world.services, self.world.engine, ref)  # type: ignore[arg-type] # a literal

    async def batch(self) -> Batch:
        """The batch as it is now."""
        found = await self.world.services.batches.get(self.owner, self.id)
        assert found is not None
        return found

    async def public(self) -> dict[str, Any]:
        """The batch as its owner sees it."""
        answer = await self.world.alice.get(f"/v1/video_batches/{self.id}")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def under_way(self) -> list[str]:
        """The ids of the videos that are under way."""
        return [video.video_id for video in (await self.batch()).under_way]

    async def end(self, video_ids: Sequence[str], code: str | None = None) -> None:
        """Let videos end: done at 40 cents, or failed."""
        for video_id in video_ids:
            await self.world.services.records.update(
                self.owner, video_id, lambda record: self._ended(record, code)
            )

    def _ended(self, record: VideoRecord, code: str | None) -> VideoRecord:
        now = self.world.now
        if code is not None:
            return record.failed(VideoError(code, "It went wrong."), now)
        return record.moved_to(Phase.DONE, progress=100, completed_at=now, cost_usd=0.4)

    async def to_the_end(self) -> None:
        """Let everything come true."""
        for _ in range(_MOST_TURNS):
            step = await self.turn()
            if step["kind"] == "rest":
                return
            await self.end(await self.under_way())
        raise AssertionError("the batch does not end")

    async def shots(self, **query: Any) -> list[dict[str, Any]]:
        """What its owner is told of its shots."""
        answer = await self.world.alice.get(f"/v1/video_batches/{self.id}/videos", params=query)
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["data"]
        return found


async def accepted(world: World, *shots: dict[str, Any], **query: Any) -> Driver:
    """A batch of alice's that was accepted."""
    answer = await order(world.alice, lines(*shots), **query)
    assert answer.status_code == 200, answer.text
    return Driver(world, answer.json()["id"])
