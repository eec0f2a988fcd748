"""How a record comes into the table: once for its idempotency key, or for the sendings of its
request, and with what it could cost held of the budgets that it concerns, in one transaction."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from azure.core.exceptions import ServiceResponseError
from azure.data.tables import TableEntity, TableTransactionError, UpdateMode
from azure.data.tables.aio import TableClient

from dailies.stores import unfinished
from dailies.stores.ledger import Claim, Ledger
from dailies.stores.open_videos import OpenVideos
from dailies.stores.resends import Epoch, Resends, Sending
from dailies.stores.rows import Operation, entity_of, falling_row, row, step_aside
from dailies.stores.tables import etag_of, find_row, unchanged
from dailies.stores.transactions import write_together
from dailies.video.errors import Conflict, OverBudget
from dailies.video.record import VideoRecord

__all__ = ["Insertion"]

_LOOKS = 12
# A resend must not meet a first sending of the same owner, of which there may be many; nor two
# videos one account.
_ATTEMPTS = 40


class Insertion:
    """Makes the records of all owners, and knows what made each.

    Args:
        get: finds a record as it is now.
    """

    def __init__(
        self,
        videos: TableClient,
        open_videos: OpenVideos,
        ledger: Ledger,
        get: Callable[[str, str], Awaitable[VideoRecord | None]],
    ) -> None:
        self._videos = videos
        self._open = open_videos
        self._ledger = ledger
        self._resends = Resends(videos)
        self._get = get

    async def insert(
        self, record: VideoRecord, sending: Sending | None, claim: Claim | None
    ) -> VideoRecord:
        """See ``RecordStore.insert``."""
        await self._open.announce(record.id, record.owner)
        try:
            if claim is None or not await self._ledger.applies(claim):
                return await self._insert(record, sending, None)
            async with self._ledger.turn(record.owner):
                return await self._insert(record, sending, claim)
        except OverBudget:
            # The last of the budget may be held for what this very request has made meanwhile.
            earlier = await self._made_meanwhile(record, sending)
            if earlier is None:
                raise
            return earlier

    async def _made_meanwhile(
        self, record: VideoRecord, sending: Sending | None
    ) -> VideoRecord | None:
        request_hash = record.request_hash
        if record.idempotency_key is not None:
            return await self.find_by_key(record.owner, record.idempotency_key, request_hash)
        if sending is None:
            return None
        return await self.find_sent(record.owner, request_hash or "", sending, record.created_at)

    async def _insert(
        self, record: VideoRecord, sending: Sending | None, claim: Claim | None
    ) -> VideoRecord:
        if sending is not None:
            return await self._insert_sent(record, sending, claim)
        for attempt in range(_ATTEMPTS):
            record, held = await self._hold(record, claim)
            operations = [*self._new_rows(record), *held]
            key = record.idempotency_key
            if key is not None:
                # Most keys are new: what one of a video that is gone was, is only then looked up.
                operations.append(await self._take_key(record, key, look=attempt > 0))
            refusal = await self._write_new(record, operations)
            if refusal is None:
                return record
            existing = await self._made_by_key(record)
            if existing is not None:
                return existing
            if not held and (key is None or attempt > 0):
                raise refusal
            await step_aside(attempt)
        raise _busy()

    async def _made_by_key(self, record: VideoRecord) -> VideoRecord | None:
        if record.idempotency_key is None:
            return None
        return await self.find_by_key(record.owner, record.idempotency_key, record.request_hash)

    async def _hold(
        self, record: VideoRecord, claim: Claim | None
    ) -> tuple[VideoRecord, Sequence[Operation]]:
        """The record with what is held for it, and what is to be written beside it."""
        held = None if claim is None else await self._ledger.hold(claim)
        if held is None:
            return record.model_copy(update={"reserve": None}), ()
        return record.model_copy(update={"reserve": held.reserve}), held.operations

    async def _take_key(self, record: VideoRecord, key: str, *, look: bool) -> Operation:
        """What makes the key this video's: it has nobody yet or, as a ``look`` tells, one that is
        gone."""
        made = {"VideoId": record.id, "RequestHash": record.request_hash or ""}
        taken = row(record.owner, f"k:{key}", **made)
        found = await find_row(self._videos, record.owner, f"k:{key}") if look else None
        if found is None or await self._stands(record.owner, found):
            return ("create", taken)
        return ("update", taken, {"mode": UpdateMode.REPLACE, **unchanged(etag_of(found))})

    async def _insert_sent(
        self, record: VideoRecord, sending: Sending, claim: Claim | None
    ) -> VideoRecord:
        # A first sending goes by the epoch in which it began; a resend by what is there now.
        epoch = Epoch(sending.epoch) if sending.number == 0 else None
        for attempt in range(_ATTEMPTS):
            epoch = epoch or await self._resends.epoch(record.owner)
            earlier = await self._sent_before(
                record.owner, record.request_hash or "", sending, epoch, record.created_at
            )
            if earlier is not None:
                return earlier
            record, held = await self._hold(record, claim)
            operations = [
                *self._new_rows(record, **self._resends.columns(record, sending, epoch)),
                *self._resends.operations(record.owner, sending, epoch),
                *held,
            ]
            if await self._write_new(record, operations) is None:
                return record
            epoch = None
            await step_aside(attempt)
        raise _busy()

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
            await write_together(self._videos, operations)
        except ServiceResponseError:
            # The answer was lost; what it was, the table tells.
            if await self._get(record.owner, record.id) is None:
                raise
        except TableTransactionError as error:
            if error.status_code not in (404, 409, 412):
                raise
            # The SDK sends a transaction again when its answer was lost: then this is our own.
            if await self._get(record.owner, record.id) is None:
                return error
        return None

    async def find_sent(
        self, owner: str, request_hash: str, sending: Sending, now: float
    ) -> VideoRecord | None:
        """See ``RecordStore.find_sent``."""
        epoch = await self._resends.epoch(owner)
        return await self._sent_before(owner, request_hash, sending, epoch, now)

    async def epoch(self, owner: str) -> int:
        """The owner's epoch, for a ``Sending`` that begins now."""
        return (await self._resends.epoch(owner)).number

    async def _sent_before(
        self, owner: str, request_hash: str, sending: Sending, epoch: Epoch, now: float
    ) -> VideoRecord | None:
        for _ in range(_LOOKS):
            video_id = await self._resends.answer_with(owner, request_hash, sending, epoch, now)
            found = None if video_id is None else await self._get(owner, video_id)
            if video_id is None or (found is not None and not found.is_withdrawn):
                return found
            # It was deleted at this moment, and has left the index with its record: look again.
        raise Conflict("The video is being deleted; try again.", code="busy")

    async def find_by_key(
        self, owner: str, idempotency_key: str, request_hash: str | None
    ) -> VideoRecord | None:
        """See ``RecordStore.find_by_key``."""
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
        """See ``RecordStore.made_by``."""
        found = await find_row(self._videos, owner, f"k:{idempotency_key}")
        return None if found is None else await self._stands(owner, found)

    async def _stands(self, owner: str, key: TableEntity) -> VideoRecord | None:
        """The record of the video that a key made, unless it was deleted."""
        record = await self._get(owner, str(key["VideoId"]))
        return None if record is None or record.is_withdrawn else record


def _busy() -> Conflict:
    return Conflict("Too many requests at once; try again.", code="busy")
