"""What a lane learns of those that are still to come."""

from __future__ import annotations

import json

import pytest

from dailies.routing.lane import acquire, empty, release
from dailies.routing.lane_state import Lane, LaneState
from dailies.routing.overtaking import learn_arrival, places_before
from tests.unit.routing.lane_world import WINDOW, Arrival, Limits, ask, run

LIMITS = Limits(2, None)
HOUR = 3600.0


def _came(lane: Lane, owner: str, rounds: int, now: float, **fields: object) -> None:
    learn_arrival(lane, ask("v", now, LIMITS, owner=owner, **fields), rounds, now)


def _before(lane: Lane, owner: str, rounds: int, place: int, now: float, **fields: object) -> int:
    return places_before(lane, ask("v", now, LIMITS, owner=owner, **fields), rounds, place, now)


def _busy_hours(hours: int, *, to: str = "other") -> Lane:
    """Each minute one comes that is next, where two could be made."""
    lane = Lane()
    for minute in range(hours * 60):
        _came(lane, to, 0, 1000.0 + minute * WINDOW)
    return lane


def test_where_half_of_the_places_go_to_newcomers_the_wait_is_nearly_twice_as_long() -> None:
    lane = _busy_hours(24)
    assert 180 <= _before(lane, "one", 100, 100, 1000.0 + 24 * HOUR) <= 200


def test_nobody_overtakes_one_that_is_no_further_away_than_they_come_to_stand() -> None:
    assert _before(_busy_hours(24), "one", 0, 6, 1000.0 + 24 * HOUR) == 6


def test_an_owners_own_do_not_overtake_it() -> None:
    lane = _busy_hours(24, to="one")
    assert _before(lane, "one", 100, 100, 1000.0 + 24 * HOUR) == 100
    assert _before(lane, "other", 100, 100, 1000.0 + 24 * HOUR) > 170


def test_of_its_owners_own_the_urgent_ones_count_and_for_a_low_one_all() -> None:
    lane = _busy_hours(24, to="one")
    now = 1000.0 + 24 * HOUR
    assert _before(lane, "one", 100, 100, now, priority="low") > 170
    for minute in range(60):
        _came(lane, "one", 0, now + minute * WINDOW, priority="high")
    assert _before(lane, "one", 100, 100, now + HOUR) > 105


def test_one_burst_is_no_rule() -> None:
    lane = Lane()
    for rounds in range(100):
        _came(lane, "other", rounds, 1000.0)
    assert 200 <= _before(lane, "one", 100, 200, 1000.0) < 2 * 200


def test_what_came_is_forgotten() -> None:
    lane = _busy_hours(8)
    later = 1000.0 + 8 * HOUR + 48 * HOUR
    assert _before(lane, "one", 100, 100, later) <= 101


def test_a_clock_that_is_behind_changes_nothing() -> None:
    lane = _busy_hours(8)
    now = 1000.0 + 8 * HOUR
    assert _before(lane, "one", 100, 100, now - HOUR) == pytest.approx(
        _before(lane, "one", 100, 100, now), abs=1
    )


def test_where_all_are_asked_too_much_the_wait_stays_bounded() -> None:
    lane = Lane()
    for second in range(7200):
        _came(lane, f"o{second % 7}", 0, 1000.0 + second)
    assert _before(lane, "one", 100, 100, 1000.0 + 7200) <= 500


def test_one_owner_alone_is_told_the_time_that_it_takes() -> None:
    """Many at once, again and again: each waits for those before it, and for nobody else."""
    bursts = [
        Arrival(burst * 2 * HOUR, 20.0, owner="one") for burst in range(6) for _ in range(120)
    ]
    seen = run(bursts, LIMITS)
    told = next(told for told in seen.told if told.number == len(bursts) - 1)
    assert told.eta == pytest.approx(seen.started[told.number] - told.at, rel=0.1)


def test_the_state_does_not_grow_with_the_owners() -> None:
    lane = Lane()
    for number in range(2000):
        _came(lane, "many" if number % 20 == 0 else f"owner-{number:058d}", 9, 1000.0 + number)
    assert "many" in lane.arrivals.own
    assert len(json.dumps(lane.stored())) < 4096


def test_a_put_off_video_that_waits_on_is_counted_once() -> None:
    state = empty()
    for video in ("a", "b", "c"):
        state, _ = acquire(state, ask(video, 0.0, LIMITS))
    for second in range(1, 5):
        state, _ = acquire(state, ask("c", float(second), LIMITS))
    assert sum(Lane.read(state).arrivals.counts) == pytest.approx(3, abs=0.01)


def test_a_state_that_the_version_before_has_stored_goes_on() -> None:
    """It kept with each that waits where it stood when it asked last, and shares by class."""
    stored = {
        "sent": [70.0, 71.0],
        "leases": {},
        "queue": {"one": ["11", [1.0, 2.0], "a b", [100.0, 101.0], [7, 8], [0, 1]]},
        "flows": {"one": [1.0, 3.0]},
        "virtual": 2.0,
        "took": [60.0],
        "served": 9,
        "overtaken": [0.0, 0.5],
    }
    state: LaneState = json.loads(json.dumps(stored))
    state, grant = acquire(state, ask("c", 80.0, LIMITS, owner="one"))
    assert (grant["position"], grant["of"]) == (3, 3)
    state = release(json.loads(json.dumps(state)), {"video": "a"})
    assert [entry.video for entry in Lane.read(state).queue["one"]] == ["b", "c"]
