"""Videos at one deployment, by a clock of their own: they come, ask when they were told to, render,
are cancelled, or vanish without a word. What they are told is kept."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from dailies.routing.forecast import usual_seconds
from dailies.routing.lane import Acquire, LaneState, acquire, empty, release
from dailies.routing.lane_state import Lane

__all__ = ["PATIENCE", "WINDOW", "Arrival", "Limits", "Run", "Told", "ask", "run"]

WINDOW = 60.0
PATIENCE = 0.25 * WINDOW


@dataclass(frozen=True)
class Limits:
    """What a deployment allows; ``typical``: what the catalogue says that a render takes."""

    per_window: int | None = 2
    concurrent: int | None = 2
    typical: float = 60.0
    lease: float = 5400.0


@dataclass(frozen=True)
class Arrival:
    """A video. ``vanishes_after`` so many questions nobody hears of it any more; ``cancelled_at``
    it is, unless it renders by then. ``learns``: its end tells how long it took."""

    at: float
    renders: float
    owner: str = "one"
    weight: float = 1.0
    priority: str = "normal"
    vanishes_after: int | None = None
    cancelled_at: float | None = None
    learns: bool = True


@dataclass(frozen=True)
class Told:
    """An answer that was no grant."""

    number: int
    at: float
    position: int
    of: int
    eta: float
    pause: float
    usual: float


@dataclass
class Run:
    """What happened: when each was let through, when it ended, and what it was told before.

    ``overtaken``: who was let through where there was room only for those that had a better place
    and were about to ask.
    """

    started: dict[int, float] = field(default_factory=dict)
    ended: dict[int, float] = field(default_factory=dict)
    told: list[Told] = field(default_factory=list)
    questions: int = 0
    overtaken: list[tuple[int, list[int]]] = field(default_factory=list)
    state: LaneState = field(default_factory=empty)

    def room(self, limits: Limits, now: float) -> float:
        """How many may be let through now."""
        running = len(self.started) - len(self.ended)
        sent = sum(at > now - WINDOW for at in self.started.values())
        return min(
            float("inf") if limits.concurrent is None else limits.concurrent - running,
            float("inf") if limits.per_window is None else limits.per_window - sent,
        )

    @property
    def order(self) -> list[int]:
        """The videos by when they were let through."""
        return sorted(self.started, key=lambda number: self.started[number])


def ask(video: str, now: float, limits: Limits, **fields: object) -> Acquire:
    """A question; ``fields`` beside the limits are as in ``Acquire``."""
    question: Acquire = {
        "deployment": "d",
        "per_window": limits.per_window,
        "window_seconds": WINDOW,
        "concurrent": limits.concurrent,
        "typical_seconds": limits.typical,
        "lease_seconds": limits.lease,
        "video": video,
        "now": now,
    }
    return {**question, **fields}  # type: ignore[typeddict-item] # the fields are Acquire's


def run(
    arrivals: Sequence[Arrival],
    limits: Limits,
    *,
    until: float = float("inf"),
    state: LaneState | None = None,
    most_questions: int = 200_000,
    watch: Callable[[Told, LaneState], None] = lambda told, state: None,
) -> Run:
    """Let each video ask when it was told to, until all have ended, or so much time has passed.

    ``state``: in which the first of them finds the lane. ``watch`` hears each answer that is no
    grant, and how the lane then stands.
    """
    seen = Run(state=state or empty())
    ticket = itertools.count()
    events = [(arrival.at, next(ticket), n, "ask") for n, arrival in enumerate(arrivals)]
    events += [
        (arrival.cancelled_at, next(ticket), n, "cancel")
        for n, arrival in enumerate(arrivals)
        if arrival.cancelled_at is not None
    ]
    heapq.heapify(events)
    asked = [0] * len(arrivals)
    due: dict[int, float] = {}
    gone: set[int] = set()
    while events and events[0][0] <= until:
        now, _, number, what = heapq.heappop(events)
        arrival, name = arrivals[number], f"v{number:05d}"
        if what == "cancel":
            if number not in seen.started:
                gone.add(number)
                due.pop(number, None)
                seen.state = release(seen.state, {"video": name})
            continue
        if what == "end":
            seen.ended[number] = now
            took = arrival.renders if arrival.learns else None
            seen.state = release(seen.state, {"video": name, "took": took})
            continue
        if number in gone:
            continue
        if arrival.vanishes_after is not None and asked[number] >= arrival.vanishes_after:
            continue
        asked[number] += 1
        seen.questions += 1
        assert seen.questions < most_questions, "somebody asks for ever"
        question = ask(
            name,
            now,
            limits,
            owner=arrival.owner,
            weight=arrival.weight,
            priority=arrival.priority,
        )
        due.pop(number, None)
        seen.state, grant = acquire(seen.state, question)
        if grant["granted"]:
            better = [
                other
                for other, at in due.items()
                if arrivals[other].owner == arrival.owner
                and _stands(arrivals, other) < _stands(arrivals, number)
                and now - WINDOW <= at <= now + PATIENCE
            ]
            if len(better) >= seen.room(limits, now):
                seen.overtaken.append((number, better))
            seen.started[number] = now
            heapq.heappush(events, (now + arrival.renders, next(ticket), number, "end"))
            continue
        assert grant["wait_seconds"] > 0
        assert 1 <= grant["position"] <= grant["of"]
        due[number] = now + grant["wait_seconds"]
        heapq.heappush(events, (due[number], next(ticket), number, "ask"))
        told = Told(
            number=number,
            at=now,
            position=grant["position"],
            of=grant["of"],
            eta=grant["eta_seconds"],
            pause=grant["wait_seconds"],
            usual=usual_seconds(Lane.read(seen.state), question),
        )
        seen.told.append(told)
        watch(told, seen.state)
    return seen


def _stands(arrivals: Sequence[Arrival], number: int) -> tuple[int, float, int]:
    arrival = arrivals[number]
    return {"high": 0, "normal": 1, "low": 2}[arrival.priority], arrival.at, number
