"""When a place in a lane is free: what runs and what is sent, played forward."""

from __future__ import annotations

import heapq
import math
import statistics

from dailies.engine import QuotaRequest
from dailies.routing.lane_state import Lane, Lease

__all__ = [
    "PLAYED",
    "beyond",
    "learn",
    "rate",
    "seconds_until_place",
    "starts",
    "usual_seconds",
    "window_opens",
]

_KEPT = 32
"""Renders that are remembered: enough for a steady figure, few enough to follow a change."""
_ENOUGH = 5
"""With fewer, the catalogue's figure is better."""
_OUTLIER = 3.0
"""A render that took so many times the median counts as that: one that hung tells nothing."""
_GOLDEN = 0.618034
_LAG, _LAG_PART = 0.125, 0.375
"""In windows, and of a render: for so long a place is free until one asks that may have it. Those
at the front ask after a quarter of a window, or three quarters of the time until their place."""
PLAYED = 400
"""Starts that are played one by one; beyond, they go on at the rate that the limits allow."""


def learn(lane: Lane, took: float) -> None:
    """A render has taken so many seconds here."""
    lane.took = [*lane.took, round(took, 2)][-_KEPT:]


def usual_seconds(lane: Lane, request: QuotaRequest) -> float:
    """How long a render takes here, for what waits behind it: a mean, since that is what many
    renders take together, with outliers cut."""
    if len(lane.took) < _ENOUGH:
        return request["typical_seconds"]
    most = _OUTLIER * statistics.median(lane.took)
    return statistics.fmean(min(took, most) for took in lane.took)


def window_opens(lane: Lane, request: QuotaRequest, now: float) -> float:
    """Seconds until the window has room for one more request."""
    most = request["per_window"]
    if most is None or len(lane.sent) < most:
        return 0.0
    return max(0.0, lane.sent[-most] + request["window_seconds"] - now)


def seconds_until_place(lane: Lane, request: QuotaRequest, position: int, now: float) -> float:
    """Seconds until the one with so many before it has a place, if all of them take theirs."""
    played = starts(lane, request, min(position, PLAYED) + 1, now)
    return played[-1] - now + beyond(lane, request, position)


def beyond(lane: Lane, request: QuotaRequest, position: int) -> float:
    """Seconds for those before it that are not played one by one: at the rate that the limits
    allow."""
    return max(0, position - PLAYED) / rate(lane, request)


def starts(lane: Lane, request: QuotaRequest, number: int, now: float) -> list[float]:
    """When the next so many that wait have their places."""
    usual = usual_seconds(lane, request)
    lag = _lag(request, usual)
    free = _places(lane, request, usual, now)
    sent = list(lane.sent)
    most, window = request["per_window"], request["window_seconds"]
    start = now
    for _ in range(number):
        start = max(start, free[0]) if free is not None else start
        if most is not None and len(sent) >= most:
            start = max(start, sent[-most] + window)
        if free is not None:
            heapq.heapreplace(free, start + usual + lag)
        sent.append(start)
    return sent[-number:]


def rate(lane: Lane, request: QuotaRequest) -> float:
    """Starts in a second, while many wait."""
    usual = usual_seconds(lane, request)
    turn = usual + _lag(request, usual)
    concurrent, most = request["concurrent"], request["per_window"]
    by_jobs = math.inf if concurrent is None else concurrent / max(turn, 1e-3)
    by_requests = math.inf if most is None else most / request["window_seconds"]
    return min(by_jobs, by_requests)


def _lag(request: QuotaRequest, usual: float) -> float:
    """Seconds from the end of a job until the next one starts in its place."""
    return min(_LAG * request["window_seconds"], _LAG_PART * usual)


def _places(lane: Lane, request: QuotaRequest, usual: float, now: float) -> list[float] | None:
    """When each place for a running job is free, as a heap; None where there is no limit."""
    concurrent = request["concurrent"]
    if concurrent is None:
        return None
    running = sorted(lane.leases.values(), key=lambda lease: lease.since)
    taken = now + _lag(request, usual)
    ends = sorted(
        # One of many ends soon, whatever each may expect: they take their parts of the spread,
        # which the multiples of the golden ratio fill evenly, whoever of them is the oldest.
        taken + _remaining(lane, lease, usual, now, part=(number * _GOLDEN + 0.5) % 1)
        for number, lease in enumerate(running)
    )
    # Where more run than may, since the limit was lowered, the first to end make no room.
    ends = ends[max(0, len(ends) - concurrent) :]
    return [*[now] * (concurrent - len(ends)), *ends]


def _remaining(lane: Lane, lease: Lease, usual: float, now: float, *, part: float) -> float:
    """Seconds that a render still takes, given how long it has run already; ``part`` of those that
    took longer took no more."""
    # Of a lease of before that was known, half of it is over.
    elapsed = now - lease.since if lease.since else usual / 2
    longer = sorted(took - elapsed for took in lane.took if took > elapsed)
    if len(lane.took) >= _ENOUGH and longer:
        left = longer[int(part * len(longer))]
    elif elapsed < usual:
        left = usual - elapsed
    else:
        left = usual / 4
    return min(left, max(0.0, lease.until - now))
