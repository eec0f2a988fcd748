"""The lane of a deployment: who may send the next request, and when to ask again.

Pure rules over a JSON state; the entity ``quota`` keeps the state, one for each deployment. Two
limits are kept: requests in a window of time, and jobs running at once. Owners that wait are served
in turn, by weight (``dailies.routing.fair``); within an owner by priority, then by the time of its
first question.

- No owner starves: whatever others send, it gets its share. Within an owner, ``low`` waits for as
  long as the owner sends something higher.
- A video that may wait no longer is let through without a place, to be ended.
- A place is kept for those before the asker that are about to ask. Who is not expected soon, since
  it was told a later time or has not come when it was told to, does not keep a place empty: then
  the asker takes it, and its owner's account is charged.
- Whoever is far from a place is told to ask when most of its time is over, and near the front
  often, so that ten thousand that wait ask no more than about twice in a second.

A grant holds a lease. Whoever asks again holds one for a request that came to nothing (the provider
put it off), so asking gives it up: a lease that its holder queued behind would block the deployment
for everybody. All times are Unix seconds.
"""

from __future__ import annotations

import bisect
import math
from typing import NotRequired, TypedDict

from dailies.engine import QuotaRequest
from dailies.routing.fair import ahead, join, rounds_before, served, settle
from dailies.routing.forecast import learn, seconds_until_place, window_opens
from dailies.routing.lane_state import NOBODY, Lane, LaneState, Lease, Waiting, empty, rank_of
from dailies.routing.overtaking import learn_arrival, places_before

__all__ = ["Acquire", "Grant", "LaneState", "Release", "acquire", "empty", "release"]

_PATIENCE = 0.25
"""In windows: for so long a place is kept for one that is to ask by then."""
_LATE = 1.0
"""In windows: for so long a place is kept for one that does not ask when it was told to."""
_FORGOTTEN = 10.0
"""In windows: one that has not asked for so long has left. Until then it keeps its turn, over a
restart of the app, though not a place."""
_SHORTEST = 1 / 30
"""In windows: the least time between two questions of a video."""
_LONGEST = 5.0
"""In windows: the longest time between two questions, where few wait."""
_SECONDS_FOR_EACH = 0.5
"""The longest time grows with those that wait: together they ask at most twice in a second."""
_PART = 0.75
"""Of the time until its place, after which one that is far from it asks again."""
_LEAST_WEIGHT = 1e-3
_FRONT = 2
"""So many are always near the front: a render may end at any time."""


class Acquire(QuotaRequest):
    """A video asks to send one request now.

    ``since`` is when it asked first; a video that does not say stands there from now on.
    """

    video: str
    now: float
    since: NotRequired[float]


class Grant(TypedDict):
    """Granted, or ask again after ``wait_seconds``.

    ``position`` among all ``of`` that wait here: 1 is next, 0 is granted. ``eta_seconds``: until
    its place.
    """

    granted: bool
    wait_seconds: float
    position: int
    of: int
    eta_seconds: float


class Release(TypedDict):
    """A video neither runs nor waits any more. ``took``: seconds of its render here, where there
    was one."""

    video: str
    took: NotRequired[float | None]


def acquire(state: LaneState, request: Acquire) -> tuple[LaneState, Grant]:
    """Decide whether the video may send a request now.

    A grant holds a lease until it is released, or until the video asks again.
    """
    now, video, window = request["now"], request["video"], request["window_seconds"]
    owner = request.get("owner", NOBODY)
    lane = Lane.read(state, window)
    lane.sent = sorted(at for at in lane.sent if at > now - window)
    lane.leases = {v: lease for v, lease in lane.leases.items() if lease.until > now and v != video}
    before = lane.find(video)
    entry = _stand(lane, request, owner, before)
    index = lane.queue[owner].index(entry)
    counts = ahead(lane, owner, index)
    position = sum(counts.values())
    rounds = rounds_before(lane, owner, index)
    if before is None:
        learn_arrival(lane, request, rounds, now)
    free = _free(lane, request)
    if now >= request.get("expires_at", math.inf):
        # It is let through to its end, which needs no place.
        lane.leave(video)
        settle(lane)
        return lane.stored(), _granted(lane)
    if free > 0 and _expected(lane, counts, now, window, free) < free:
        lane.leave(video)
        served(lane, owner)
        lane.sent.append(now)
        lane.leases[video] = Lease(now + request["lease_seconds"], now)
        settle(lane)
        return lane.stored(), _granted(lane)
    total = places_before(lane, request, rounds, position, now)
    eta = seconds_until_place(lane, request, total, now)
    pause = _pause(lane, request, position, eta)
    lane.queue[owner][index] = entry._replace(due=round(now + pause, 2))
    settle(lane)
    return lane.stored(), Grant(
        granted=False,
        wait_seconds=pause,
        position=position + 1,
        of=lane.waiting,
        eta_seconds=eta,
    )


def release(state: LaneState, request: Release) -> LaneState:
    """The video no longer runs and no longer waits."""
    lane = Lane.read(state)
    video, took = request["video"], request.get("took")
    if took is not None and took > 0:
        learn(lane, took)
    lane.leases.pop(video, None)
    lane.leave(video)
    settle(lane)
    return lane.stored()


def _granted(lane: Lane) -> Grant:
    return Grant(granted=True, wait_seconds=0.0, position=0, of=lane.waiting, eta_seconds=0.0)


def _stand(lane: Lane, request: Acquire, owner: str, before: Waiting | None) -> Waiting:
    """Put the video into its owner's queue, where it may stand already; drop who has left."""
    now, video, since = request["now"], request["video"], request.get("since")
    gone = now - _FORGOTTEN * request["window_seconds"]
    if since is None and before is not None:
        since = before.since
    for name, entries in list(lane.queue.items()):
        lane.put(name, [entry for entry in entries if entry.due > gone or entry.video == video])
    # Before the video leaves its old place: an owner that waits with it alone keeps its turn.
    join(lane, owner, max(request.get("weight", 1.0), _LEAST_WEIGHT))
    lane.leave(video)
    rank = rank_of(request.get("priority", "normal"))
    entry = Waiting(rank, round(now if since is None else since, 3), video, now)
    bisect.insort(lane.queue.setdefault(owner, []), entry)
    return entry


def _free(lane: Lane, request: QuotaRequest) -> int:
    """How many requests may leave at once."""
    concurrent, per_window = request["concurrent"], request["per_window"]
    room = lane.waiting
    if concurrent is not None:
        room = min(room, concurrent - len(lane.leases))
    if per_window is not None:
        room = min(room, per_window - len(lane.sent))
    return room


def _expected(lane: Lane, counts: dict[str, int], now: float, window: float, enough: int) -> int:
    """How many of those ahead are about to ask; counted no further than to ``enough``."""
    first, last = now - _LATE * window, now + _PATIENCE * window
    number = 0
    for owner, count in counts.items():
        for entry in lane.queue[owner][:count]:
            if first <= entry.due <= last:
                number += 1
                if number == enough:
                    return number
    return number


def _pause(lane: Lane, request: Acquire, position: int, eta: float) -> float:
    """Seconds until the video should ask again."""
    now, window, concurrent = request["now"], request["window_seconds"], request["concurrent"]
    shortest, patience = _SHORTEST * window, _PATIENCE * window
    longest = max(_LONGEST * window, _SECONDS_FOR_EACH * lane.waiting)
    opens = window_opens(lane, request, now)
    if concurrent is None or len(lane.leases) + position < concurrent:
        # Only the window keeps it back, and when that has room is known.
        pause = eta if eta <= window else _PART * eta
    elif position < _FRONT or eta <= 2 * patience:
        pause = max(opens, min(_PART * eta, patience))
    else:
        pause = max(opens, _PART * eta)
    ends = request.get("expires_at", math.inf) - now
    return min(max(pause, shortest), longest, ends)
