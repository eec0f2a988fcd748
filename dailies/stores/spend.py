"""What has been spent, summed up by day and by month, in the owner's partition of the table of
videos.

===================  =======================================================================
row key              holds
===================  =======================================================================
``j:…``              what a video adds, until it is summed up (``dailies.stores.journal``)
``s:DIM:MONTH:SHA``  of one value of a dimension (a model, a user, …), a month's days
``y:DIM:YEAR:SHA``   of one value, a year's months
``s``                how often something was summed up
===================  =======================================================================

Summing up takes rows from the journal and adds them to tallies in one transaction, which fails when
one of them was taken by another: so each counts once, whatever dies and however many do it. What is
told is the tallies and what is in the journal still; it is read again when something was summed up
meanwhile, so it is never old and never told twice.

A dimension's rows stand side by side, so an owner's year is read by one query: of whole months, and
of days in the months at its ends that are not whole.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field

from azure.data.tables import TableEntity, TableTransactionError, UpdateMode
from azure.data.tables.aio import TableClient, TableServiceClient

from dailies.owners.spend import Dimension, Entry, Interval, Tally
from dailies.stores import journal
from dailies.stores.open_videos import OpenVideos
from dailies.stores.rows import Operation, row, step_aside
from dailies.stores.tables import VIDEOS, document_of, etag_of, find_row, unchanged
from dailies.stores.tallies import TallyRow, ends, rows_of, whole_months
from dailies.stores.transactions import write_together
from dailies.video.errors import Conflict

__all__ = ["SpendStore", "Tallies"]

_ATTEMPTS = 12
# Of a transaction of the service; one is the row that counts.
_MOST_OPERATIONS = 100 - 1
_GENERATION = "s"

Tallies = Mapping[tuple[str | None, str], Tally]
"""By the dimension's value (None: without one) and the label of the interval."""


@dataclass(slots=True)
class _Batch:
    """Rows of the journal that are summed up in one transaction, and what they add to which row."""

    rows: list[TableEntity] = field(default_factory=list)
    sums: dict[str, TallyRow] = field(default_factory=dict)

    def takes(self, entity: TableEntity) -> bool:
        """Take a row of the journal, if there is room for what it touches."""
        entry = _entry_in(entity)
        touched = list(rows_of(entry))
        size = len(self.rows) + 1 + len(self.sums.keys() | {key for key, _, _ in touched})
        if self.rows and size > _MOST_OPERATIONS:
            return False
        self.rows.append(entity)
        for key, name, label in touched:
            self.sums.setdefault(key, TallyRow(name)).add(label, entry.tally)
        return True


class SpendStore:
    """What all owners have spent."""

    def __init__(self, service: TableServiceClient, open_videos: OpenVideos) -> None:
        self._videos: TableClient = service.get_table_client(VIDEOS)
        self._open = open_videos

    def owners(self) -> AsyncIterator[str]:
        """Every owner of whom a video has ended, or was held on a budget."""
        return self._open.owners()

    async def fold(self, owner: str) -> int:
        """Sum up what is in the owner's journal; how many rows that were.

        Raises:
            Conflict: others do so too, again and again.
        """
        folded = attempt = 0
        while attempt < _ATTEMPTS:
            generation = await find_row(self._videos, owner, _GENERATION)
            batch = _Batch()
            async for entity in self._journal(owner):
                if not batch.takes(entity):
                    break
            if not batch.rows:
                return folded
            if await self._write(owner, batch, generation):
                folded += len(batch.rows)
                attempt = 0
            else:
                attempt += 1
                await step_aside(attempt)
        raise Conflict("The journal is being summed up by others; try again.", code="busy")

    async def _write(self, owner: str, batch: _Batch, generation: TableEntity | None) -> bool:
        """False when another has summed something up meanwhile."""
        operations: list[Operation] = [_counted(owner, generation)]
        there = await asyncio.gather(*(find_row(self._videos, owner, key) for key in batch.sums))
        for (key, added), found in zip(batch.sums.items(), there, strict=True):
            if found is None:
                operations.append(("create", row(owner, key, **added.columns)))
                continue
            sums = TallyRow.of(found)
            sums.merge(added)
            condition = {"mode": UpdateMode.REPLACE, **unchanged(etag_of(found))}
            operations.append(("update", row(owner, key, **sums.columns), condition))
        operations += [("delete", row(owner, str(entity["RowKey"]))) for entity in batch.rows]
        try:
            await write_together(self._videos, operations)
        except TableTransactionError as error:
            if error.status_code in (404, 409, 412):
                return False
            raise
        return True

    async def read(
        self, owner: str, dimension: Dimension, first: str, last: str, interval: Interval
    ) -> Tallies:
        """What the owner has spent on the days from ``first`` to ``last``, both ``2026-11-29``.

        Raises:
            Conflict: it was being summed up all the time.
        """
        for attempt in range(_ATTEMPTS):
            before = await find_row(self._videos, owner, _GENERATION)
            sums: defaultdict[tuple[str | None, str], Tally] = defaultdict(Tally)
            async for value, label, tally in self._summed(owner, dimension, first, last, interval):
                sums[value, interval.label(label)] += tally
            async for entity in self._journal(owner):
                entry = _entry_in(entity)
                if first <= entry.day <= last:
                    for value in entry.values(dimension):
                        sums[value, interval.label(entry.day)] += entry.tally
            after = await find_row(self._videos, owner, _GENERATION)
            if _etag(before) == _etag(after):
                return sums
            await step_aside(attempt)
        raise Conflict("Spend is being summed up at this moment; try again.", code="busy")

    async def _summed(
        self, owner: str, dimension: Dimension, first: str, last: str, interval: Interval
    ) -> AsyncIterator[tuple[str | None, str, Tally]]:
        """What is summed up, by value and by day, or by month where that is enough."""
        whole, parts = None, [(first[:7], last[:7])]
        if interval is not Interval.DAY:
            whole, parts = whole_months(first, last), ends(first, last)
        if whole is not None:
            low, high = whole
            async for found in self._rows(owner, f"y:{dimension}", low[:4], high[:4]):
                for month, tally in found.sums.items():
                    if low <= month <= high:
                        yield found.name, month, tally
        for low, high in parts:
            async for found in self._rows(owner, f"s:{dimension}", low, high):
                for day, tally in found.sums.items():
                    if first <= day <= last:
                        yield found.name, day, tally

    async def _rows(self, owner: str, kind: str, first: str, last: str) -> AsyncIterator[TallyRow]:
        rows = self._videos.query_entities(
            "PartitionKey eq @owner and RowKey ge @low and RowKey lt @high",
            parameters={"owner": owner, "low": f"{kind}:{first}:", "high": f"{kind}:{last};"},
        )
        async for each in rows:
            yield TallyRow.of(each)

    async def _journal(self, owner: str) -> AsyncIterator[TableEntity]:
        rows = self._videos.query_entities(
            "PartitionKey eq @owner and RowKey ge @low and RowKey lt @high",
            parameters={"owner": owner, "low": journal.LOW, "high": journal.HIGH},
        )
        async for each in rows:
            yield each


def _entry_in(entity: TableEntity) -> Entry:
    return Entry.model_validate_json(document_of(entity))


def _counted(owner: str, generation: TableEntity | None) -> Operation:
    if generation is None:
        return ("create", row(owner, _GENERATION, Folds=1))
    counted = row(owner, _GENERATION, Folds=int(generation["Folds"]) + 1)
    return ("update", counted, {"mode": UpdateMode.REPLACE, **unchanged(etag_of(generation))})


def _etag(generation: TableEntity | None) -> str | None:
    return None if generation is None else etag_of(generation)
