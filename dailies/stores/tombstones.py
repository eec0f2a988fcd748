"""Tombstones: what is left of a video that was deleted, or whose time was over.

A video that runs is *withdrawn*: one transaction marks its record, takes away what its owner finds
it by, and writes the tombstone (row ``t:ID`` in the owner's partition). The pipeline still has the
record, to cancel what is under way and to say how the video ended; then it is buried.

Burying: one transaction takes the record and its index away and writes the tombstone, so that a
video is gone from every answer at once. The tombstone keeps the record until its files are deleted
and its events are out; a reminder in ``openvideos`` brings the sweeper back until then. After
that it only says what became of the id.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from azure.data.tables import TableTransactionError, UpdateMode
from azure.data.tables.aio import TableClient, TableServiceClient
from pydantic import BaseModel, ConfigDict

from dailies.stores.records import RecordStore
from dailies.stores.resends import RESEND_SECONDS, remembered_hash
from dailies.stores.rows import (
    Operation,
    entity_of,
    falling_row,
    is_video_id,
    record_row,
    row,
    step_aside,
    tombstone_row,
)
from dailies.stores.tables import VIDEOS, document_of, find_row, properties_of, unchanged
from dailies.stores.transactions import write_together
from dailies.video.basics import created_at
from dailies.video.errors import Conflict
from dailies.video.record import VideoRecord

__all__ = ["Removal", "Tombstone", "TombstoneStore"]

_ATTEMPTS = 12
_REPLACE = {"mode": UpdateMode.REPLACE}


class Removal(StrEnum):
    """Why a video is gone."""

    DELETED = "deleted"
    """Its owner deleted it."""
    EXPIRED = "expired"
    """It was older than videos are kept."""


class Tombstone(BaseModel):
    """What became of a video.

    Attributes:
        at: when it was removed, Unix seconds.
        record: what it was, while files or events are left to see to; without the prompt.
        cost_usd: what it has cost, as far as anybody knew when it was removed.
        request_hash: what its request is known by, if a resend of it may still come.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    owner: str
    reason: Removal
    at: float
    record: VideoRecord | None
    cost_usd: float | None = None
    request_hash: str | None = None

    @property
    def is_settled(self) -> bool:
        return self.record is None


class TombstoneStore:
    """The tombstones of all owners."""

    def __init__(self, service: TableServiceClient, records: RecordStore) -> None:
        self._videos: TableClient = service.get_table_client(VIDEOS)
        self._records = records

    async def get(self, owner: str, video_id: str) -> Tombstone | None:
        """The tombstone of the owner's video, if it had that video and it is gone."""
        if not is_video_id(video_id):
            return None
        found = await find_row(self._videos, owner, tombstone_row(video_id))
        return None if found is None else Tombstone.model_validate_json(document_of(found))

    async def withdraw(self, owner: str, video_id: str, now: float) -> VideoRecord | None:
        """Take a video that has not ended out of its owner's sight, and ask for its cancellation.

        Gives its record: one that had ended is left as it is. None when there is none.

        Raises:
            Conflict: others keep writing to its record.
        """
        for attempt in range(_ATTEMPTS):
            found = await self._records.read(owner, video_id)
            if found is None:
                return None
            record, etag = found
            if record.is_final or record.is_withdrawn:
                return record
            withdrawn = record.model_copy(update={"withdrawn_at": now, "cancel_requested": True})
            tombstone = Tombstone(
                id=record.id,
                owner=owner,
                reason=Removal.DELETED,
                at=now,
                record=None,
                request_hash=remembered_hash(record, now),
            )
            if tombstone.request_hash is not None:
                # First the row by which the sweeper comes to forget it.
                await self._records.open.remind(tombstone.id, tombstone.owner)
            change: Operation = ("update", entity_of(withdrawn), {**unchanged(etag), **_REPLACE})
            if await self._do([change, *_leave_lists(record), _put(tombstone)]):
                return withdrawn
            await step_aside(attempt)
        raise Conflict(f"{video_id} is being changed by others; try again.", code="busy")

    async def bury(
        self, owner: str, video_id: str, reason: Removal, now: float
    ) -> Tombstone | None:
        """Put a tombstone in the place of a record that is final; None when there is none.

        Raises:
            Conflict: the video is not final, or others keep writing to its record.
        """
        tombstone: Tombstone | None = None
        for attempt in range(_ATTEMPTS):
            found = await self._records.read(owner, video_id)
            if found is None:
                # The SDK sends a transaction again when its answer was lost: then it is our own.
                is_ours = tombstone is not None and await self.get(owner, video_id) == tombstone
                return tombstone if is_ours else None
            record, etag = found
            if not record.is_final:
                raise Conflict(f"{video_id} has not ended; it can't be removed.", code="busy")
            tombstone = Tombstone(
                id=record.id,
                owner=owner,
                reason=reason,
                at=now,
                record=_without_prompt(record),
                cost_usd=record.cost_usd,
                request_hash=remembered_hash(record, now),
            )
            # First the row by which the sweeper finds what a broken-off removal leaves. Not the one
            # among the open videos: whoever tells of the end of this one may take that away now.
            await self._records.open.remind(record.id, record.owner)
            # That one too, for a sweeper of the version before.
            await self._records.open.announce(record.id, record.owner)
            take: Operation = ("delete", row(owner, record_row(record.id)), unchanged(etag))
            if await self._do([take, *_leave_lists(record), _put(tombstone)]):
                return tombstone
            await step_aside(attempt)
        raise Conflict(f"{video_id} is being changed by others; try again.", code="busy")

    async def settle(self, tombstone: Tombstone) -> None:
        """Note that nothing is left to do; only the id and the reason stay."""
        done = tombstone.model_copy(update={"record": None})
        await self._videos.upsert_entity(_entity(done), mode=UpdateMode.REPLACE)
        await self._records.open.close(tombstone.id)
        if tombstone.request_hash is None:
            await self._records.open.forget_reminder(tombstone.id)

    async def forget_request(self, owner: str, video_id: str, now: float) -> bool:
        """Forget what the request of a removed video is known by; False while a resend of it may
        still come."""
        tombstone = await self.get(owner, video_id)
        if tombstone is None or tombstone.request_hash is None:
            return True
        if not tombstone.is_settled or now - created_at(video_id) <= RESEND_SECONDS:
            return False
        forgetful = tombstone.model_copy(update={"request_hash": None})
        await self._videos.upsert_entity(_entity(forgetful), mode=UpdateMode.REPLACE)
        return True

    async def _do(self, operations: list[Operation]) -> bool:
        """Do it in one transaction; False when the record was changed since it was read."""
        try:
            await write_together(self._videos, operations)
        except TableTransactionError as error:
            # 412: somebody wrote to it; 404: somebody else buried it.
            if error.status_code in (404, 412):
                return False
            raise
        return True


def _leave_lists(record: VideoRecord) -> list[Operation]:
    """Take away what a video is found by; a withdrawn one has nothing of that any more. Its key
    stays, so that its request, sent again, is not paid for again."""
    if record.is_withdrawn:
        return []
    return [("delete", row(record.owner, falling_row(record.id)))]


def _put(tombstone: Tombstone) -> Operation:
    return ("upsert", _entity(tombstone), _REPLACE)


def _without_prompt(record: VideoRecord) -> VideoRecord:
    request = record.request.model_copy(update={"prompt": ""})
    return record.model_copy(update={"request": request})


def _entity(tombstone: Tombstone) -> dict[str, Any]:
    known = {} if tombstone.request_hash is None else {"RequestHash": tombstone.request_hash}
    return row(
        tombstone.owner,
        tombstone_row(tombstone.id),
        Reason=tombstone.reason.value,
        **known,
        **properties_of(tombstone.model_dump_json()),
    )
