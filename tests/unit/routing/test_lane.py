"""A deployment's lane: its limits hold, owners are served in turn, nobody starves."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dailies.routing.lane import Acquire, LaneState, acquire, empty, release
from dailies.routing.lane_state import Lane, Waiting
from tests.unit.routing.lane_world import WINDOW, Arrival, Limits, ask, run

# A question near the front is never further away, and what a round of them may take besides.
_SLACK = WINDOW


def _ask(
    video: str,
    now: float,
    *,
    per_window: int | None = 2,
    concurrent: int | None = 2,
    **fields: object,
) -> Acquire:
    return ask(video, now, Limits(per_window, concurrent), **fields)


def _queue(state: LaneState) -> list[str]:
    """The videos that wait."""
    return [entry.video for entries in Lane.read(state).queue.values() for entry in entries]


_arrivals = st.lists(
    st.builds(
        Arrival,
        at=st.floats(0, 300).map(lambda x: round(x, 2)),
        renders=st.floats(1, 400).map(lambda x: round(x, 2)),
        owner=st.sampled_from(["one", "two", "three"]),
        priority=st.sampled_from(["low", "normal", "high"]),
        vanishes_after=st.none() | st.integers(1, 4),
        cancelled_at=st.none() | st.floats(0, 600).map(lambda x: round(x, 2)),
        learns=st.booleans(),
    ),
    min_size=1,
    max_size=12,
)
_limits = st.builds(
    Limits, per_window=st.none() | st.integers(1, 4), concurrent=st.none() | st.integers(1, 4)
)


@settings(deadline=None, max_examples=80)
@given(arrivals=_arrivals, limits=_limits)
def test_no_window_holds_more_requests_and_no_moment_more_jobs_than_allowed(
    arrivals: list[Arrival], limits: Limits
) -> None:
    seen = run(arrivals, limits)
    times = sorted(seen.started.values())
    if limits.per_window is not None:
        for first, beyond in zip(times, times[limits.per_window :], strict=False):
            assert beyond - first >= WINDOW - 1e-6
    if limits.concurrent is not None:
        for start in times:
            running = [n for n, at in seen.started.items() if at <= start < seen.ended[n]]
            assert len(running) <= limits.concurrent


@settings(deadline=None, max_examples=80)
@given(arrivals=_arrivals, limits=_limits)
def test_everyone_who_keeps_asking_is_served(arrivals: list[Arrival], limits: Limits) -> None:
    seen = run(arrivals, limits)
    patient = {
        number
        for number, arrival in enumerate(arrivals)
        if arrival.vanishes_after is None and arrival.cancelled_at is None
    }
    assert patient <= set(seen.started)
    assert not seen.state["leases"]


@settings(deadline=None, max_examples=80)
@given(arrivals=_arrivals, limits=_limits)
def test_nobody_is_overtaken_by_its_owners_own_who_is_about_to_ask(
    arrivals: list[Arrival], limits: Limits
) -> None:
    """Who comes later may take a place that is left over, but never one that others come for."""
    assert not run(arrivals, limits).overtaken


@settings(deadline=None, max_examples=80)
@given(arrivals=_arrivals, limits=_limits)
def test_no_place_stays_empty_long_while_somebody_waits(
    arrivals: list[Arrival], limits: Limits
) -> None:
    seen = run(arrivals, limits)
    vanished = sum(arrival.vanishes_after is not None for arrival in arrivals)
    for number, at in seen.started.items():
        # Since when there was room for one more, without a break, when it was let through.
        room = arrivals[number].at
        before = [n for n, start in seen.started.items() if start < at]
        if limits.concurrent is not None and len(before) >= limits.concurrent:
            room = max(room, sorted(seen.ended[n] for n in before)[-limits.concurrent])
        if limits.per_window is not None and len(before) >= limits.per_window:
            sent = sorted(seen.started[n] for n in before)
            room = max(room, sent[-limits.per_window] + WINDOW)
        assert at - room <= _SLACK + vanished * 1.5 * WINDOW


# -- owners


def _crowd(number: int, owner: str, weight: float = 1.0, priority: str = "normal") -> list[Arrival]:
    return [Arrival(0.0, 20.0, owner, weight, priority)] * number


def _waiting(number: int, owner: str, until: float) -> LaneState:
    """A state in which so many of an owner wait, and ask again one after another."""
    entries = [
        Waiting(1, 0.0, f"w{place:05d}", (place + 1) * until / number) for place in range(number)
    ]
    return Lane(queue={owner: entries}).stored()


@pytest.mark.parametrize("limits", [Limits(2, None), Limits(2, 2), Limits(None, 2)])
@pytest.mark.parametrize("at", [5.0, 130.0])
def test_one_behind_five_thousand_of_another_owner_starts_within_the_next_two_places(
    at: float, limits: Limits
) -> None:
    arrivals = [*_crowd(60, "many"), Arrival(at, 20.0, owner="one")]
    state = _waiting(5000, "many", until=300.0)
    seen = run(arrivals, limits, until=at + 130, state=state)
    between = [n for n, start in seen.started.items() if at <= start < seen.started[60]]
    assert len(between) <= 1


@pytest.mark.parametrize("weights", [(1.0, 1.0), (3.0, 1.0), (2.0, 5.0), (0.5, 1.0)])
def test_owners_are_served_by_their_weights(weights: tuple[float, float]) -> None:
    first, second = weights
    crowds = [*_crowd(80, "a", first), *_crowd(80, "b", second)]
    # The first four came when nobody else was there, and were let through at once.
    order = run(crowds, Limits(4, None), until=900).order[4:60]
    share = sum(number < 80 for number in order) / len(order)
    assert share == pytest.approx(first / (first + second), abs=0.06)


def test_twenty_owners_are_served_in_turn() -> None:
    crowds = [video for name in range(20) for video in _crowd(10, f"o{name:02d}")]
    order = run(crowds, Limits(4, None), until=1200).order[4:]
    for turn in range(3):
        owners = {crowds[number].owner for number in order[20 * turn : 20 * turn + 20]}
        assert len(owners) >= 19


def test_an_owner_gets_no_credit_for_the_time_in_which_it_did_not_ask() -> None:
    crowds = [*_crowd(60, "early"), *[Arrival(600.0, 20.0, owner="late")] * 60]
    order = run(crowds, Limits(2, None), until=1800).order
    late = order.index(60)
    after = order[late : late + 20]
    assert 9 <= sum(number >= 60 for number in after) <= 11


def test_within_an_owner_the_priority_decides_then_who_came_first() -> None:
    priorities = ["low", "normal", "high", "normal", "low", "high"]
    arrivals = [Arrival(0.0, 200.0)] + [
        Arrival(1.0 + number, 20.0, priority=priority) for number, priority in enumerate(priorities)
    ]
    assert run(arrivals, Limits(1, 1)).order == [0, 3, 6, 2, 4, 1, 5]


def test_another_owner_is_not_overtaken_by_a_priority() -> None:
    crowd = _crowd(40, "urgent", priority="high")
    order = run([*crowd, Arrival(1.0, 20.0, owner="calm", priority="low")], Limits(1, 1)).order
    assert order.index(40) <= 2


def test_one_that_asks_on_tells_what_it_stands_on() -> None:
    state = empty()
    for number in range(5):
        state, grant = acquire(state, _ask(f"v{number}", float(number), concurrent=None))
    assert (grant["position"], grant["of"]) == (3, 3)
    # Two have gone, in the window that opens at 60 and 61; two more before the third.
    assert grant["eta_seconds"] == pytest.approx(120 - 4, abs=1)


def test_the_lane_learns_how_long_renders_take_here() -> None:
    limits = Limits(None, 1, typical=60.0)
    slow = [Arrival(0.0, 300.0) for _ in range(30)]
    seen = run(slow, limits)
    last = [told for told in seen.told if told.number == 29]
    before, after = last[0], next(told for told in last if told.position <= 15)
    assert before.eta < 0.3 * (seen.started[29] - before.at)
    assert after.eta == pytest.approx(seen.started[29] - after.at, rel=0.1)


def test_the_lane_learns_how_many_are_still_to_come() -> None:
    """One owner sends many at once; others one at a time, and go before what is left of them."""
    crowd = [Arrival(0.0, 20.0, owner="many")] * 60
    others = [Arrival(60.0 * n, 20.0, owner=f"o{n}") for n in range(1, 150)]
    late = [Arrival(3600.0, 20.0, owner="few")] * 12
    seen = run([*crowd, *others, *late], Limits(2, None))
    last = len(crowd) + len(others) + 11
    told = next(told for told in seen.told if told.number == last)
    # By what stands before it now, it would have half of this time.
    assert told.eta == pytest.approx(seen.started[last] - told.at, rel=0.35)
    assert told.eta > 1.25 * told.position * WINDOW / 2


def test_thousands_that_wait_ask_about_twice_in_a_second_at_most() -> None:
    state, rate = _waiting(5000, "many", until=3600.0), 0.0
    for place in range(0, 5000, 50):
        question = _ask(f"w{place:05d}", 1.0, owner="many", since=0.0)
        _, grant = acquire({**state, "sent": [0.5, 0.5]}, question)
        rate += 50 / grant["wait_seconds"]
    assert rate < 3


def test_a_state_of_ten_thousand_stays_under_a_mebibyte() -> None:
    queue = {
        f"owner-{owner:02d}-{'x' * 50}": [
            Waiting(
                1,
                1795262500.123 + number,
                f"video_{owner:016x}{number:016x}",
                1795262590.12 + number,
            )
            for number in range(250)
        ]
        for owner in range(40)
    }
    state = Lane(queue=queue).stored()
    for number in range(3):
        question = _ask(f"video_{2**70 + number:032x}", 1795262530.0 + number, owner="another")
        state, grant = acquire(json.loads(json.dumps(state)), question)
    assert grant["of"] == 10_001
    assert len(json.dumps(state)) < 1024**2


def test_the_version_before_can_read_what_waits() -> None:
    state, _ = acquire(empty(), _ask("runs", 0, concurrent=1, per_window=None))
    for video in ("first", "second"):
        state, _ = acquire(state, _ask(video, 1, concurrent=1, per_window=None))
    (columns,) = json.loads(json.dumps(state))["queue"].values()
    ranks, since, videos, *rest = columns
    rows = list(zip(map(int, ranks), since, videos.split(), *rest, strict=True))
    assert [(row[2], len(row)) for row in rows] == [("first", 6), ("second", 6)]


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
        assert now < 3 * WINDOW
    assert _queue(state) == ["gone"]
    state, last = acquire(state, _ask("last", 20 * WINDOW))
    assert (last["position"], last["of"]) == (1, 1)


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


def _full(*holders: str) -> LaneState:
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
        "queue": [["c", 1.0, 200.0], ["d", 2.0, 200.0], ["a", 30.0, 300.0], ["b", 31.0, 300.0]],
    }
    state: LaneState = json.loads(json.dumps(stored))
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
        state = release(release(state, {"video": "a"}), {"video": "b"})
    assert (state["leases"], state["queue"]) == ({}, {})
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
        state = release(state, {"video": f"v{number}"})
    assert len(state["sent"]) <= 2
    assert (state["leases"], state["queue"]) == ({}, {})
