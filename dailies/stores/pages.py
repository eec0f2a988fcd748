"""Reading one owner's videos page by page, in either order of time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from azure.data.tables.aio import TableClient

from dailies.stores.rows import falling_row, is_video_id, record_row
from dailies.stores.tables import document_of, etag_of
from dailies.video.basics import ID_PREFIX, Status
from dailies.video.record import VideoRecord

__all__ = ["Page", "read_etags", "read_page"]


@dataclass(frozen=True, slots=True)
class Page:
    """A page of one owner's videos."""

    records: Sequence[VideoRecord]
    has_more: bool


async def read_page(
    table: TableClient,
    owner: str,
    *,
    after: str | None,
    limit: int,
    ascending: bool,
    models: Sequence[str] = (),
) -> Page:
    """A page of one owner's videos, from the one after ``after`` in the asked order; only those of
    ``models`` when any are given.

    ``after`` need not exist any more: it is a place in the order of time.
    """
    if after is not None and not is_video_id(after):
        return Page((), has_more=False)
    ids = await _ids(table, owner, after=after, limit=limit + 1, ascending=ascending, models=models)
    wanted, has_more = ids[:limit], len(ids) > limit
    if not wanted:
        return Page((), has_more=False)
    # Between those of the models there may be any number of others, with their documents.
    of_models, names = _of_models(models)
    rows = table.query_entities(
        f"PartitionKey eq @owner and RowKey ge @low and RowKey le @high{of_models}",
        parameters={
            "owner": owner,
            "low": record_row(min(wanted)),
            "high": record_row(max(wanted)),
            **names,
        },
    )
    # A record may have come or gone since the index was read: only what it named is given.
    keys = {record_row(video_id) for video_id in wanted}
    records = [
        record
        async for row in rows
        if row["RowKey"] in keys
        and not (record := VideoRecord.model_validate_json(document_of(row))).is_withdrawn
    ]
    if not ascending:
        records.reverse()
    return Page(records, has_more)


async def read_etags(
    table: TableClient,
    owner: str,
    *,
    since: str,
    until: str | None,
    running: bool,
    changed_since: float | None,
) -> AsyncIterator[tuple[str, str]]:
    """The ids and ETags of one owner's videos in a range of ids, both ends in it, in rising order.

    Args:
        until: without it, to the newest.
        running: only of those that have not ended.
        changed_since: Unix seconds; only of those that were written later.
    """
    changed: dict[str, datetime] = {}
    if changed_since is not None:
        changed["changed"] = datetime.fromtimestamp(changed_since, UTC)
    ended = {f"ended{n}": each.value for n, each in enumerate(Status) if each.is_final}
    rows = table.query_entities(
        "PartitionKey eq @owner and RowKey ge @low and RowKey le @high"
        + ("".join(f" and Status ne @{name}" for name in ended) if running else "")
        + (" and Timestamp ge @changed" if changed else ""),
        parameters={
            "owner": owner,
            "low": record_row(since),
            "high": record_row(f"{ID_PREFIX}g" if until is None else until),
            **ended,
            **changed,
        },
        select=["RowKey"],
    )
    async for each in rows:
        yield str(each["RowKey"]).removeprefix(record_row("")), etag_of(each)


async def _ids(
    table: TableClient,
    owner: str,
    *,
    after: str | None,
    limit: int,
    ascending: bool,
    models: Sequence[str],
) -> Sequence[str]:
    if ascending:
        low, high = "v:" if after is None else record_row(after), "v;"
    else:
        low, high = "d:" if after is None else falling_row(after), "d;"
    of_models, names = _of_models(models)
    rows = table.query_entities(
        f"PartitionKey eq @owner and RowKey gt @low and RowKey lt @high{of_models}",
        parameters={"owner": owner, "low": low, "high": high, **names},
        select=["RowKey", "VideoId", "Withdrawn"],
        results_per_page=limit,
    )
    ids: list[str] = []
    async for row in rows:
        if row.get("Withdrawn"):
            continue
        ids.append(str(row["RowKey"])[2:] if ascending else str(row["VideoId"]))
        if len(ids) == limit:
            break
    return ids


def _of_models(models: Sequence[str]) -> tuple[str, dict[str, str]]:
    """The condition that a row is of one of these models, if any are given, and its parameters."""
    names = {f"model{place}": name for place, name in enumerate(models)}
    # The SDK knows a parameter only between spaces.
    either = " or ".join(f"Model eq @{parameter}" for parameter in names)
    return f" and ( {either} )" if either else "", names
