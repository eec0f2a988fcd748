"""How many videos of an owner may be unfinished at once."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["Room"]

_PART = 20
"""A part of the room that is left is filled before it is counted again: several processes that do
so together stay within it."""
_SECONDS = 10.0


class Room:
    """The creates of this process that have no record yet.

    Videos are counted in storage; between that and a record's insert others come, so that each
    counts those before it too. Another instance of the app does not see them: of creates that reach
    several instances at one moment, each may let as many through.
    """

    def __init__(self) -> None:
        self._arriving: defaultdict[str, set[str]] = defaultdict(set)
        self._ample: dict[str, tuple[int, float]] = {}

    def counted(self, owner: str, left: int) -> None:
        """In storage there is room for so many more videos of the owner's."""
        self._ample[owner] = left // _PART, time.monotonic() + _SECONDS

    def is_ample(self, owner: str) -> bool:
        """Whether one more need not be counted for: there was room for many a moment ago, and this
        process has taken few since. Near the limit every video is counted for."""
        few, until = self._ample.get(owner, (0, 0.0))
        if few <= 0 or time.monotonic() >= until:
            # So that owners who come no more are not kept for ever.
            self._ample.pop(owner, None)
            return False
        self._ample[owner] = few - 1, until
        return True

    @contextmanager
    def arriving(self, owner: str, video_id: str) -> Iterator[frozenset[str]]:
        """Hold a place for a video until its record is written; the ids of those that came before
        and do so too."""
        others = self._arriving[owner]
        before = frozenset(others)
        others.add(video_id)
        try:
            yield before
        finally:
            others.discard(video_id)
            if not others:
                self._arriving.pop(owner, None)
