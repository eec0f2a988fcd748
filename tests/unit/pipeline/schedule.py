"""Interleavings on purpose: every call waits for its turn, and the turns are dealt by a seed.

Time is simulated: a task that sleeps is woken when everyone else waits for later, and each call
takes a little of it, now and then a lot. A call can also be where its execution dies.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any

from tests.unit.pipeline.world import World

__all__ = ["Crash", "Scheduler"]


class Crash(Exception):
    """The process died here."""


@dataclass(order=True)
class _Parked:
    due: float
    number: int
    name: str | None = field(compare=False)
    future: asyncio.Future[None] = field(compare=False)


class Scheduler:
    """Deals turns to the tasks of one test.

    Args:
        crash: the chance that a call is the end of its execution.
        stall: the chance that a call to the provider takes longer than any timeout.
    """

    def __init__(self, world: World, seed: int, *, crash: float = 0.0, stall: float = 0.0) -> None:
        self._world = world
        self._random = random.Random(seed)
        self._crash = crash
        self._stall = stall
        self._parked: list[_Parked] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._count = 0
        world.go_wrong(self.point)

    async def point(self, name: str) -> None:
        """A call begins or ends: others may go first."""
        await self._park(self._world.now, name)

    async def sleep(self, seconds: float) -> None:
        """Wait in simulated time."""
        await self._park(self._world.now + seconds, None)

    def chance(self, share: float) -> bool:
        """A throw of the dice."""
        return self._random.random() < share

    def spawn(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Run something beside the others."""
        self._tasks.add(asyncio.ensure_future(coroutine))

    async def run(self) -> None:
        """Deal turns until all tasks are done, and raise what one of them raised."""
        while any(not task.done() for task in self._tasks):
            await self._settle()
            if self._parked:
                self._deal()
        for task in self._tasks:
            task.result()

    async def _settle(self) -> None:
        """Let every task run until it waits for its turn."""
        # Nobody tells when the last one waits: the tasks know nothing of the scheduler.
        while len(self._parked) < sum(not task.done() for task in self._tasks):  # noqa: ASYNC110
            # Writers that met wait a moment of real time before they try again.
            await asyncio.sleep(0 if self._random.random() < 0.99 else 0.001)

    def _deal(self) -> None:
        ready = [parked for parked in self._parked if parked.due <= self._world.now]
        chosen = self._random.choice(ready) if ready else min(self._parked)
        self._parked.remove(chosen)
        self._world.now = max(self._world.now, chosen.due) + self._random.uniform(0.0, 0.5)
        name = chosen.name
        if name is not None and name.startswith(("create", "list")) and self.chance(self._stall):
            chosen.due = self._world.now + self._random.uniform(60, 300)
            self._parked.append(chosen)
        elif name is not None and self.chance(self._crash):
            chosen.future.set_exception(Crash())
        else:
            chosen.future.set_result(None)

    async def _park(self, due: float, name: str | None) -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._count += 1
        self._parked.append(_Parked(due, self._count, name, future))
        await future
