"""How soon a finished job is noticed, and at how many looks: ours against fixed intervals.

    python -m bench.polling [--jobs 2000] [--seed 1]

Jobs are simulated, not timed: each has a length, a time in the queue, and a progress that jumps at
random moments, runs ahead or behind, and sticks below 100. What the schedule is told to be usual is
off by a factor of its own for each job.
"""

from __future__ import annotations

import argparse
import math
import random
import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from dailies.pipeline.polling import next_wait
from dailies.video.progress import Sighting, seen

MINIMUM, MAXIMUM = 1.0, 30.0
"""The defaults of DAILIES_POLL_MIN_SECONDS and DAILIES_POLL_MAX_SECONDS."""


@dataclass(frozen=True)
class SimulatedJob:
    """A job's course: ``jumps`` are (seconds, percent), ``typical`` is the guess beforehand."""

    length: float
    typical: float
    jumps: tuple[tuple[float, int], ...]

    def progress(self, elapsed: float) -> int:
        return max((percent for moment, percent in self.jumps if moment <= elapsed), default=0)


@dataclass(frozen=True)
class Course:
    """How one job was watched: the seconds from its end to its notice, and the looks taken."""

    lag: float
    looks: int


Waits = Callable[[SimulatedJob], Iterator[float]]
"""A schedule: yields the moments (seconds since the creation) of its looks."""


def simulate(
    rng: random.Random, shortest: float, longest: float, *, progress: bool
) -> SimulatedJob:
    """A job whose length is log-uniform between the bounds (seconds).

    The guess is off by a log-normal factor (sigma 0.35: two thirds are within -30 % and +42 %).
    The first 0 to 20 % pass in the queue; progress then jumps 3 to 8 times, as a bent function of
    time with noise of 4 points, and never above 99.
    """
    length = math.exp(rng.uniform(math.log(shortest), math.log(longest)))
    typical = length * rng.lognormvariate(0, 0.35)
    if not progress:
        return SimulatedJob(length, typical, ())
    queued = rng.uniform(0, 0.2)
    bend = rng.lognormvariate(0, 0.2)
    jumps, best = [], 0
    shares = sorted(rng.uniform(0.02, 0.97) for _ in range(rng.randint(3, 8)))
    for share in [*shares, rng.uniform(0.92, 0.99)]:
        percent = min(99, max(best, round(100 * share**bend + rng.gauss(0, 4)), 1))
        best = percent
        jumps.append((length * (queued + share * (1 - queued)), percent))
    return SimulatedJob(length, typical, tuple(jumps))


def ours(job: SimulatedJob) -> Iterator[float]:
    """The schedule of ``dailies.pipeline.polling``."""
    elapsed, sightings = 0.0, tuple[Sighting, ...]()
    while True:
        elapsed += next_wait(
            elapsed,
            sightings,
            typical_seconds=job.typical,
            minimum=MINIMUM,
            maximum=MAXIMUM,
        )
        yield elapsed
        sightings = seen(sightings, elapsed, job.progress(elapsed))


def every(seconds: float) -> Waits:
    """A fixed interval."""

    def looks(_: SimulatedJob) -> Iterator[float]:
        elapsed = 0.0
        while True:
            elapsed += seconds
            yield elapsed

    return looks


def watch(job: SimulatedJob, waits: Waits) -> Course:
    """Follow one job until a look finds it done."""
    for looks, moment in enumerate(waits(job), start=1):
        if moment >= job.length:
            return Course(moment - job.length, looks)
    raise AssertionError("a schedule never ends")


def row(name: str, courses: list[Course]) -> str:
    lags = sorted(course.lag for course in courses)
    looks = sorted(course.looks for course in courses)
    p95 = int(0.95 * len(courses))
    return (
        f"| {name:<22} | {statistics.median(lags):8.2f} | {lags[p95]:8.2f} "
        f"| {statistics.mean(looks):8.1f} | {looks[p95]:7d} | {looks[-1]:8d} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--jobs", type=int, default=2000, help="simulated jobs per row")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    schedules: dict[str, Waits] = {
        "ours": ours,
        "fixed 5 s": every(5),
        "fixed 20 s": every(20),
    }
    for title, shortest, longest, progress in (
        ("jobs of 1 to 5 min, jumpy progress", 60, 300, True),
        ("jobs of 30 s to 10 min, jumpy progress", 30, 600, True),
        ("jobs of 30 s to 10 min, no progress told", 30, 600, False),
    ):
        rng = random.Random(arguments.seed)
        jobs = [simulate(rng, shortest, longest, progress=progress) for _ in range(arguments.jobs)]
        print(f"\n{title}\n")
        print("| schedule               | lag p50  | lag p95  | looks    | p95     | most     |")
        print("|------------------------|---------:|---------:|---------:|--------:|---------:|")
        for name, schedule in schedules.items():
            print(row(name, [watch(job, schedule) for job in jobs]))


if __name__ == "__main__":
    main()
