"""What could be told at best: by one who knows by what law videos come and how renders are spread.

It plays a lane forward from where it stood when a video was first told a time, many times, with
other renders and others that come each time, and tells the median. Of bursts that have begun it
knows the rest, but for how urgent that is. What is left of the error nobody could spare who does
not see the future.
"""

from __future__ import annotations

import bisect
import dataclasses
import heapq
import math
import random
import statistics
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from dailies.routing.fair import join, served
from dailies.routing.lane_state import Lane, Waiting, rank_of
from tests.unit.routing.lane_world import PATIENCE, WINDOW, Arrival, Limits

__all__ = ["Render", "best"]

Render = Callable[[random.Random], float]
"""How long one takes, drawn."""
_ROUNDS = 40
_GAP = 5.0
"""Seconds between two of an owner's that are of one burst, at most."""
_LONGEST = 300.0
"""Seconds after which every burst is over."""
_TRIES = 200


def best(
    state: Any,
    now: float,
    video: str,
    *,
    limits: Limits,
    render: Render,
    known: Sequence[Arrival],
    days: Sequence[Sequence[Arrival]],
    rng: random.Random,
) -> float:
    """Seconds from ``now`` until the video ends, as one would tell who knows the law.

    Args:
        state: the lane in which the video waits.
        known: all that come, in order, of which the rest of bursts is looked at.
        days: what comes on others, each of them in order.
    """
    rest = list(_rest(known, now))
    ends = []
    for _ in range(_ROUNDS):
        day = rng.choice(days)
        # From any moment of its first half.
        begins = rng.uniform(0, day[-1].at / 2)
        first = bisect.bisect(day, begins, key=lambda one: one.at)
        drawn = ((one.at - begins + now, one) for one in day[first:])
        burst = [
            (one.at, dataclasses.replace(one, priority=rng.choice(day).priority)) for one in rest
        ]
        coming = heapq.merge(burst, drawn, key=lambda pair: pair[0])
        start = _start(Lane.read(state), now, video, limits, render, coming, rng)
        ends.append(start + render(rng) - now)
    return statistics.median(ends)


def _rest(known: Sequence[Arrival], now: float) -> Iterator[Arrival]:
    """What comes of the bursts that have begun."""
    last: dict[str, float] = {}
    for one in known[bisect.bisect(known, now - _GAP, key=lambda one: one.at) :]:
        if one.at > now + _LONGEST:
            return
        if one.at > now and one.at - last.get(one.owner, -math.inf) > _GAP:
            continue
        last[one.owner] = one.at
        if one.at > now:
            yield one


def _start(
    lane: Lane,
    now: float,
    video: str,
    limits: Limits,
    render: Render,
    coming: Iterator[tuple[float, Arrival]],
    rng: random.Random,
) -> float:
    """When the video starts, if that comes."""
    ends = [lease.since + _longer(render, now - lease.since, rng) for lease in lane.leases.values()]
    heapq.heapify(ends)
    sent, newcomer = list(lane.sent), next(coming, None)
    while True:
        # Who has a free place asks some time after.
        if limits.concurrent is not None and len(ends) >= limits.concurrent:
            now = max(now, heapq.heappop(ends) + rng.uniform(0, PATIENCE))
        if limits.per_window is not None and len(sent) >= limits.per_window:
            now = max(now, sent[-limits.per_window] + WINDOW)
        while newcomer is not None and newcomer[0] <= now:
            _come(lane, *newcomer)
            newcomer = next(coming, None)
        owner = min(lane.queue, key=lambda name: (lane.flows[name].tag, lane.queue[name][0].since))
        entry = lane.queue[owner][0]
        lane.put(owner, lane.queue[owner][1:])
        served(lane, owner)
        if entry.video == video:
            return now
        sent.append(now)
        heapq.heappush(ends, now + render(rng))


def _come(lane: Lane, at: float, one: Arrival) -> None:
    if one.cancelled_at is not None:
        return
    join(lane, one.owner, one.weight)
    entry = Waiting(rank_of(one.priority), at, "newcomer", at)
    bisect.insort(lane.queue.setdefault(one.owner, []), entry)


def _longer(render: Render, elapsed: float, rng: random.Random) -> float:
    """A render that has taken so long already."""
    for _ in range(_TRIES):
        took = render(rng)
        if took > elapsed:
            return took
    return elapsed
