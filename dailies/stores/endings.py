"""How a record becomes final, and is changed after that: in one transaction with all that follows.

That its owner has one unfinished video less, what was held of budgets for it, and what it has cost
is written with the record, once; so is what a later word on its cost changes.
"""

from __future__ import annotations

from contextlib import AsyncExitStack

from azure.core.exceptions import ResourceModifiedError, ResourceNotFoundError
from azure.data.tables import TableTransactionError, UpdateMode
from azure.data.tables.aio import TableClient

from dailies.stores import unfinished
from dailies.stores.journal import journaled
from dailies.stores.ledger import Ledger
from dailies.stores.open_videos import OpenVideos
from dailies.stores.rows import Operation, entity_of, record_row, step_aside
from dailies.stores.tables import etag_of, find_row, unchanged
from dailies.stores.transactions import write_together
from dailies.video.errors import Conflict
from dailies.video.record import VideoRecord

__all__ = ["Endings"]

# Others may end videos of the same account, or hold of it, at this moment.
_ATTEMPTS = 40


class Endings:
    """Writes final records."""

    def __init__(self, videos: TableClient, open_videos: OpenVideos, ledger: Ledger) -> None:
        self._videos = videos
        self._open = open_videos
        self._ledger = ledger

    async def put(self, record: VideoRecord, changed: VideoRecord, etag: str) -> str:
        """Write a final record in the place of what was read with ``etag``; gives the new one.

        Raises:
            ResourceModifiedError: the record was changed since.
            ResourceNotFoundError: it was removed since.
            Conflict: others keep writing to the accounts that it concerns.
        """
        await self._open.know_owner(record.owner)
        async with AsyncExitStack() as stack:
            if record.reserve is not None:
                await stack.enter_async_context(self._ledger.turn(record.owner))
            is_counted = not record.is_final
            for attempt in range(_ATTEMPTS):
                written = await self._write(record, changed, etag, is_counted=is_counted)
                if written is not None:
                    return written
                await self._check(record, etag)
                if is_counted and not await unfinished.is_counted(self._videos, record):
                    is_counted = False  # it was made before there were such rows
                else:
                    await step_aside(attempt)
        raise Conflict(f"{record.id} is being changed by others; try again.", code="busy")

    async def _write(
        self, record: VideoRecord, changed: VideoRecord, etag: str, *, is_counted: bool
    ) -> str | None:
        """None when a condition failed, whichever it was."""
        operations: list[Operation] = [
            ("update", entity_of(changed), {"mode": UpdateMode.REPLACE, **unchanged(etag)})
        ]
        if is_counted:
            operations.append(unfinished.ended(record))
        operations += journaled(record, changed)
        operations += await self._ledger.settle(record, changed)
        try:
            written = await write_together(self._videos, operations)
        except TableTransactionError as error:
            if error.status_code in (404, 412):
                return None
            raise
        return written[0]

    async def _check(self, record: VideoRecord, etag: str) -> None:
        found = await find_row(self._videos, record.owner, record_row(record.id))
        if found is None:
            raise ResourceNotFoundError(f"{record.id} was removed")
        if etag_of(found) != etag:
            raise ResourceModifiedError(f"{record.id} was changed")
