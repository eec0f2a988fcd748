"""The polling schedule: its bounds, and what the bench promises of it."""

from __future__ import annotations

import random
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.polling import every, ours, simulate, watch
from dailies.pipeline.polling import estimated_total, next_wait
from dailies.video.progress import Sighting, seen

seconds = st.floats(0, 86_400)
looks = st.lists(st.tuples(st.floats(0.001, 86_400), st.floats(-10, 110)), max_size=6).map(sorted)


def sightings_of(looks: list[tuple[float, float]]) -> tuple[Sighting, ...]:
    sightings: tuple[Sighting, ...] = ()
    for elapsed, progress in looks:
        sightings = seen(sightings, elapsed, progress)
    return sightings


def wait(elapsed: float, *sightings: Sighting, typical: float = 60, **more: float) -> float:
    return next_wait(elapsed, sightings, typical_seconds=typical, minimum=1, maximum=30, **more)


@given(elapsed=seconds, looks=looks, typical=st.floats(0.01, 10_000))
def test_a_wait_is_within_its_bounds(
    elapsed: float, looks: list[tuple[float, float]], typical: float
) -> None:
    assert 1 <= wait(elapsed, *sightings_of(looks), typical=typical) <= 30


@given(elapsed=seconds, looks=looks, retry_after=st.floats(0, 3600))
def test_never_sooner_than_the_provider_allows(
    elapsed: float, looks: list[tuple[float, float]], retry_after: float
) -> None:
    assert wait(elapsed, *sightings_of(looks), retry_after=retry_after) >= retry_after


@given(elapsed=seconds, looks=looks, deadline=seconds)
def test_never_beyond_the_deadline(
    elapsed: float, looks: list[tuple[float, float]], deadline: float
) -> None:
    waited = wait(elapsed, *sightings_of(looks), retry_after=100, deadline=deadline)

    assert 0 <= waited <= max(deadline - elapsed, 0)


@given(st.floats(0.1, 100), st.floats(0, 300))
def test_time_has_no_unit(scale: float, elapsed: float) -> None:
    plain = next_wait(elapsed, [Sighting(20, 30)], typical_seconds=60, minimum=1, maximum=30)
    scaled = next_wait(
        elapsed * scale,
        [Sighting(20 * scale, 30)],
        typical_seconds=60 * scale,
        minimum=scale,
        maximum=30 * scale,
    )

    assert scaled == pytest.approx(plain * scale)


def test_waits_shrink_towards_the_end_and_grow_behind_it() -> None:
    waits = [wait(elapsed) for elapsed in (0, 20, 40, 55, 60)]
    late = [wait(elapsed) for elapsed in (60, 80, 120, 600)]

    assert waits == sorted(waits, reverse=True)
    assert waits[0] > 10
    assert waits[-1] == 1.5
    assert late == sorted(late)
    assert late[-1] == 30


def test_progress_overrules_what_is_usual() -> None:
    assert estimated_total(100, [Sighting(100, 50)], 60) == pytest.approx(200)
    assert estimated_total(100, [Sighting(100, 1)], 60) < 70
    assert wait(100, Sighting(100, 50)) > wait(100)


def test_time_in_the_queue_is_not_taken_for_slowness() -> None:
    queued = [Sighting(110, 10), Sighting(150, 90)]

    assert estimated_total(150, queued, 60) == pytest.approx(161, abs=1)


@pytest.mark.parametrize(
    ("looks", "kept"),
    [
        ([], []),
        ([(5, 0)], []),
        ([(5, 10)], [(5, 10)]),
        ([(5, 10), (9, 10)], [(5, 10)]),
        ([(5, 10), (9, 45)], [(5, 10), (9, 45)]),
        ([(5, 10), (9, 45), (20, 72)], [(5, 10), (20, 72)]),
        ([(5, 10), (9, 45), (20, 30)], [(5, 10), (9, 45)]),
    ],
)
def test_two_sightings_are_kept(
    looks: list[tuple[float, float]], kept: list[tuple[float, float]]
) -> None:
    assert sightings_of(looks) == tuple(Sighting(*each) for each in kept)


def test_a_typical_job_is_noticed_within_two_seconds_at_fifteen_looks() -> None:
    rng = random.Random(20)
    jobs = [simulate(rng, 60, 300, progress=True) for _ in range(400)]
    courses = [watch(each, ours) for each in jobs]
    fixed = [watch(each, every(5)) for each in jobs]

    assert statistics.median(course.lag for course in courses) < 2
    assert statistics.mean(course.looks for course in courses) < 12
    assert statistics.quantiles([course.looks for course in courses], n=10)[8] <= 15
    assert statistics.mean(course.looks for course in fixed) > 25


def test_a_job_of_any_length_is_noticed() -> None:
    rng = random.Random(21)
    for progress in (True, False):
        courses = [watch(simulate(rng, 30, 600, progress=progress), ours) for _ in range(200)]
        assert max(course.lag for course in courses) <= 30
        assert max(course.looks for course in courses) < 60
