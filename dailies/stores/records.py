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
``b:…``   what is held and spent of a budget  a point (``dailies.stores.ledger``)
``j:…``   what a video has cost               a range (``dailies.stores.journal``)
``s:…``   that, summed up, as in ``y:…``      a range (``dailies.stores.spend``)
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
)
from azure.data.tables.aio import TableClient, TableServiceClient

from dailies.stores import unfinished
from dailies.stores.all_owners import AllOwners
from dailies.stores.endings import Endings
from dailies.stores.insertion import Insertion
from dailies.stores.kept import forget, keep, last_version
from dailies.stores.ledger import Claim, Ledger
from dailies.stores.open_videos import OpenVideos
from dailies.stores.pages import Page, read_etags, read_page
from dailies.stores.resends import Sending
from dailies.stores.rows import (
    entity_of,
    hash_key,
    is_video_id,
    record_row,
    step_aside,
)
from dailies.stores.spend import SpendStore
from dailies.stores.tables import VIDEOS, document_of, etag_of, find_row, replace_row
from dailies.video.errors import Conflict
from dailies.video.record import VideoRecord
from dailies.video.spans import note_record

__all__ = ["Change", "Page", "RecordStore", "hash_key", "is_video_id"]

Change = Callable[[VideoRecord], VideoRecord]
Written = Callable[[VideoRecord, str], None]

_WRITE_ATTEMPTS = 12


class RecordStore:
    """The records of all owners.

    Attributes:
        open: the videos with something left to do.
        all: the videos of all owners.
        ledger: the accounts of budgets.
        written: is told of each version that this process writes, with its ETag.
        spend: what has been spent.
    """

    def __init__(self, service: TableServiceClient) -> None:
        self._videos: TableClient = service.get_table_client(VIDEOS)
        self.open = OpenVideos(service)
        self.all = AllOwners(self._videos)
        self.ledger = Ledger(self._videos, self.open)
        self._insertion = Insertion(self._videos, self.open, self.ledger, self.get)
        self.written: Written | None = None
        self.spend = SpendStore(service, self.open)
        self._endings = Endings(self._videos, self.open, self.ledger)

    async def insert(
        self, record: VideoRecord, sending: Sending | None = None, claim: Claim | None = None
    ) -> VideoRecord:
        """Write a new record, or give the one that its idempotency key made before, or another
        ``sending`` of its request. What it could cost is held of the budgets that ``claim`` names.

        Where the record is not written, the row by which the sweeper finds it is left for the
        caller to close, once nothing is stored for it.

        Raises:
            Conflict: the key was used before with another request (code
                ``idempotency_key_reused``); or the video of a request that was sent again is
                deleted (code ``video_deleted``); or others are faster again and again (``busy``).
            OverBudget: a budget does not allow it.
            Forbidden: a budget applies, and nobody knows what the video costs.
        """
        return await self._insertion.insert(record, sending, claim)

    async def find_sent(
        self, owner: str, request_hash: str, sending: Sending, now: float
    ) -> VideoRecord | None:
        """The video that another sending of this request has made, if one has.

        Raises:
            Conflict: it was deleted (code ``video_deleted``).
        """
        return await self._insertion.find_sent(owner, request_hash, sending, now)

    async def epoch(self, owner: str) -> int:
        """The owner's epoch, for a ``Sending`` that begins now."""
        return await self._insertion.epoch(owner)

    async def find_by_key(
        self, owner: str, idempotency_key: str, request_hash: str | None
    ) -> VideoRecord | None:
        """The video that this (hashed) key made, if it made one.

        Once that is deleted, the key may be used for another request.

        Raises:
            Conflict: it made one for another request (code ``idempotency_key_reused``), or one for
                this request that was deleted since (code ``video_deleted``).
        """
        return await self._insertion.find_by_key(owner, idempotency_key, request_hash)

    async def made_by(self, owner: str, idempotency_key: str) -> VideoRecord | None:
        """The video that this (hashed) key made of whatever request, unless it was deleted."""
        return await self._insertion.made_by(owner, idempotency_key)

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
        if changed.is_final and (not record.is_final or changed.cost_usd != record.cost_usd):
            return await self._endings.put(record, changed, etag)
        return await replace_row(self._videos, entity_of(changed), etag)

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

    async def count_unfinished(
        self, owner: str, *, up_to: int, besides: Collection[str] = (), key_id: str | None = None
    ) -> int:
        """See ``dailies.stores.unfinished``."""
        return await unfinished.count(
            self._videos, owner, up_to=up_to, besides=besides, key_id=key_id
        )

    async def read(self, owner: str, video_id: str) -> tuple[VideoRecord, str] | None:
        """One record and its ETag."""
        if not is_video_id(video_id):
            return None
        found = await find_row(self._videos, owner, record_row(video_id))
        if found is None:
            return None
        return VideoRecord.model_validate_json(document_of(found)), etag_of(found)
