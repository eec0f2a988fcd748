"""What somebody else does between any two calls of what is being done."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

from tests.unit.pipeline.memory import no_point
from tests.unit.pipeline.world import World

__all__ = ["Between", "each_place"]

Act = Callable[[], Awaitable[object]]


class Between:
    """A ``Point`` at which, when it is passed for that time, ``act`` is done as a whole.

    Args:
        place: which call, from 1; at 0 nothing is done.
    """

    def __init__(self, world: World, place: int, act: Act) -> None:
        self.passed = 0
        self._world = world
        self._place = place
        self._act = act
        world.go_wrong(self.point)

    async def point(self, name: str) -> None:
        """A call begins or ends."""
        self.passed += 1
        if self.passed == self._place:
            self._world.go_wrong(no_point)
            await self._act()
            self._world.go_wrong(self.point)


async def each_place(play: Callable[[int], Awaitable[Between]]) -> AsyncIterator[int]:
    """Each place of a play, once it was played there; it says what it was played between."""
    places = (await play(0)).passed
    assert places > 2, "there is no call to get between"
    for place in range(1, places + 1):
        await play(place)
        yield place
