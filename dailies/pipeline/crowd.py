"""The same work for many, a few of them at a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

__all__ = ["for_each"]

Item = TypeVar("Item")


async def for_each(
    items: AsyncIterator[Item], do: Callable[[Item], Awaitable[None]], *, at_once: int
) -> None:
    """``do`` it for every item, for ``at_once`` of them side by side, in the order of their
    beginnings. No more items are asked for than are being worked on.

    Raises:
        BaseException: the first that ``do`` raised; what else runs is cancelled then.
    """
    places = asyncio.Semaphore(at_once)

    async def work(item: Item) -> None:
        try:
            await do(item)
        finally:
            places.release()

    try:
        async with asyncio.TaskGroup() as group:
            async for item in items:
                await places.acquire()
                group.create_task(work(item))
    except BaseExceptionGroup as raised:
        raise raised.exceptions[0] from None
