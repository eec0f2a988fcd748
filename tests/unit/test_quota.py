"""A deployment's quota: never exceeded, first come first served, nobody starves."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from dailies.routing.quota import Acquire, QuotaState, acquire, empty, release

WINDOW = 60.0


def _ask(
    video: str,
    now: float,
    *,
    per_window: int | None = 2,
    concurrent: int | None = 2,
    lease_seconds: float = 5400.0,
    since: float | None = None,
) -> Acquire:
    question: Acquire = {
        "deployment": "d",
        "per_window": per_window,
        "window_seconds": WINDOW,
        "concurrent": concurrent,
        "typical_seconds": 60.0,
        "lease_seconds": lease_seconds,
        "video": video,
        "now": now,
    }
    if since is not None:
        question["since"] = since
    return question


@dataclass(frozen=True)
class Arrival:
    """A video that comes, renders for a time, or vanishes after some questions."""

    at: float
    renders: float
    vanishes_after: int | None


@dataclass
class Run:
    """What happened: who was granted when, and until when each ran."""

    granted: list[tuple[float, int]]
    running: list[tuple[float, float]]
    questions: int


def _simulate(
    arrivals: Sequence[Arrival], per_window: int | None, concurrent: int | None
) -> tuple[Run, QuotaState]:
    """Let each video ask when it was told to, until all are done."""
    state = empty()
    due = [(arrival.at, number, "ask") for number, arrival in enumerate(arrivals)]
    asked = [0] * len(arrivals)
    run = Run([], [], 0)
    while due:
        due.sort()
        now, number, what = due.pop(0)
        arrival, name = arrivals[number], f"v{number:02d}"
        if what == "release":
            state = release(state, name)
            continue
        if arrival.vanishes_after is not None and asked[number] >= arrival.vanishes_after:
            continue
        asked[number] += 1
        run.questions += 1
        assert run.questions < 20_000, "somebody asks for ever"
        question = _ask(name, now, per_window=per_window, concurrent=concurrent)
        state, grant = acquire(state, question)
        if grant["granted"]:
            run.granted.append((now, number))
            run.running.append((now, now + arrival.renders))
            due.append((now + arrival.renders, number, "release"))
        else:
            assert grant["wait_seconds"] > 0
            due.append((now + grant["wait_seconds"], number, "ask"))
    return run, state


_arrivals = st.lists(
    st.builds(
        Arrival,
        at=st.floats(0, 300).map(lambda x: round(x, 2)),
        renders=st.floats(1, 400).map(lambda x: round(x, 2)),
        vanishes_after=st.none() | st.integers(1, 4),
    ),
    min_size=1,
    max_size=12,
)
_limits = st.tuples(st.none() | st.integers(1, 4), st.none() | st.integers(1, 4))


@settings(deadline=None, max_examples=150)
@given(arrivals=_arrivals, limits=_limits)
def test_no_window_holds_more_requests_and_no_moment_more_jobs_than_allowed(
    arrivals: list[Arrival], limits: tuple[int | None, int | None]
) -> None:
    per_window, concurrent = limits
    run, _ = _simulate(arrivals, per_window, concurrent)
    times = [at for at, _ in run.granted]
    if per_window is not None:
        for first, beyond in zip(times, times[per_window:], strict=False):
            assert beyond - first >= WINDOW - 1e-6
    if concurrent is not None:
        for start, _ in run.running:
            assert sum(a <= start < b for a, b in run.running) <= concurrent


@settings(deadline=None, max_examples=100)
@given(arrivals=_arrivals, limits=_limits)
def test_everyone_who_keeps_asking_is_served(
    arrivals: list[Arrival], limits: tuple[int | None, int | None]
) -> None:
    run, state = _simulate(arrivals, *limits)
    patient = {n for n, arrival in enumerate(arrivals) if arrival.vanishes_after is None}
    assert patient <= {number for _, number in run.granted}
    assert not state["leases"]


@settings(deadline=None, max_examples=60)
@given(arrivals=_arrivals, limits=_limits)
def test_nobody_waits_for_those_who_came_later(
    arrivals: list[Arrival], limits: tuple[int | None, int | None]
) -> None:
    """Who comes later may take a place that is left over, but never one that others wait for."""
    arrivals = sorted(arrivals, key=lambda arrival: arrival.at)
    whole = {number: at for at, number in _simulate(arrivals, *limits)[0].granted}
    for number in range(len(arrivals)):
        # Those of the same moment stand by their names, not by their places here.
        if any(a.at == arrivals[number].at for a in arrivals[number + 1 :]):
            continue
        alone = {n: at for at, n in _simulate(arrivals[: number + 1], *limits)[0].granted}
        assert whole.get(number) == alone.get(number)


def test_one_who_vanished_holds_up_the_others_for_a_while_only() -> None:
    state = empty()
    for video in ("a", "b"):
        state, _ = acquire(state, _ask(video, 0, concurrent=None))
    state, first = acquire(state, _ask("gone", 1, concurrent=None))
    assert not first["granted"]
    now, granted = 2.0, False
    while not granted:
        state, grant = acquire(state, _ask("patient", now, concurrent=None))
        granted, now = grant["granted"], now + grant["wait_seconds"]
        assert now < 5 * WINDOW
    assert all(entry[0] != "gone" for entry in state["queue"]) or len(state["queue"]) <= 1


def test_a_lease_that_is_never_given_back_ends_by_itself() -> None:
    state, grant = acquire(empty(), _ask("dead", 0, concurrent=1, per_window=None))
    assert grant["granted"]
    state, grant = acquire(state, _ask("next", 5399, concurrent=1, per_window=None))
    assert not grant["granted"]
    _, grant = acquire(state, _ask("next", 5401, concurrent=1, per_window=None))
    assert grant["granted"]


def test_who_runs_already_may_ask_again_without_waiting_for_itself() -> None:
    state, _ = acquire(empty(), _ask("a", 0, concurrent=1, per_window=None))
    state, again = acquire(state, _ask("a", 10, concurrent=1, per_window=None))
    assert again["granted"]
    assert list(state["leases"]) == ["a"]


def _full(*holders: str) -> QuotaState:
    """A state in which these hold all the leases that there are."""
    state = empty()
    for video in holders:
        state, grant = acquire(state, _ask(video, 0, concurrent=len(holders), per_window=None))
        assert grant["granted"]
    return state


def test_who_was_put_off_does_not_hold_its_lease_against_the_queue() -> None:
    """Both of two jobs were refused by the provider, and others have been waiting since."""
    state = _full("a", "b")
    for video in ("c", "d", "e"):
        state, grant = acquire(state, _ask(video, 5, per_window=None))
        assert not grant["granted"]
    for video in ("a", "b"):
        state, grant = acquire(state, _ask(video, 30, per_window=None))
        assert not grant["granted"]
    assert state["leases"] == {}
    state, grant = acquire(state, _ask("c", 31, per_window=None))
    assert grant["granted"]


def test_a_state_that_was_stored_while_such_leases_blocked_everybody_goes_on() -> None:
    """As version 1 of the orchestration left it: two leases, whose holders stand at the end."""
    stored = {
        "sent": [70.0, 71.0],
        "leases": {"a": 5400.0, "b": 5401.0},
        "queue": [["c", 1.0, 300.0], ["d", 2.0, 300.0], ["a", 30.0, 300.0], ["b", 31.0, 300.0]],
    }
    state: QuotaState = json.loads(json.dumps(stored))
    state, grant = acquire(state, _ask("a", 140))
    assert not grant["granted"]
    for video in ("c", "d"):
        state, grant = acquire(state, _ask(video, 141))
        assert grant["granted"] == (video == "c")
    assert set(state["leases"]) == {"b", "c"}


def test_who_was_put_off_keeps_the_place_that_it_came_with() -> None:
    state = _full("a")
    for video, at in (("b", 1), ("c", 2)):
        state, _ = acquire(state, _ask(video, at, concurrent=1, per_window=None, since=at))
    state, grant = acquire(state, _ask("a", 30, concurrent=1, per_window=None, since=0))
    assert grant["granted"]


def test_nobody_is_told_to_stay_away_for_long() -> None:
    """Those ahead may all be cancelled in the next minute."""
    state = empty()
    for number in range(200):
        state, grant = acquire(state, _ask(f"v{number:03d}", 0))
    assert grant["wait_seconds"] <= 5 * WINDOW


def test_release_ends_waiting_and_running_and_does_no_harm_twice() -> None:
    state, _ = acquire(empty(), _ask("a", 0, concurrent=1))
    state, _ = acquire(state, _ask("b", 1, concurrent=1))
    for _ in range(2):
        state = release(release(state, "a"), "b")
    assert (state["leases"], state["queue"]) == ({}, [])
    assert state["sent"] == [0]


def test_without_limits_everyone_is_granted() -> None:
    state = empty()
    for number in range(50):
        state, grant = acquire(state, _ask(f"v{number}", 0.0, per_window=None, concurrent=None))
        assert grant["granted"]


def test_the_state_stays_small_while_videos_come_and_go() -> None:
    state = empty()
    for number in range(500):
        now = number * 40.0
        state, _ = acquire(state, _ask(f"v{number}", now))
        state = release(state, f"v{number}")
    assert len(state["sent"]) <= 2
    assert (state["leases"], state["queue"]) == ({}, [])
