"""The videos of all owners: for operators, who search them, and for what looks after them all.

Each owner has a partition (``dailies.stores.records``). Ids begin with their time, so the newest
videos of all are the owners' falling indexes, merged: one request for each owner, then only for
what is wanted. How much is read for one page is bounded; a page that is short for that says where
to go on.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from azure.data.tables import TableEntity
from azure.data.tables.aio import TableClient

from dailies.stores.rows import columns_of, falling_row, is_video_id, record_row, tombstone_row
from dailies.stores.search import ALWAYS, Found, Search
from dailies.stores.tables import document_of
from dailies.video.basics import ID_PREFIX, first_id
from dailies.video.record import VideoRecord

__all__ = ["MOST_SCANNED", "AllOwners"]

MOST_SCANNED = 2_000
"""Videos that are looked at for one page, however many owners have them."""
_AT_ONCE = 16
_BATCH = 250
_COLUMNS = ["RowKey", *ALWAYS, "Provider", "Deployment", "Code", "KeyId", "User", "Blob", "Tags"]
_COLUMNS += ["Columns"]

Given = TypeVar("Given")
Value = TypeVar("Value")


@dataclass(order=True, slots=True)
class _Line:
    """What is next in an owner's falling index; the lowest row is the newest video."""

    row: str
    owner: str = field(compare=False)
    id: str = field(compare=False)
    rest: AsyncIterator[tuple[str, str]] = field(compare=False)


class AllOwners:
    """The table of records, across its partitions."""

    def __init__(self, table: TableClient) -> None:
        self._table = table
        self._known: tuple[str, ...] = ()

    async def owners(self) -> Sequence[str]:
        """Everyone who has, or had, a video.

        A request for each, one after another the first time; from then on those between two who
        are known are looked for side by side.
        """
        ends = ("", *self._known, None)
        found = await _side_by_side(itertools.pairwise(ends), self._between)
        self._known = tuple(sorted({*self._known, *itertools.chain.from_iterable(found)}))
        return self._known

    async def owner_of(self, video_id: str) -> str | None:
        """Who has the video, or had it until it was deleted."""
        if not is_video_id(video_id):
            return None
        keys = {"record": record_row(video_id), "tombstone": tombstone_row(video_id)}

        async def has(owner: str) -> str | None:
            rows = self._table.query_entities(
                "PartitionKey eq @owner and ( RowKey eq @record or RowKey eq @tombstone )",
                parameters={"owner": owner, **keys},
                select=["PartitionKey"],
            )
            return owner if [each async for each in rows] else None

        found = await _side_by_side(await self.owners(), has)
        return next((owner for owner in found if owner is not None), None)

    async def search(self, search: Search, *, after: str | None, limit: int) -> Found:
        """A page of the videos that are wanted, from the one after ``after``, newest first.

        Those that were deleted are not among them, also while they still run.
        """
        owners = await self.owners() if search.owner is None else (search.owner,)
        size = limit + 1 if search.takes_all else _BATCH
        newest = self._newest(owners, *_bounds(search, after), size)
        records: list[VideoRecord] = []
        scanned, last = 0, ""
        while batch := [each async for each in _first(newest, min(size, MOST_SCANNED - scanned))]:
            taken = await self._read(batch, search)
            for video_id, _ in batch:
                scanned += 1
                if video_id in taken:
                    records.append(taken[video_id])
                if len(records) > limit:
                    return Found(records[:limit], scanned, records[limit - 1].id)
                last = video_id
        return Found(records, scanned, last if scanned >= MOST_SCANNED else None)

    async def created_before(self, cutoff: float) -> AsyncIterator[VideoRecord]:
        """Every owner's videos that were created before ``cutoff`` (Unix seconds), owner by owner:
        a range in each partition, and nothing else is read but a row to find the next owner."""
        owner = ""
        while (found := await self._owner_after(owner)) is not None:
            owner = found
            rows = self._table.query_entities(
                "PartitionKey eq @owner and RowKey ge @low and RowKey lt @high",
                parameters={
                    "owner": owner,
                    "low": f"v:{ID_PREFIX}",
                    "high": f"v:{first_id(cutoff)}",
                },
            )
            async for each in rows:
                yield VideoRecord.model_validate_json(document_of(each))

    async def _between(self, ends: tuple[str | None, str | None]) -> list[str]:
        owner, end = ends
        found: list[str] = []
        while (owner := await self._owner_after(owner or "", end)) is not None:
            found.append(owner)
        return found

    async def _owner_after(self, owner: str, end: str | None = None) -> str | None:
        """The next partition of the table, in the order of their keys."""
        rows = self._table.query_entities(
            "PartitionKey gt @owner" + ("" if end is None else " and PartitionKey lt @end"),
            parameters={"owner": owner, **({} if end is None else {"end": end})},
            select=["PartitionKey"],
            results_per_page=1,
        )
        async for each in rows:
            return str(each["PartitionKey"])
        return None

    async def _newest(
        self, owners: Sequence[str], low: str, high: str, size: int
    ) -> AsyncIterator[tuple[str, str]]:
        """The ids of all between two rows of the falling index, newest first, with their owners."""

        async def begin(owner: str) -> _Line | None:
            return await _next(_Line("", owner, "", self._index(owner, low, high, size)))

        lines = [line for line in await _side_by_side(owners, begin) if line is not None]
        heapq.heapify(lines)
        while lines:
            line = lines[0]
            yield line.id, line.owner
            following = await _next(line)
            if following is None:
                heapq.heappop(lines)
            else:
                heapq.heapreplace(lines, following)

    async def _index(
        self, owner: str, low: str, high: str, size: int
    ) -> AsyncIterator[tuple[str, str]]:
        rows = self._table.query_entities(
            "PartitionKey eq @owner and RowKey gt @low and RowKey lt @high",
            parameters={"owner": owner, "low": low, "high": high},
            select=["RowKey", "VideoId", "Withdrawn"],
            results_per_page=size,
        )
        async for row in rows:
            if not row.get("Withdrawn"):
                yield str(row["RowKey"]), str(row["VideoId"])

    async def _read(
        self, batch: Sequence[tuple[str, str]], search: Search
    ) -> dict[str, VideoRecord]:
        """Those of the batch that are wanted, by id."""
        of_owner: dict[str, list[str]] = {}
        for video_id, owner in batch:
            of_owner.setdefault(owner, []).append(video_id)

        async def read(owner: str) -> list[VideoRecord]:
            return await self._read_of(owner, of_owner[owner], search)

        found = itertools.chain.from_iterable(await _side_by_side(of_owner, read))
        return {record.id: record for record in found if not record.is_withdrawn}

    async def _read_of(self, owner: str, ids: list[str], search: Search) -> list[VideoRecord]:
        """One owner's, which are a range, as what stands together in the index stands together in
        the records. A document may be large, so its columns are looked at first."""
        known = True
        if not search.takes_all:
            filters = search.filters(all_columns=False)
            columns = [row async for row in self._range(owner, ids, filters, select=_COLUMNS)]
            known = all("Columns" in row for row in columns)
            taken = [row for row in columns if "Columns" not in row or search.takes(row)]
            ids = [str(row["RowKey"]).removeprefix("v:") for row in taken]
            if not ids:
                return []
        filters = search.filters(all_columns=known)
        wanted = {record_row(video_id) for video_id in ids}
        rows = [row async for row in self._range(owner, ids, filters) if row["RowKey"] in wanted]
        records = [VideoRecord.model_validate_json(document_of(row)) for row in rows]
        return [record for record in records if search.takes(columns_of(record))]

    def _range(
        self,
        owner: str,
        ids: Sequence[str],
        filters: Mapping[str, str],
        select: list[str] | None = None,
    ) -> AsyncIterator[TableEntity]:
        """The rows of records from the first to the last of the ids."""
        equal = "".join(f" and {name} eq @{name.lower()}" for name in filters)
        return self._table.query_entities(
            "PartitionKey eq @owner and RowKey ge @low and RowKey le @high" + equal,
            parameters={
                "owner": owner,
                "low": record_row(min(ids)),
                "high": record_row(max(ids)),
                **{name.lower(): value for name, value in filters.items()},
            },
            select=select,
        )


def _bounds(search: Search, after: str | None) -> tuple[str, str]:
    """Between which rows of the falling index the wanted ones lie."""
    low, high = ["d:"], "d;"
    if after is not None:
        low.append(falling_row(after))
    if search.created_before is not None:
        low.append(falling_row(first_id(search.created_before)))
    if search.created_after is not None:
        # Behind the row of the first id of that moment stands what was created earlier.
        high = f"{falling_row(first_id(search.created_after))}g"
    return max(low), high


async def _next(line: _Line) -> _Line | None:
    async for row, video_id in line.rest:
        return _Line(row, line.owner, video_id, line.rest)
    return None


async def _first(items: AsyncIterator[Value], count: int) -> AsyncIterator[Value]:
    """The next ``count`` of them; the rest stays where it is."""
    for _ in range(count):
        async for item in items:
            yield item
            break
        else:
            return


async def _side_by_side(
    items: Iterable[Given], ask: Callable[[Given], Awaitable[Value]]
) -> list[Value]:
    """The answers for all items in their order, some asked for at a time."""
    places = asyncio.Semaphore(_AT_ONCE)

    async def one(item: Given) -> Value:
        async with places:
            return await ask(item)

    return await asyncio.gather(*map(one, items))
