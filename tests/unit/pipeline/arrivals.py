"""A container, an engine, and somebody who tells of uploads, for tests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from dailies.drops.accept import accept_drop, reject_drop
from dailies.drops.arrivals import blob_announced
from dailies.drops.sweep import sweep_drops
from dailies.engine import ACCEPT_DROP, InstanceState
from dailies.protocols.drop.announcements import Announcement
from dailies.protocols.drop.payloads import Drop
from dailies.stores import uploads
from dailies.stores.drops import OpenDrop
from tests.pictures import png
from tests.unit.pipeline.world import World

__all__ = ["IMAGE", "Bench", "Engine"]

IMAGE = png(1)


class Engine:
    """Orchestrations that only remember what was asked of them; ``run`` does a drop's work."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.states: dict[str, InstanceState] = {}
        self.started: list[Mapping[str, Any]] = []
        self.woken: list[str] = []
        self.failures: list[Exception] = []

    async def start(self, name: str, instance_id: str, payload: Mapping[str, Any]) -> None:
        if self.failures:
            raise self.failures.pop(0)
        assert name == ACCEPT_DROP
        self.states[instance_id] = InstanceState.RUNNING
        self.started.append(payload)

    async def raise_event(self, instance_id: str, event: str) -> None:
        self.woken.append(instance_id)

    async def state(self, instance_id: str) -> InstanceState:
        return self.states.get(instance_id, InstanceState.MISSING)

    async def run(self, *, last_call: bool = True) -> list[str]:
        """Let every started drop come to its end; the kinds of the answers."""
        kinds: list[str] = []
        for payload in self.started:
            drop: Drop = {**cast(Drop, payload["drop"]), "last_call": last_call}
            answer, _ = await accept_drop(self.world.services, drop)
            if answer["kind"] == "rejected":
                await reject_drop(self.world.services, drop, answer["rejection"])
            kinds.append(answer["kind"])
            instance = uploads.instance_id("references", drop["blob"], drop["etag"])
            self.states[instance] = InstanceState.COMPLETED
        self.started.clear()
        return kinds


class Bench:
    """A world with a container, an engine, and somebody who tells of uploads."""

    def __init__(self, **settings: Any) -> None:
        self.world = World(**settings)
        self.engine = Engine(self.world)
        self.container = self.world.files.container

    def put(self, name: str = "a.png", data: bytes = IMAGE, **metadata: str) -> str:
        return self.container.drop(name, data, metadata)

    async def tell(self, name: str, etag: str | None) -> None:
        engine: Any = self.engine
        await blob_announced(self.world.services, engine, Announcement((name,), etag))

    async def sweep(self) -> dict[str, int]:
        engine: Any = self.engine
        return dict(await sweep_drops(self.world.services, engine))

    async def open(self) -> list[OpenDrop]:
        return [drop async for drop in self.world.services.drops.open_drops()]

    def rejection(self) -> dict[str, str]:
        """What the one ``rejected`` event says."""
        (event,) = self.world.events.taken
        assert event.type == "dailies.video.rejected"
        assert event.data is not None
        error: dict[str, str] = event.data["error"]
        return error

    async def videos(self) -> list[str]:
        page = await self.world.services.records.list(
            "drops", after=None, limit=100, ascending=True
        )
        return [record.id for record in page.records]
