"""The rules of before there were lanes, kept to be measured beside those of today: a deployment's
quota, first come first served whoever's the videos are.

Pure rules over a JSON state; the ``quota`` entity keeps the state, one for each deployment. Two
limits are kept: requests in a window of time, and jobs running at once. Whoever waits stands in a
queue by the time of its first question, so that nobody starves.

A grant holds a lease. Whoever asks again holds one for a request that came to nothing (the provider
put it off), so asking gives it up: a lease that its holder queued behind would block the deployment
for everybody. All times are Unix seconds.
"""

from __future__ import annotations

from typing import NotRequired, TypedDict

from dailies.engine import QuotaRequest

__all__ = ["Acquire", "Grant", "QuotaState", "acquire", "empty", "release"]

# In windows. Those ahead may leave at any time, and nobody wakes who is told to wait for hours.
_LONGEST_WAIT = 5


class Acquire(QuotaRequest):
    """A video asks to send one request now.

    ``since`` is its place in the queue; a video that does not say stands there from now on.
    """

    video: str
    now: float
    since: NotRequired[float]


class Grant(TypedDict):
    """Granted, or ask again after ``wait_seconds``."""

    granted: bool
    wait_seconds: float


class QuotaState(TypedDict):
    """``sent``: when requests left, in the window. ``leases``: running videos and when their lease
    ends by itself. ``queue``: waiting videos, ``[video, since, until]``; one that did not ask again
    before ``until`` has left."""

    sent: list[float]
    leases: dict[str, float]
    queue: list[tuple[str, float, float]]


def empty() -> QuotaState:
    """The state of a deployment that nobody has used."""
    return {"sent": [], "leases": {}, "queue": []}


def acquire(state: QuotaState, request: Acquire) -> tuple[QuotaState, Grant]:
    """Decide whether the video may send a request now.

    A grant holds a lease until it is released, or until the video asks again.
    """
    now, video = request["now"], request["video"]
    sent = sorted(at for at in state["sent"] if at > now - request["window_seconds"])
    leases = {v: until for v, until in state["leases"].items() if until > now and v != video}
    queue = [entry for entry in state["queue"] if entry[2] > now or entry[0] == video]
    if all(entry[0] != video for entry in queue):
        queue.append((video, request.get("since", now), now))
    queue.sort(key=lambda entry: (entry[1], entry[0]))
    position = next(i for i, entry in enumerate(queue) if entry[0] == video)
    wait = _wait(request, sent, len(leases), position)
    if wait <= 0:
        sent.append(now)
        leases[video] = now + request["lease_seconds"]
        queue = [entry for entry in queue if entry[0] != video]
        return _state(sent, leases, queue), {"granted": True, "wait_seconds": 0.0}
    since = queue[position][1]
    # Late by less than a window is still in the queue.
    queue[position] = (video, since, now + wait + request["window_seconds"])
    return _state(sent, leases, queue), {"granted": False, "wait_seconds": wait}


def release(state: QuotaState, video: str) -> QuotaState:
    """The video no longer runs and no longer waits."""
    return _state(
        state["sent"],
        {v: until for v, until in state["leases"].items() if v != video},
        [entry for entry in state["queue"] if entry[0] != video],
    )


def _wait(request: Acquire, sent: list[float], running: int, position: int) -> float:
    """Seconds until it is worth asking again; 0 when a request may be sent now."""
    window = request["window_seconds"]
    shortest, longest = window / 30, window * _LONGEST_WAIT
    wait = 0.0
    concurrent = request["concurrent"]
    if concurrent is not None and running + position >= concurrent:
        # When a running job will end is not known; one usual render for each round of the queue.
        rounds = max(0, running + position - concurrent) / concurrent
        wait = max(shortest, min(window, rounds * request["typical_seconds"] * 0.5))
    per_window = request["per_window"]
    if per_window is not None:
        # Everyone ahead takes a place in the window first.
        index = len(sent) + position - per_window
        if index >= 0:
            rounds_ahead, place = divmod(index, per_window)
            base = sent[place] if place < len(sent) else request["now"]
            wait = max(wait, base + window * (1 + rounds_ahead) - request["now"], shortest)
    return min(wait, longest)


def _state(
    sent: list[float], leases: dict[str, float], queue: list[tuple[str, float, float]]
) -> QuotaState:
    return {"sent": sent, "leases": leases, "queue": queue}
