"""Records in Table Storage.

One owner's videos share a partition, so that an insert with its idempotency key is one transaction
and a list is a range read:

========  ==================================  =====================================
row key   holds                               read as
========  ==================================  =====================================
``v:ID``  the record                          a point; rising order of time
``d:~ID`` the id; ``~`` inverts every digit   falling order of time
``k:SHA`` the video made for that key         a point; its insert is the lock
``t:ID``  the tombstone of a removed video    a point (``dailies.stores.tombstones``)
========  ==================================  =====================================

A video that was deleted while it ran has its record, for the pipeline alone, and its tombstone.

Inverting the hex digits turns rising into falling order. A page in falling order reads the index,
then the records between its first and last id: the same rows, since both orders are exact mirrors.

A row in ``openvideos`` is written before the record and removed when nothing is left to do, so a
crash at any moment leaves the sweeper something to find. Its partition ``jobs`` names ended videos
whose jobs may go on at the provider.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass

from azure.core import MatchConditions
from azure.core.exceptions import (
    ResourceModifiedError,
    ResourceNotFoundError,
    ServiceResponseError,
)
from azure.data.tables import TableTransactionError, UpdateMode
from azure.data.tables.aio import TableClient, TableServiceClient

from dailies.errors import Conflict
from dailies.records import VideoRecord
from dailies.stores.tables import OPEN_VIDEOS, VIDEOS, document_of, properties_of
from dailies.telemetry.spans import note_record
from dailies.videos import ID_PREFIX, first_id

__all__ = [
    "Change",
    "OpenVideo",
    "Page",
    "RecordStore",
    "entity_of",
    "falling_row",
    "hash_key",
    "is_video_id",
]

Change = Callable[[VideoRecord], VideoRecord]

_INVERTED = str.maketrans("0123456789abcdef", "fedcba9876543210")
_OPEN_PARTITION = "open"
_JOBS_PARTITION = "jobs"
_WRITE_ATTEMPTS = 12


@dataclass(frozen=True, slots=True)
class OpenVideo:
    """A video with something left to do."""

    id: str
    owner: str


@dataclass(frozen=True, slots=True)
class Page:
    """A page of one owner's videos."""

    records: Sequence[VideoRecord]
    has_more: bool


def hash_key(key: str) -> str:
    """An idempotency key as it is kept: only its SHA-256, which also fits a row key."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def _invert(video_id: str) -> str:
    return video_id.removeprefix(ID_PREFIX).translate(_INVERTED)


def falling_row(video_id: str) -> str:
    """The row key under which a video stands in falling order of time."""
    return f"d:{_invert(video_id)}"


def is_video_id(text: str) -> bool:
    """Whether this can be the id of a video at all."""
    digits = text.removeprefix(ID_PREFIX)
    return len(digits) == 32 and digits != text and all(c in "0123456789abcdef" for c in digits)


def entity_of(record: VideoRecord) -> dict[str, object]:
    """The row of a record. The columns beside the document are for lists, and for people who look
    into the table."""
    return {
        "PartitionKey": record.owner,
        "RowKey": f"v:{record.id}",
        "Status": record.status.value,
        "Phase": record.phase.value,
        "Model": record.request.model,
        **({"Withdrawn": True} if record.is_withdrawn else {}),
        **properties_of(record.model_dump_json()),
    }


class RecordStore:
    """The records of all owners."""

    def __init__(self, service: TableServiceClient) -> None:
        self._videos: TableClient = service.get_table_client(VIDEOS)
        self._open: TableClient = service.get_table_client(OPEN_VIDEOS)

    async def insert(self, record: VideoRecord) -> VideoRecord:
        """Write a new record, or give the one that its idempotency key made before.

        Raises:
            Conflict: the key was used before with another request (code
                ``idempotency_key_reused``).
        """
        await self.announce(record.id, record.owner)
        operations: list[tuple[str, dict[str, object]]] = [
            ("create", entity_of(record)),
            (
                "create",
                {
                    "PartitionKey": record.owner,
                    "RowKey": falling_row(record.id),
                    "VideoId": record.id,
                    "Model": record.request.model,
                },
            ),
        ]
        if record.idempotency_key is not None:
            operations.append(
                (
                    "create",
                    {
                        "PartitionKey": record.owner,
                        "RowKey": f"k:{record.idempotency_key}",
                        "VideoId": record.id,
                        "RequestHash": record.request_hash or "",
                    },
                )
            )
        try:
            await self._videos.submit_transaction(operations)
        except ServiceResponseError:
            # The answer was lost; what it was, the table tells.
            if await self.get(record.owner, record.id) is None:
                raise
        except TableTransactionError as error:
            if error.status_code != 409:
                raise
            # The SDK sends a transaction again when its answer was lost: then this is our own.
            if await self.get(record.owner, record.id) is not None:
                return record
            if record.idempotency_key is None:
                raise
            await self.close(record.id)
            existing = await self.find_by_key(
                record.owner, record.idempotency_key, record.request_hash
            )
            if existing is None:
                raise
            return existing
        return record

    async def find_by_key(
        self, owner: str, idempotency_key: str, request_hash: str | None
    ) -> VideoRecord | None:
        """The video that this (hashed) key made, if it made one.

        Raises:
            Conflict: it made one for another request.
        """
        try:
            row = await self._videos.get_entity(owner, f"k:{idempotency_key}")
        except ResourceNotFoundError:
            return None
        if row["RequestHash"] != (request_hash or ""):
            raise Conflict(
                "This Idempotency-Key was used before with another request. Use a new key for a "
                "new video, or send the same request again.",
                code="idempotency_key_reused",
            )
        record = await self.get(owner, str(row["VideoId"]))
        # It may be deleted at this moment; then the key is free.
        return None if record is None or record.is_withdrawn else record

    async def get(self, owner: str, video_id: str) -> VideoRecord | None:
        """One record, or None: also when it belongs to another owner.

        For the pipeline: callers are shown what ``dailies.api.lookup`` finds.
        """
        found = await self.read(owner, video_id)
        if found is None:
            return None
        note_record(found[0])
        return found[0]

    async def update(self, owner: str, video_id: str, change: Change) -> VideoRecord | None:
        """Apply ``change`` to the record as it is now; again if someone else wrote in between.

        ``change`` must be pure: it may run more than once. Nothing is written when it returns an
        equal record. None when there is no such record.
        """
        for attempt in range(_WRITE_ATTEMPTS):
            found = await self.read(owner, video_id)
            if found is None:
                return None
            record, etag = found
            changed = change(record)
            if changed == record:
                note_record(record)
                return record
            try:
                await self._videos.update_entity(
                    entity_of(changed),
                    mode=UpdateMode.REPLACE,
                    etag=etag,
                    match_condition=MatchConditions.IfNotModified,
                )
            except ResourceModifiedError:
                # Jitter keeps two writers from meeting again and again.
                await asyncio.sleep(random.uniform(0, 0.02 * (attempt + 1)))  # noqa: S311 - no secret
                continue
            except ResourceNotFoundError:
                return None
            note_record(changed)
            return changed
        raise Conflict(f"{video_id} is being changed by others; try again.", code="busy")

    async def list(
        self,
        owner: str,
        *,
        after: str | None,
        limit: int,
        ascending: bool,
        models: Sequence[str] = (),
    ) -> Page:
        """A page of one owner's videos, from the one after ``after`` in the asked order; only those
        of ``models`` when any are given.

        ``after`` need not exist any more: it is a place in the order of time.
        """
        if after is not None and not is_video_id(after):
            return Page((), has_more=False)
        ids = await self._ids(
            owner, after=after, limit=limit + 1, ascending=ascending, models=models
        )
        wanted, has_more = ids[:limit], len(ids) > limit
        if not wanted:
            return Page((), has_more=False)
        low, high = min(wanted), max(wanted)
        rows = self._videos.query_entities(
            "PartitionKey eq @owner and RowKey ge @low and RowKey le @high",
            parameters={"owner": owner, "low": f"v:{low}", "high": f"v:{high}"},
        )
        # A record may have come or gone since the index was read: only what it named is given.
        keys = {f"v:{video_id}" for video_id in wanted}
        records = [
            VideoRecord.model_validate_json(document_of(row))
            async for row in rows
            if row["RowKey"] in keys
        ]
        if not ascending:
            records.reverse()
        return Page(records, has_more)

    def open_videos(self) -> AsyncIterator[OpenVideo]:
        """Every video with something left to do, oldest first."""
        return self._rows(_OPEN_PARTITION)

    def watched_jobs(self) -> AsyncIterator[OpenVideo]:
        """Every ended video whose job may go on at the provider, oldest first."""
        return self._rows(_JOBS_PARTITION)

    async def created_before(self, cutoff: float) -> AsyncIterator[VideoRecord]:
        """Every owner's videos that were created before ``cutoff`` (Unix seconds), in no order.

        Ids begin with their time, so the condition is one on row keys; the table is read whole all
        the same, by the service: for a nightly job.
        """
        rows = self._videos.query_entities(
            "RowKey ge @low and RowKey lt @high",
            parameters={"low": f"v:{ID_PREFIX}", "high": f"v:{first_id(cutoff)}"},
        )
        async for row in rows:
            yield VideoRecord.model_validate_json(document_of(row))

    async def count_open(self, owner: str, *, up_to: int) -> int:
        """How many of the owner's videos have something left to do; counts no further than
        ``up_to``. Reads the rows of all owners' open videos in the worst case."""
        rows = self._open.query_entities(
            "PartitionKey eq @partition and Owner eq @owner",
            parameters={"partition": _OPEN_PARTITION, "owner": owner},
            select=["RowKey"],
            results_per_page=min(up_to, 1000),
        )
        count = 0
        async for _ in rows:
            count += 1
            if count >= up_to:
                break
        return count

    async def announce(self, video_id: str, owner: str) -> None:
        """Note that something is to be done for this video, so that the sweeper looks."""
        await self._open.upsert_entity(
            {"PartitionKey": _OPEN_PARTITION, "RowKey": video_id, "Owner": owner}
        )

    async def close(self, video_id: str) -> None:
        """Note that nothing is left to do for this video."""
        await self._open.delete_entity(_OPEN_PARTITION, video_id)

    async def watch_job(self, video_id: str, owner: str) -> None:
        """Note that the video's job may go on though nobody waits for it any more."""
        await self._open.upsert_entity(
            {"PartitionKey": _JOBS_PARTITION, "RowKey": video_id, "Owner": owner}
        )

    async def unwatch_job(self, video_id: str) -> None:
        """Note that nothing is left to learn of the video's job."""
        await self._open.delete_entity(_JOBS_PARTITION, video_id)

    async def _rows(self, partition: str) -> AsyncIterator[OpenVideo]:
        rows = self._open.query_entities(
            "PartitionKey eq @partition", parameters={"partition": partition}
        )
        async for row in rows:
            yield OpenVideo(id=str(row["RowKey"]), owner=str(row["Owner"]))

    async def _ids(
        self, owner: str, *, after: str | None, limit: int, ascending: bool, models: Sequence[str]
    ) -> Sequence[str]:
        if ascending:
            low, high = "v:" if after is None else f"v:{after}", "v;"
        else:
            low, high = "d:" if after is None else falling_row(after), "d;"
        wanted = {f"model{place}": name for place, name in enumerate(models)}
        of_models = " or ".join(f"Model eq @{parameter}" for parameter in wanted)
        rows = self._videos.query_entities(
            "PartitionKey eq @owner and RowKey gt @low and RowKey lt @high"
            # The SDK knows a parameter only between spaces.
            + (f" and ( {of_models} )" if of_models else ""),
            parameters={"owner": owner, "low": low, "high": high, **wanted},
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

    async def read(self, owner: str, video_id: str) -> tuple[VideoRecord, str] | None:
        """One record and its ETag."""
        if not is_video_id(video_id):
            return None
        try:
            row = await self._videos.get_entity(owner, f"v:{video_id}")
        except ResourceNotFoundError:
            return None
        return VideoRecord.model_validate_json(document_of(row)), str(row.metadata["etag"])
