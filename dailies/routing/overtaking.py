"""How many that are still to come will be served before one that waits.

Owners are served in turn, so a newcomer's first video is hardly overtaken, and the hundredth of an
owner by every owner that comes meanwhile. A lane learns from those that wait: between two
questions of a video so many places were given, and it came so much nearer; the others went to
videos that came later, less those before it that were cancelled. The share is kept for classes of
how many rounds it is away: none, one, two to three, four to seven …
"""

from __future__ import annotations

from dailies.routing.lane_state import Lane, Waiting

__all__ = ["learn_overtaking", "places_before"]

_CLASSES = 12
_MEMORY = 100
"""Places after which half of what was learned is new."""
_LEAST, _MOST = -1.0, 0.9


def learn_overtaking(lane: Lane, before: Waiting, rounds: int, place: int) -> None:
    """A video asks again that stood at ``before.place``, and now has ``place`` before it, in so
    many rounds."""
    given = lane.served - before.served
    if given <= 0:
        return
    share = (given - (before.place - place)) / given
    shares = [*lane.overtaken, *[0.0] * (_CLASSES - len(lane.overtaken))]
    number = _class_of(rounds)
    weight = given / (given + _MEMORY)
    learned = shares[number] + weight * (max(_LEAST, min(_MOST, share)) - shares[number])
    shares[number] = round(learned, 4)
    lane.overtaken = shares


def places_before(lane: Lane, rounds: int, place: int) -> int:
    """How many places will be given before one that has ``place`` before it, in so many rounds: as
    those are served, it goes through the classes below its own."""
    total = 0.0
    for number in range(_class_of(rounds) + 1):
        lowest = 2**number // 2
        highest = rounds if number == _class_of(rounds) else 2**number - 1
        part = (highest - lowest + 1) / (rounds + 1)
        share = lane.overtaken[number] if lane.overtaken else 0.0
        total += part * place / (1 - share)
    return round(total)


def _class_of(rounds: int) -> int:
    return min(rounds.bit_length(), _CLASSES - 1)
