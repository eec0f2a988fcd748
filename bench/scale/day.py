"""A day of arrivals, second by second, and what the busiest second asks of each part.

The shape of a day is an assumption: the busiest hour has ``_BUSIEST`` times the mean, and a fifth
of all videos come in batches, a program that sends what it has. What a video asks is counted
(``bench.scale.video``), and when it asks follows from its life.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from bench.scale.video import Asks

__all__ = ["Peaks", "busiest_hour"]

_BUSIEST = 2.5
_BATCHED, _BATCH, _BATCH_SECONDS = 0.2, 200, 10
_HOUR = 3600
_LIFE = 90
"""Seconds from the create to the last event of a video that does not wait for a place."""
_AT_CREATE, _AT_END = 0.3, 0.4
"""Parts of what a video asks; the rest is spread over its life."""
_QUANTUM = 0.001


@dataclass(frozen=True)
class Peaks:
    """Of the busiest hour.

    Attributes:
        busiest: what each part is asked in its busiest second.
        mean: the same, on the average of the hour.
        in_flight: videos at once, at most.
    """

    busiest: Counter[str]
    mean: Counter[str]
    in_flight: int


def busiest_hour(videos_a_day: int, asks: Asks, *, seed: int = 1) -> Peaks:
    """Simulate the busiest hour of a day with so many videos."""
    rng = random.Random(seed)  # the same hour each time
    seconds: dict[str, list[float]] = {part: [0.0] * (_HOUR + _LIFE + 1) for part in asks}
    born = [0] * (_HOUR + _LIFE + 1)
    for second in _arrivals(rng, videos_a_day * _BUSIEST / 24):
        born[second] += 1
    for second, number in enumerate(born):
        if number == 0:
            continue
        for part, amount in asks.items():
            line = seconds[part]
            line[second] += number * amount * _AT_CREATE
            line[min(second + _LIFE, _HOUR + _LIFE)] += number * amount * _AT_END
            spread = number * amount * (1 - _AT_CREATE - _AT_END)
            steps = max(1, min(_LIFE, round(spread / _QUANTUM)))
            for _ in range(min(steps, 10)):
                line[second + rng.randrange(_LIFE)] += spread / min(steps, 10)
    # The first seconds miss the looks at those that were accepted before.
    whole = slice(_LIFE, _HOUR)
    return Peaks(
        busiest=Counter({part: max(line[whole]) for part, line in seconds.items()}),
        mean=Counter({part: sum(line[whole]) / (_HOUR - _LIFE) for part, line in seconds.items()}),
        in_flight=max(sum(born[max(0, at - _LIFE) : at]) for at in range(_LIFE, _HOUR, 10)),
    )


def _arrivals(rng: random.Random, number: float) -> Iterator[int]:
    """The seconds in which videos arrive: most by themselves, a fifth in batches."""
    for _ in range(round(number * (1 - _BATCHED))):
        yield rng.randrange(_HOUR)
    for _ in range(round(number * _BATCHED / _BATCH)):
        start = rng.randrange(_HOUR - _BATCH_SECONDS)
        for _ in range(_BATCH):
            yield start + rng.randrange(_BATCH_SECONDS)
