"""Tombstones: what is left of a video that was deleted, or whose time was over.

One transaction takes the record, its index and its idempotency key away and writes the tombstone
(row ``t:ID`` in the owner's partition), so that a video is gone from every answer at once. The
tombstone keeps the record until its files are deleted and its events are out; a row in
``openvideos`` brings the sweeper back until then. After that it only says what became of the id.
"""

from __future__ import annotations

import asyncio
import random
from enum import StrEnum
from typing import Any

from azure.core import MatchConditions
from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables import TableTransactionError, UpdateMode
from azure.data.tables.aio import TableClient, TableServiceClient
from pydantic import BaseModel, ConfigDict

from dailies.errors import Conflict
from dailies.records import VideoRecord
from dailies.stores.records import RecordStore, falling_row, is_video_id
from dailies.stores.tables import VIDEOS, document_of, properties_of

__all__ = ["Removal", "Tombstone", "TombstoneStore"]

_ATTEMPTS = 12
_Operation = tuple[str, dict[str, Any]] | tuple[str, dict[str, Any], dict[str, Any]]


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
    """

    model_config = ConfigDict(frozen=True)

    id: str
    owner: str
    reason: Removal
    at: float
    record: VideoRecord | None

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
        try:
            row = await self._videos.get_entity(owner, _row(video_id))
        except ResourceNotFoundError:
            return None
        return Tombstone.model_validate_json(document_of(row))

    async def bury(
        self, owner: str, video_id: str, reason: Removal, now: float
    ) -> Tombstone | None:
        """Put a tombstone in the place of a record that is final; None when there is none.

        Raises:
            Conflict: the video is not final, or others keep writing to its record.
        """
        for attempt in range(_ATTEMPTS):
            found = await self._records.read(owner, video_id)
            if found is None:
                return None
            record, etag = found
            if not record.is_final:
                raise Conflict(f"{video_id} has not ended; it can't be removed.", code="busy")
            tombstone = Tombstone(
                id=record.id, owner=owner, reason=reason, at=now, record=_without_prompt(record)
            )
            await self._records.announce(record.id, record.owner)
            if await self._replace(record, etag, tombstone):
                return tombstone
            await asyncio.sleep(random.uniform(0, 0.02 * (attempt + 1)))  # noqa: S311 - no secret
        raise Conflict(f"{video_id} is being changed by others; try again.", code="busy")

    async def settle(self, tombstone: Tombstone) -> None:
        """Note that nothing is left to do; only the id and the reason stay."""
        done = tombstone.model_copy(update={"record": None})
        await self._videos.upsert_entity(_entity(done), mode=UpdateMode.REPLACE)
        await self._records.close(tombstone.id)

    async def _replace(self, record: VideoRecord, etag: str, tombstone: Tombstone) -> bool:
        """Do it in one transaction; False when the record was changed since it was read."""
        unchanged = {"etag": etag, "match_condition": MatchConditions.IfNotModified}
        operations: list[_Operation] = [
            ("delete", _key(record, f"v:{record.id}"), unchanged),
            ("delete", _key(record, falling_row(record.id))),
            ("upsert", _entity(tombstone), {"mode": UpdateMode.REPLACE}),
        ]
        if record.idempotency_key is not None:
            operations.append(("delete", _key(record, f"k:{record.idempotency_key}")))
        try:
            await self._videos.submit_transaction(operations)
        except TableTransactionError as error:
            # 412: somebody wrote to it; 404: somebody else buried it.
            if error.status_code in (404, 412):
                return False
            raise
        return True


def _key(record: VideoRecord, row: str) -> dict[str, Any]:
    return {"PartitionKey": record.owner, "RowKey": row}


def _row(video_id: str) -> str:
    return f"t:{video_id}"


def _without_prompt(record: VideoRecord) -> VideoRecord:
    request = record.request.model_copy(update={"prompt": ""})
    return record.model_copy(update={"request": request})


def _entity(tombstone: Tombstone) -> dict[str, Any]:
    return {
        "PartitionKey": tombstone.owner,
        "RowKey": _row(tombstone.id),
        "Reason": tombstone.reason.value,
        **properties_of(tombstone.model_dump_json()),
    }
