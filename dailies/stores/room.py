"""How many videos of an owner may be unfinished at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["Room"]


class Room:
    """The creates of this process that have no record yet.

    Videos are counted in storage; between that and a record's insert others come, so that each
    counts those before it too. Another instance of the app does not see them: of creates that reach
    several instances at one moment, each may let as many through.
    """

    def __init__(self) -> None:
        self._arriving: defaultdict[str, set[str]] = defaultdict(set)

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
