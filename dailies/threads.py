"""Threads for work that would hold the event loop up, a few for each kind of it.

Every kind has threads of its own, since all functions of a worker share one loop and what it calls
its default threads: names that no server answers must not keep pictures from being decoded, nor the
other way round.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import TypeVar

__all__ = ["Pool"]

T = TypeVar("T")


class Pool:
    """A few threads, started as they are needed.

    Args:
        name: what the threads are called.
        threads: how many calls run at once.
        seconds: how long a caller waits for its answer, its place in the queue included. A call
            that has begun can't be broken off: it keeps its thread until it is done.
    """

    def __init__(self, name: str, *, threads: int, seconds: float) -> None:
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._places = asyncio.Semaphore(threads)
        self._seconds = seconds

    async def run(self, call: Callable[[], T]) -> T:
        """What ``call`` gives, in a thread and in the caller's context.

        Raises:
            TimeoutError: it took too long; what had not begun never will.
        """
        context = contextvars.copy_context()
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(self._seconds):
            return await loop.run_in_executor(self._executor, context.run, call)

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """Wait until a thread is free, before what it needs is loaded: who waits holds nothing.

        Raises:
            TimeoutError: none was, in time.
        """
        async with asyncio.timeout(self._seconds):
            await self._places.acquire()
        try:
            yield
        finally:
            self._places.release()
