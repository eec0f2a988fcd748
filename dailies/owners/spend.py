"""What has been spent, and on what: tallies by day, and what each video adds to them.

A video is tallied once, when it ends, on the day (UTC) on which it was accepted, as budgets count
it. What is told of its cost later is an entry of its own. Pure values, in micro-dollars.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from dailies.video.basics import Phase
from dailies.video.money import to_micros
from dailies.video.record import VideoRecord
from dailies.video.request import Document

__all__ = ["Dimension", "Entry", "Interval", "Tally", "correction_of", "entry_of"]

_MOST_TAGS = 50


class Dimension(StrEnum):
    """What spend is told by, within an owner."""

    DAY = "day"
    KEY = "key"
    USER = "user"
    MODEL = "model"
    PROVIDER = "provider"
    TAG = "tag"


class Interval(StrEnum):
    """By what else a dimension's values are told apart."""

    DAY = "day"
    MONTH = "month"
    TOTAL = "total"

    def label(self, day: str) -> str:
        """What a day (``2026-11-29``), or where that is enough a month, belongs to."""
        return {Interval.DAY: day, Interval.MONTH: day[:7], Interval.TOTAL: ""}[self]


@dataclass(frozen=True, slots=True)
class Tally:
    """A number of videos that have ended, and what they have cost.

    Attributes:
        videos: all of them; ``completed``: those that were made.
        seconds: the rendered length of those that were made.
        micros: what all of them cost.
        unpriced: those of which nobody knows what they cost.
    """

    videos: int = 0
    completed: int = 0
    seconds: int = 0
    micros: int = 0
    unpriced: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.videos + other.videos,
            self.completed + other.completed,
            self.seconds + other.seconds,
            self.micros + other.micros,
            self.unpriced + other.unpriced,
        )


class Entry(Document):
    """What a video adds to the tallies of its day, and to which of them."""

    day: str
    tally: Tally
    key: str | None = None
    user: str | None = None
    model: str
    provider: str | None = None
    tags: tuple[str, ...] = ()

    def values(self, dimension: Dimension) -> tuple[str | None, ...]:
        """Under which of the dimension it is told; several times where it has several tags. By day
        there is one tally of a day, for all."""
        match dimension:
            case Dimension.DAY:
                return (None,)
            case Dimension.KEY:
                return (self.key,)
            case Dimension.USER:
                return (self.user,)
            case Dimension.MODEL:
                return (self.model,)
            case Dimension.PROVIDER:
                return (self.provider,)
            case Dimension.TAG:
                return self.tags or (None,)


def entry_of(record: VideoRecord) -> Entry:
    """What a video adds that has ended."""
    is_made = record.phase is Phase.DONE
    request = record.request
    return _entry(
        record,
        Tally(
            videos=1,
            completed=int(is_made),
            seconds=request.seconds * request.n_variants if is_made else 0,
            micros=_micros(record),
            unpriced=int(record.cost_usd is None),
        ),
    )


def correction_of(before: VideoRecord, after: VideoRecord) -> Entry:
    """What another cost than was told at first adds."""
    unpriced = int(after.cost_usd is None) - int(before.cost_usd is None)
    return _entry(after, Tally(micros=_micros(after) - _micros(before), unpriced=unpriced))


def _micros(record: VideoRecord) -> int:
    return 0 if record.cost_usd is None else to_micros(record.cost_usd)


def _entry(record: VideoRecord, tally: Tally) -> Entry:
    return Entry(
        day=datetime.fromtimestamp(record.created_at, UTC).date().isoformat(),
        tally=tally,
        key=record.key_id,
        user=record.request.user,
        model=record.request.model,
        provider=record.submit.provider,
        tags=tuple(dict.fromkeys(record.tags))[:_MOST_TAGS],
    )
