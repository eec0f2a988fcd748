"""How many of an owner's videos have not ended.

A row ``o:ID`` stands in the owner's partition from the insert of the record, in one transaction
with it, to the write that makes the record final, in one transaction with that. So counting reads
one short range, however many videos the owner has had and others have. Records of before 2026-12
have no such row and are not counted.
"""

from __future__ import annotations

from collections.abc import Collection

from azure.data.tables.aio import TableClient

from dailies.stores.rows import Operation, row
from dailies.stores.tables import find_row
from dailies.video.record import VideoRecord

__all__ = ["begun", "count", "ended", "ids", "is_counted"]

_MOST_PER_PAGE = 1000


def begun(record: VideoRecord) -> Operation:
    """The part of the transaction that makes the record."""
    made_with = {} if record.key_id is None else {"Key": record.key_id}
    return ("create", row(record.owner, _key(record.id), **made_with))


def ended(record: VideoRecord) -> Operation:
    """The part of the transaction that makes the record final."""
    return ("delete", row(record.owner, _key(record.id)))


async def is_counted(table: TableClient, record: VideoRecord) -> bool:
    """Whether the video has its row."""
    return await find_row(table, record.owner, _key(record.id)) is not None


async def count(
    table: TableClient,
    owner: str,
    *,
    up_to: int,
    besides: Collection[str] = (),
    key_id: str | None = None,
) -> int:
    """How many of the owner's videos have not ended, ``besides`` some; no further than ``up_to``.
    With ``key_id``, of those that were made with that key."""
    made_with = "" if key_id is None else " and Key eq @key"
    rows = table.query_entities(
        f"PartitionKey eq @owner and RowKey ge @low and RowKey lt @high{made_with}",
        parameters={"owner": owner, "low": _key(""), "high": "o;", "key": key_id or ""},
        select=["RowKey"],
        results_per_page=min(up_to + len(besides), _MOST_PER_PAGE),
    )
    found = 0
    async for each in rows:
        found += str(each["RowKey"]).removeprefix(_key("")) not in besides
        if found >= up_to:
            break
    return found


async def ids(table: TableClient, owner: str, *, up_to: int) -> list[str]:
    """The owner's videos that have not ended, in rising order of time, no more than ``up_to``."""
    rows = table.query_entities(
        "PartitionKey eq @owner and RowKey ge @low and RowKey lt @high",
        parameters={"owner": owner, "low": _key(""), "high": "o;"},
        select=["RowKey"],
        results_per_page=min(up_to, _MOST_PER_PAGE),
    )
    found: list[str] = []
    async for each in rows:
        found.append(str(each["RowKey"]).removeprefix(_key("")))
        if len(found) == up_to:
            break
    return found


def _key(video_id: str) -> str:
    return f"o:{video_id}"
