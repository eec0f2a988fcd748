"""How many that are still to come will be served before one that waits.

Owners are served in turn, so a newcomer's first video is hardly overtaken, and the hundredth of an
owner by every owner that comes meanwhile: by all that come to stand fewer rounds away than it does.
So a lane counts what comes, by how many rounds it is away then. What comes within so many rounds in
a second, of the places that can be given in a second, is the share that goes to newcomers. The
counts are kept for classes of rounds: none, one, two to three, four to seven …

An owner's own videos come behind those that it has waiting, but for what is more urgent: they are
counted apart.
"""

from __future__ import annotations

from dailies.engine import QuotaRequest
from dailies.routing.forecast import rate
from dailies.routing.lane_state import NOBODY, RANKS, Arrivals, Lane, rank_of

__all__ = ["learn_arrival", "places_before"]

_CLASSES = 12
_HALF_LIFE = 4 * 3600.0
"""Seconds after which what came counts half: long beside a burst, short beside a day."""
_QUIET = 900.0
"""Seconds without arrivals that are added to those that were watched: one burst is no rule."""
_QUIET_PART = 0.5
"""And this part of the time that is looked ahead: the longer, the less is known of it."""
_MOST = 0.8
"""No larger share is taken for lasting: a lane of which more is asked would never be empty."""
_OWNERS = 32
"""So many owners' own are kept: of others, too few come to matter."""


def learn_arrival(lane: Lane, request: QuotaRequest, rounds: int, now: float) -> None:
    """The asker has come, and is so many rounds away."""
    seen = _faded(lane, now)
    number = _class_of(rounds)
    seen.counts[number] += 1
    owner = request.get("owner", NOBODY)
    if _rank(request) > RANKS["high"]:
        counts = seen.own.setdefault(owner, [0.0] * _CLASSES)
        counts[number] += 1
        if len(seen.own) > _OWNERS:
            del seen.own[min(seen.own.keys() - {owner}, key=lambda name: sum(seen.own[name]))]
    lane.arrivals = Arrivals(
        now,
        round(seen.seconds, 1),
        _stored(seen.counts),
        {owner: _stored(counts) for owner, counts in seen.own.items()},
    )


def places_before(lane: Lane, request: QuotaRequest, rounds: int, place: int, now: float) -> int:
    """How many places will be given before the asker, that has ``place`` before it in so many
    rounds: as those are served, it goes through the classes below its own."""
    seen, second = _faded(lane, now), rate(lane, request)
    own = seen.own.get(request.get("owner", NOBODY), [0.0] * _CLASSES)
    if _rank(request) >= RANKS["low"]:
        own = [0.0] * _CLASSES
    possible = (seen.seconds + _QUIET) * second + _QUIET_PART * place
    total, below, last = 0.0, 0.0, _class_of(rounds)
    for number in range(last + 1):
        counts = seen.counts[number] - own[number]
        lowest = 2**number // 2
        highest = rounds if number == last else 2**number - 1
        # Of those that come into this very class, the part that is before the middle of these.
        nearer = min(1.0, (highest - lowest) / 2 / max(lowest, 1))
        share = min(_MOST, (below + nearer * counts) / possible)
        total += (highest - lowest + 1) / (rounds + 1) * place / (1 - share)
        below += counts
    return round(total)


def _faded(lane: Lane, now: float) -> Arrivals:
    """What came, as it counts now."""
    seen = lane.arrivals
    passed = max(0.0, now - seen.at) if seen.counts else 0.0
    part: float = 0.5 ** (passed / _HALF_LIFE)

    def faded(counts: list[float]) -> list[float]:
        return [*[count * part for count in counts], *[0.0] * (_CLASSES - len(counts))]

    own = {owner: faded(counts) for owner, counts in seen.own.items()}
    return Arrivals(now, seen.seconds * part + passed, faded(seen.counts), own)


def _stored(counts: list[float]) -> list[float]:
    """Without the classes that nothing comes into."""
    kept = [round(count, 3) for count in counts]
    while kept and not kept[-1]:
        kept.pop()
    return kept


def _rank(request: QuotaRequest) -> int:
    return rank_of(request.get("priority", "normal"))


def _class_of(rounds: int) -> int:
    return min(rounds.bit_length(), _CLASSES - 1)
