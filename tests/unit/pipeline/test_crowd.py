"""The same work for many: a few at a time, and no more is asked for than is worked on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from dailies.pipeline.crowd import for_each


class Numbers:
    """Numbers to work on; ``asked`` is the last that was asked for."""

    def __init__(self, many: int) -> None:
        self._many = many
        self.asked = -1

    async def __aiter__(self) -> AsyncIterator[int]:
        for number in range(self._many):
            self.asked = number
            yield number


async def test_a_few_at_a_time_and_all_in_the_end() -> None:
    numbers, done, running, most = Numbers(50), set[int](), 0, 0

    async def do(number: int) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        assert numbers.asked - number <= 4  # those beside it, and the next that waits for a place
        await asyncio.sleep(0.001)
        running -= 1
        done.add(number)

    await for_each(aiter(numbers), do, at_once=4)
    assert (most, done) == (4, set(range(50)))


async def test_what_one_raises_ends_the_others_and_comes_out() -> None:
    ended: list[int] = []

    async def do(number: int) -> None:
        if number == 2:
            raise ValueError("two")
        try:
            await asyncio.sleep(60)
        finally:
            ended.append(number)

    with pytest.raises(ValueError, match="two"):
        await for_each(aiter(Numbers(9)), do, at_once=3)
    assert sorted(ended) == [0, 1]
