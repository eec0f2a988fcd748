"""Queues of keys (instances, entities) of which each is worked on by one task at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

__all__ = ["KeyedWork"]


class KeyedWork:
    """Calls a handler for every key that was woken, never twice at once for the same key.

    A key that is woken while its handler runs is handled once more afterwards. Memory is used for
    the keys that wait, nothing else.

    :param handle: returns whether the key has more to do at once.
    """

    def __init__(self, handle: Callable[[str], Awaitable[bool]], concurrency: int) -> None:
        self._handle = handle
        self._concurrency = concurrency
        self._queue: asyncio.Queue[str] = asyncio.Queue()
        self._queued: set[str] = set()
        self._running: set[str] = set()
        self._again: set[str] = set()

    def wake(self, key: str) -> None:
        """There is something to do for `key`."""
        if key in self._running:
            self._again.add(key)
        elif key not in self._queued:
            self._queued.add(key)
            self._queue.put_nowait(key)

    async def run(self) -> None:
        """Work until cancelled. What a handler raises ends it: a fault of the host itself."""
        async with asyncio.TaskGroup() as group:
            for _ in range(self._concurrency):
                group.create_task(self._work())

    async def _work(self) -> None:
        while True:
            key = await self._queue.get()
            self._queued.discard(key)
            self._running.add(key)
            try:
                more = await self._handle(key)
            finally:
                self._running.discard(key)
            if more or key in self._again:
                self._again.discard(key)
                self.wake(key)
