"""Records in Table Storage.

One owner's videos share a partition, so that an insert with its idempotency key is one transaction
and a list is a range read:

========  ==================================  =====================================
row key   holds                               read as
========  ==================================  =====================================
``v:ID``  the record                          a point; rising order of time
``d:~ID`` the id; ``~`` inverts every digit   falling order of time
``k:SHA`` the video made for that key         a point; its insert is the lock; it outlives both
``t:ID``  the tombstone of a removed video    a point (``dailies.stores.tombstones``)
``o:ID``  that the video has not ended        a range (``dailies.stores.unfinished``)
``g:N``   the owner's epoch                   a range of one (``dailies.stores.resends``)
``g``     that the owner has had an epoch     never; its insert fails when there is one
========  ==================================  =====================================

A video that was deleted while it ran has its record, for the pipeline alone, and its tombstone.

Inverting the hex digits turns rising into falling order. A page in falling order reads the index,
then the records between its first and last id: the same rows, since both orders are exact mirrors.

What the sweeper goes by stands in a table of its own (``dailies.stores.open_videos``).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Sequence

from azure.core.exceptions import (
    ResourceModifiedError,
    ResourceNotFoundError,
    ServiceResponseError,
)
from azure.data.tables import TableEntity, TableTransactionError, UpdateMode
from azure.data.tables.aio import TableClient, TableServiceClient

from dailies.stores import unfinished
from dailies.stores.kept import forget, keep, last_version
from dailies.stores.open_videos import OpenVideos
from dailies.stores.pages import Page, read_etags, read_page
from dailies.stores.resends import Epoch, Resends, Sending
from dailies.stores.rows import (
    Operation,
    entity_of,
    falling_row,
    hash_key,
    is_video_id,
    record_row,
    row,
    step_aside,
)
from dailies.stores.tables import VIDEOS, document_of, etag_of, find_row, unchanged
from dailies.video.basics import ID_PREFIX, first_id
from dailies.video.errors import Conflict
from dailies.video.record import VideoRecord
from dailies.video.spans import note_record

__all__ = ["Change", "Page", "RecordStore", "hash_key", "is_video_id"]

Change = Callable[[VideoRecord], VideoRecord]
Written = Callable[[VideoRecord, str], None]

_WRITE_ATTEMPTS = 12
# A resend must not meet a first sending of the same owner, of which there may be many.
_SENDING_ATTEMPTS = 40


class RecordStore:
    """The records of all owners.

    Attributes:
        open: the videos with something left to do.
        written: is told of each version that this process writes, with its ETag.
    """

    def __init__(self, service: TableServiceClient) -> None:
        self._videos: TableClient = service.get_table_client(VIDEOS)
        self.open = OpenVideos(service)
        self._resends = Resends(self._videos)
        self.written: Written | None = None

    async def insert(self, record: VideoRecord, sending: Sending | None = None) -> VideoRecord:
        """Write a new record, or give the one that its idempotency key made before, or another
        ``sending`` of its request.

        Raises:
            Conflict: the key was used before with another request (code
                ``idempotency_key_reused``); or the video of a request that was sent again is
                deleted (code ``video_deleted``); or others are faster again and again (``busy``).
        """
        await self.open.announce(record.id, record.owner)
        if sending is not None:
            return await self._insert_sent(record, sending)
        operations = self._new_rows(record)
        if record.idempotency_key is not None:
            operations.append(await self._take_key(record, record.idempotency_key))
        refusal = await self._write_new(record, operations)
        if refusal is None:
            return record
        if record.idempotency_key is None:
            raise refusal
        await self.open.close(record.id)
        existing = await self.find_by_key(record.owner, record.idempotency_key, record.request_hash)
        if existing is None:
            raise refusal
        return existing

    async def _take_key(self, record: VideoRecord, key: str) -> Operation:
        """What makes the key this video's: it has nobody yet, or one that is gone."""
        made = {"VideoId": record.id, "RequestHash": record.request_hash or ""}
        taken = row(record.owner, f"k:{key}", **made)
        found = await find_row(self._videos, record.owner, f"k:{key}")
        if found is None or await self._stands(record.owner, found):
            return ("create", taken)
        return ("update", taken, {"mode": UpdateMode.REPLACE, **unchanged(etag_of(found))})

    async def _insert_sent(self, record: VideoRecord, sending: Sending) -> VideoRecord:
        # A first sending goes by the epoch in which it began; a resend by what is there now.
        epoch = Epoch(sending.epoch) if sending.number == 0 else None
        for attempt in range(_SENDING_ATTEMPTS):
            epoch = epoch or await self._resends.epoch(record.owner)
            earlier = await self._sent_before(
                record.owner, record.request_hash or "", sending, epoch, record.created_at
            )
            if earlier is not None:
                await self.open.close(record.id)
                return earlier
            operations = [
                *self._new_rows(record, **self._resends.columns(record, sending, epoch)),
                *self._resends.operations(record.owner, sending, epoch),
            ]
            if await self._write_new(record, operations) is None:
                return record
            epoch = None
            await step_aside(attempt)
        raise Conflict("Too many requests at once; try again.", code="busy")

    async def find_sent(
        self, owner: str, request_hash: str, sending: Sending, now: float
    ) -> VideoRecord | None:
        """The video that another sending of this request has made, if one has.

        Raises:
            Conflict: it was deleted (code ``video_deleted``).
        """
        epoch = await self._resends.epoch(owner)
        return await self._sent_before(owner, request_hash, sending, epoch, now)

    async def epoch(self, owner: str) -> int:
        """The owner's epoch, for a ``Sending`` that begins now."""
        return (await self._resends.epoch(owner)).number

    async def _sent_before(
        self, owner: str, request_hash: str, sending: Sending, epoch: Epoch, now: float
    ) -> VideoRecord | None:
        for _ in range(_WRITE_ATTEMPTS):
            video_id = await self._resends.answer_with(owner, request_hash, sending, epoch, now)
            found = None if video_id is None else await self.get(owner, video_id)
            if video_id is None or (found is not None and not found.is_withdrawn):
                return found
            # It was deleted at this moment, and has left the index with its record: look again.
        raise Conflict("The video is being deleted; try again.", code="busy")

    def _new_rows(self, record: VideoRecord, **columns: object) -> list[Operation]:
        about = {"VideoId": record.id, "Model": record.request.model, **columns}
        return [
            ("create", entity_of(record)),
            ("create", row(record.owner, falling_row(record.id), **about)),
            unfinished.begun(record),
        ]

    async def _write_new(
        self, record: VideoRecord, operations: Sequence[Operation]
    ) -> TableTransactionError | None:
        """Write what makes a new record, in one transaction; why not, if a condition failed."""
        try:
            await self._videos.submit_transaction(operations)
        except ServiceResponseError:
            # The answer was lost; what it was, the table tells.
            if await self.get(record.owner, record.id) is None:
                raise
        except TableTransactionError as error:
            if error.status_code not in (404, 409, 412):
                raise
            # The SDK sends a transaction again when its answer was lost: then this is our own.
            if await self.get(record.owner, record.id) is None:
                return error
        return None

    async def find_by_key(
        self, owner: str, idempotency_key: str, request_hash: str | None
    ) -> VideoRecord | None:
        """The video that this (hashed) key made, if it made one.

        Once that is deleted, the key may be used for another request.

        Raises:
            Conflict: it made one for another request (code ``idempotency_key_reused``), or one for
                this request that was deleted since (code ``video_deleted``).
        """
        found = await find_row(self._videos, owner, f"k:{idempotency_key}")
        if found is None:
            return None
        is_same = found["RequestHash"] == (request_hash or "")
        record = await self._stands(owner, found)
        if record is not None and not is_same:
            raise Conflict(
                "This Idempotency-Key was used before with another request. Use a new key for a "
                "new video, or send the same request again.",
                code="idempotency_key_reused",
            )
        if record is None and is_same:
            raise Conflict(
                f"This request made the video '{found['VideoId']}', which has been deleted since. "
                "It is not made again by itself; use a new Idempotency-Key for a new video.",
                code="video_deleted",
            )
        return record

    async def made_by(self, owner: str, idempotency_key: str) -> VideoRecord | None:
        """The video that this (hashed) key made of whatever request, unless it was deleted."""
        found = await find_row(self._videos, owner, f"k:{idempotency_key}")
        return None if found is None else await self._stands(owner, found)

    async def _stands(self, owner: str, key: TableEntity) -> VideoRecord | None:
        """The record of the video that a key made, unless it was deleted."""
        record = await self.get(owner, str(key["VideoId"]))
        return None if record is None or record.is_withdrawn else record

    async def get(self, owner: str, video_id: str, *, anew: bool = False) -> VideoRecord | None:
        """One record, or None: also when it belongs to another owner.

        For the pipeline: callers are shown what ``dailies.api.lookup`` finds.

        Args:
            anew: also where it is kept (``dailies.stores.kept``), to see what others have written.
        """
        found = None if anew else last_version(owner, video_id)
        found = found or await self.read(owner, video_id)
        if found is None:
            return None
        keep(*found)
        note_record(found[0])
        return found[0]

    async def update(self, owner: str, video_id: str, change: Change) -> VideoRecord | None:
        """Apply ``change`` to the record as it is now; again if someone else wrote in between.

        ``change`` must be pure: it may run more than once. Nothing is written when it returns an
        equal record. None when there is no such record.
        """
        found = last_version(owner, video_id)
        is_old = found is not None
        for attempt in range(_WRITE_ATTEMPTS):
            found = found or await self.read(owner, video_id)
            if found is None:
                return None
            record, etag = found
            changed = change(record)
            if changed != record:
                try:
                    written = await self._put(record, changed, etag)
                except ResourceNotFoundError:
                    forget(video_id)
                    return None
                except ResourceModifiedError:
                    if not is_old:
                        await step_aside(attempt)
                else:
                    keep(changed, written)
                    note_record(changed)
                    if self.written is not None:
                        self.written(changed, written)
                    return changed
            elif not is_old:
                keep(record, etag)
                note_record(record)
                return record
            # A kept version is out of date, or says that nothing is to be done: is it still so?
            found, is_old = None, False
        raise Conflict(f"{video_id} is being changed by others; try again.", code="busy")

    async def _put(self, record: VideoRecord, changed: VideoRecord, etag: str) -> str:
        """Write a record in the place of what was read with ``etag``; gives the new one."""
        condition = {"mode": UpdateMode.REPLACE, **unchanged(etag)}
        if changed.is_final and not record.is_final:
            write: Operation = ("update", entity_of(changed), condition)
            if (after := await unfinished.end(self._videos, record, write)) is not None:
                return after
        written = await self._videos.update_entity(entity_of(changed), **condition)
        return str(written["etag"])

    async def list(
        self,
        owner: str,
        *,
        after: str | None,
        limit: int,
        ascending: bool,
        models: Sequence[str] = (),
    ) -> Page:
        """A page of one owner's videos; see ``dailies.stores.pages``."""
        return await read_page(
            self._videos, owner, after=after, limit=limit, ascending=ascending, models=models
        )

    def etags(
        self,
        owner: str,
        *,
        since: str,
        until: str | None = None,
        running: bool = False,
        changed_since: float | None = None,
    ) -> AsyncIterator[tuple[str, str]]:
        """The ids and ETags of a range of videos; see ``dailies.stores.pages``."""
        return read_etags(
            self._videos,
            owner,
            since=since,
            until=until,
            running=running,
            changed_since=changed_since,
        )

    async def unfinished(self, owner: str, *, up_to: int) -> Sequence[str]:
        """The ids of the owner's videos that have not ended, the oldest of them."""
        return await unfinished.ids(self._videos, owner, up_to=up_to)

    async def created_before(self, cutoff: float) -> AsyncIterator[VideoRecord]:
        """Every owner's videos that were created before ``cutoff`` (Unix seconds), owner by owner.

        Ids begin with their time, so those are a range in each owner's partition, and nothing else
        is read but a row to find the next owner.
        """
        owner = ""
        while (found := await self._owner_after(owner)) is not None:
            owner = found
            rows = self._videos.query_entities(
                "PartitionKey eq @owner and RowKey ge @low and RowKey lt @high",
                parameters={
                    "owner": owner,
                    "low": f"v:{ID_PREFIX}",
                    "high": f"v:{first_id(cutoff)}",
                },
            )
            async for each in rows:
                yield VideoRecord.model_validate_json(document_of(each))

    async def _owner_after(self, owner: str) -> str | None:
        """The next partition of the table, in the order of their keys."""
        rows = self._videos.query_entities(
            "PartitionKey gt @owner",
            parameters={"owner": owner},
            select=["PartitionKey"],
            results_per_page=1,
        )
        async for each in rows:
            return str(each["PartitionKey"])
        return None

    async def count_unfinished(
        self, owner: str, *, up_to: int, besides: Collection[str] = ()
    ) -> int:
        """See ``dailies.stores.unfinished``."""
        return await unfinished.count(self._videos, owner, up_to=up_to, besides=besides)

    async def read(self, owner: str, video_id: str) -> tuple[VideoRecord, str] | None:
        """One record and its ETag."""
        if not is_video_id(video_id):
            return None
        found = await find_row(self._videos, owner, record_row(video_id))
        if found is None:
            return None
        return VideoRecord.model_validate_json(document_of(found)), etag_of(found)
