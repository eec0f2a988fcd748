"""Where videos stand in a lane, as it was a moment ago: asked of by many, built once."""

from __future__ import annotations

import bisect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dailies.engine import QuotaRequest
from dailies.routing.fair import ahead, rounds_before
from dailies.routing.forecast import PLAYED, beyond, starts, usual_seconds
from dailies.routing.lane_state import NOBODY, Lane, Waiting, rank_of
from dailies.routing.overtaking import places_before

__all__ = ["Outlook", "Standing"]


@dataclass(frozen=True, slots=True)
class Standing:
    """A video's place among those that wait: 1 is next, 0 where it has one or could have it now.
    ``eta_seconds``: until it can start; ``usual_seconds``: what it then takes."""

    position: int
    of: int
    eta_seconds: float
    usual_seconds: float


class Outlook:
    """The lane of a deployment at a moment.

    Args:
        state: as the lane's entity has stored it; None where nobody has used it.
        now: Unix seconds.
    """

    def __init__(self, state: Mapping[str, Any] | None, now: float) -> None:
        self._lane = Lane() if state is None else Lane.read(state)
        self._now = now
        self._lane.leases = {
            video: lease for video, lease in self._lane.leases.items() if lease.until > now
        }
        self._places = {
            entry.video: (owner, index)
            for owner, entries in self._lane.queue.items()
            for index, entry in enumerate(entries)
        }
        self._played: dict[float, list[float]] = {}

    def usual_seconds(self, request: QuotaRequest) -> float:
        """How long a render takes here."""
        return usual_seconds(self._lane, request)

    def standing(self, request: QuotaRequest, video: str, since: float) -> Standing:
        """Where a video stands, or would stand if it asked now.

        Args:
            since: when it came; decides among its owner's where it has not asked yet.
        """
        lane = self._lane
        usual = self.usual_seconds(request)
        if video in lane.leases:
            return Standing(0, lane.waiting, 0.0, usual)
        owner, index = self._places.get(video) or self._newcomer(request, video, since)
        counts = ahead(lane, owner, index, weight=request.get("weight", 1.0))
        position = sum(counts.values())
        rounds = rounds_before(lane, owner, index, weight=request.get("weight", 1.0))
        before = places_before(lane, request, rounds, position, self._now)
        eta = self._start(request, before) - self._now + beyond(lane, request, before)
        of = lane.waiting + (video not in self._places)
        if eta <= 0:
            return Standing(0, of, 0.0, usual)
        return Standing(position + 1, of, eta, usual)

    def _newcomer(self, request: QuotaRequest, video: str, since: float) -> tuple[str, int]:
        owner = request.get("owner", NOBODY)
        entry = Waiting(rank_of(request.get("priority", "normal")), since, video, since)
        return owner, bisect.bisect(self._lane.queue.get(owner, []), entry)

    def _start(self, request: QuotaRequest, position: int) -> float:
        """When the one with so many before it has its place; all are played once for a length."""
        usual = request["typical_seconds"]
        played = self._played.get(usual)
        if played is None:
            played = self._played[usual] = starts(self._lane, request, PLAYED + 1, self._now)
        return played[min(position, len(played) - 1)]
