"""Tallies as rows, and which months a time has."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import astuple, dataclass, field
from datetime import date, timedelta
from typing import Any

from dailies.owners.spend import Dimension, Entry, Tally
from dailies.stores.rows import hash_key
from dailies.stores.tables import document_of, properties_of

__all__ = ["TallyRow", "ends", "rows_of", "whole_months"]

_ONE_DAY = timedelta(days=1)


@dataclass(slots=True)
class TallyRow:
    """Tallies of one value of a dimension (its ``name``): of a month by day (``2026-11-29``), or of
    a year by month (``2026-11``).

    They are kept as numbers in the order of the fields of ``Tally``.
    """

    name: str | None
    sums: dict[str, Tally] = field(default_factory=dict)

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> TallyRow:
        """Read a row."""
        name = found.get("Name")
        sums = json.loads(document_of(found))
        return cls(
            None if name is None else str(name),
            {label: Tally(*numbers) for label, numbers in sums.items()},
        )

    def add(self, label: str, tally: Tally) -> None:
        """Add to a day or month."""
        self.sums[label] = self.sums.get(label, Tally()) + tally

    def merge(self, other: TallyRow) -> None:
        """Add all of another's."""
        for label, tally in other.sums.items():
            self.add(label, tally)

    @property
    def columns(self) -> dict[str, str]:
        """What is written."""
        sums = {label: astuple(tally) for label, tally in sorted(self.sums.items())}
        text = json.dumps(sums, separators=(",", ":"))
        return {**({} if self.name is None else {"Name": self.name}), **properties_of(text)}


def rows_of(entry: Entry) -> Iterator[tuple[str, str | None, str]]:
    """The rows that an entry is added to: the key of each, the value that it is of, and the day or
    month there."""
    month, year = entry.day[:7], entry.day[:4]
    for dimension in Dimension:
        for value in entry.values(dimension):
            # Values may hold what no row key may, and may be longer.
            hashed = "-" if value is None else hash_key(value)
            yield f"s:{dimension}:{month}:{hashed}", value, entry.day
            yield f"y:{dimension}:{year}:{hashed}", value, month


def whole_months(first: str, last: str) -> tuple[str, str] | None:
    """The first and the last month of which all days are in a time, ``2026-11`` each."""
    begins, ended = date.fromisoformat(first), date.fromisoformat(last)
    low = first[:7] if begins.day == 1 else _next_month(begins)
    high = last[:7] if _is_last_day(ended) else _month_before(ended)
    return (low, high) if low <= high else None


def ends(first: str, last: str) -> list[tuple[str, str]]:
    """The months at the ends of a time of which not all days are in it, each from and to itself."""
    begins, ended = date.fromisoformat(first), date.fromisoformat(last)
    parts = [first[:7]] if begins.day > 1 else []
    if not _is_last_day(ended) and last[:7] not in parts:
        parts.append(last[:7])
    return [(month, month) for month in parts]


def _is_last_day(day: date) -> bool:
    return (day + _ONE_DAY).day == 1


def _next_month(day: date) -> str:
    return (day.replace(day=28) + timedelta(days=4)).isoformat()[:7]


def _month_before(day: date) -> str:
    return (day.replace(day=1) - _ONE_DAY).isoformat()[:7]
