"""How honest the ETA of a lane is: a simulated day over the pure rules.

    .venv/bin/python -m bench.eta [--seed 1] [--hours 24] [--floor 200]

Two deployments with quotas of their own; owners of three kinds: some send a video now and then,
some ten at a time, and a few a hundred at once. Renders are spread (log-normal), and their usual
length is not what the catalogue says; a part of those that wait is cancelled, and a few vanish
without a word. What is still to come, nobody knows: another owner's video that is sent later may be
served before.

For each video that had to wait, and was made: the error of what it was told, as a part of the time
from its coming to its end. *At accept* is what it was told first, *over the wait* what it was told
at any moment of it. Medians are printed, and beside them the part of the time to its place alone.
With ``--floor``, of so many of them also what one tells at accept who knows the law by which videos
come (``bench.eta_floor``), beside what the lane told the same ones.
"""

from __future__ import annotations

import argparse
import functools
import random
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bench.eta_floor import best
from dailies.routing.lane import LaneState
from tests.unit.routing.lane_world import Arrival, Limits, Run, Told, run

_CANCELLED = 0.05
_VANISHED = 0.005
_DAYS, _DAY_HOURS = 60, 24.0
"""Days of others that one who knows the law draws from."""


@dataclass(frozen=True)
class Place:
    """A deployment: its limits, what renders take there, and how busy it is.

    Attributes:
        median, spread: of the log-normal length of a render, in seconds.
        load: of all that it can do in the day, the part that is asked of it.
    """

    name: str
    limits: Limits
    median: float
    spread: float
    load: float

    def render(self, rng: random.Random) -> float:
        """How long one takes."""
        return self.median * rng.lognormvariate(0, self.spread)

    @functools.cached_property
    def starts_per_second(self) -> float:
        mean = statistics.fmean(
            random.Random(7).lognormvariate(0, self.spread) for _ in range(5000)
        )
        concurrent, per_window = self.limits.concurrent, self.limits.per_window
        by_jobs = float("inf") if concurrent is None else concurrent / (self.median * mean)
        return min(by_jobs, float("inf") if per_window is None else per_window / 60)


PLACES = (
    Place("two a minute, two at once", Limits(2, 2, typical=75.0), 40.0, 0.3, 0.9),
    Place("six at once", Limits(None, 6, typical=60.0), 110.0, 0.3, 0.9),
)


def arrivals(place: Place, hours: float, rng: random.Random) -> list[Arrival]:
    """The day's videos, in the order that they come."""
    wanted = place.load * place.starts_per_second * hours * 3600
    kinds = [(60, 1, 0.4), (12, 10, 0.4), (3, 100, 0.2)]
    videos: list[Arrival] = []
    for owners, batch, share in kinds:
        for _ in range(max(1, round(share * wanted / batch))):
            owner = f"{batch}-{rng.randrange(owners)}"
            at = rng.uniform(0, hours * 3600)
            for _ in range(max(1, round(rng.uniform(0.5, 1.5) * batch))):
                at += rng.expovariate(1.0)
                videos.append(_video(place, at, owner, rng))
    return sorted(videos, key=lambda video: video.at)


def _video(place: Place, at: float, owner: str, rng: random.Random) -> Arrival:
    return Arrival(
        at=at,
        renders=place.render(rng),
        owner=owner,
        priority=rng.choices(["low", "normal", "high"], [1, 8, 1])[0],
        cancelled_at=at + rng.expovariate(1 / 1800) if rng.random() < _CANCELLED else None,
        vanishes_after=1 if rng.random() < _VANISHED else None,
    )


def _errors(seen: Run, videos: Sequence[Arrival]) -> Iterator[tuple[int, float, float, float]]:
    """Of each answer: whose it was, for how long it stood, and its errors: of the end, and of the
    place."""
    for told in seen.told:
        end = seen.ended.get(told.number)
        if end is None:
            continue
        came, start = videos[told.number].at, seen.started[told.number]
        whole, wait = end - came, start - told.at
        off = abs(told.at + told.eta + told.usual - end)
        yield told.number, min(told.pause, wait), off / whole, abs(told.eta - wait) / wait


def _floor(
    place: Place,
    seen: Run,
    videos: Sequence[Arrival],
    first: dict[int, tuple[Told, LaneState]],
    number: int,
) -> tuple[int, float, float]:
    """Of how many, the error at accept of one who knows the law, and the lane's."""
    rng = random.Random(3)
    ended = [each for each in first if each in seen.ended]
    days = [arrivals(place, _DAY_HOURS, rng) for _ in range(_DAYS)]
    ours, floor = [], []
    for each in rng.sample(ended, min(number, len(ended))):
        told, state = first[each]
        whole, left = seen.ended[each] - videos[each].at, seen.ended[each] - told.at
        told_best = best(
            state,
            told.at,
            f"v{each:05d}",
            limits=place.limits,
            render=place.render,
            known=videos,
            days=days,
            rng=rng,
        )
        ours.append(abs(told.eta + told.usual - left) / whole)
        floor.append(abs(told_best - left) / whole)
    return len(ours), statistics.median(floor), statistics.median(ours)


def _over_time(errors: Sequence[tuple[float, float]]) -> float:
    """The median of errors that stood for so many seconds each."""
    left = sum(seconds for seconds, _ in errors) / 2
    for seconds, error in sorted(errors, key=lambda pair: pair[1]):
        left -= seconds
        if left <= 0:
            return error
    return 0.0


def main() -> None:
    """Simulate and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--hours", type=float, default=24.0)
    parser.add_argument("--floor", type=int, default=0)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    all_first: list[float] = []
    all_told: list[tuple[float, float]] = []
    for place in PLACES:
        videos = arrivals(place, options.hours, rng)
        told_first: dict[int, tuple[Told, LaneState]] = {}

        def watch(
            told: Told,
            state: LaneState,
            first: dict[int, tuple[Told, LaneState]] = told_first,
        ) -> None:
            first.setdefault(told.number, (told, state))

        seen = run(videos, place.limits, until=options.hours * 3600, watch=watch)
        waits = sorted(
            seen.started[number] - videos[number].at
            for number in {told.number for told in seen.told} & set(seen.started)
        )
        print(
            f"{place.name}: {len(videos)} videos, {len(waits)} waited, half of them longer than "
            f"{waits[len(waits) // 2]:.0f} s; "
            f"{seen.questions / len(seen.started):.1f} questions each"
        )
        errors = list(_errors(seen, videos))
        first = {number: (end, place) for number, _, end, place in reversed(errors)}
        at_accept = statistics.median(end for end, _ in first.values())
        of_place = statistics.median(place for _, place in first.values())
        standing = [(seconds, end) for _, seconds, end, _ in errors]
        over_wait = _over_time(standing)
        all_first += [end for end, _ in first.values()]
        all_told += standing
        print(
            f"  error at accept {at_accept:.1%} (of the place alone {of_place:.1%}), over the wait "
            f"{over_wait:.1%}",
            flush=True,
        )
        if options.floor:
            number, floor, ours = _floor(place, seen, videos, told_first, options.floor)
            print(
                f"  who knows the law, of {number}: {floor:.1%} (the lane: {ours:.1%})", flush=True
            )
    print(
        f"of all: error at accept {statistics.median(all_first):.1%}, over the wait "
        f"{_over_time(all_told):.1%}"
    )


if __name__ == "__main__":
    main()
