"""Issued keys: a row for each, found by its id, which every secret of the key names.

A row is read again when what is known of it is ``FRESH_SECONDS`` old, and for no longer than
``_READ_SECONDS``: so what an operator changes, a key that is revoked first of all, holds within ten
seconds on every instance. Nothing older is ever gone by: while storage does not answer, issued keys
are refused for that reason, as is whatever else needs storage.

What is remembered has a fixed size. Ids that nobody has issued are remembered apart from those of
keys, so that rubbish pushes no key out, and only few of them are looked for at a time.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from azure.core.exceptions import ResourceExistsError, ResourceModifiedError
from azure.data.tables import UpdateMode
from azure.data.tables.aio import TableClient, TableServiceClient

from dailies.owners.issued import IssuedKey
from dailies.stores.rows import step_aside
from dailies.stores.tables import KEYS, document_of, etag_of, find_row, properties_of, unchanged
from dailies.video.errors import Conflict, Unavailable

__all__ = ["FRESH_SECONDS", "Change", "KeyStore", "Seen"]

FRESH_SECONDS = 5.0
_READ_SECONDS = 5.0
_PARTITION = "issued"
_MOST_KEYS = 2000
_MOST_UNKNOWN = 2000
_MOST_SEARCHES = 8
"""Of ids that are not known, at a time; those of keys that were seen before need not wait."""
_MOST_TRIES = 12

Change = Callable[[IssuedKey], IssuedKey]


@dataclass(frozen=True, slots=True)
class Seen:
    """A row as it was at ``read_at``; no key where there is none."""

    key: IssuedKey | None
    read_at: float


class KeyStore:
    """The issued keys of all owners, with what this process last read of them."""

    def __init__(self, service: TableServiceClient) -> None:
        self._table: TableClient = service.get_table_client(KEYS)
        self._keys: OrderedDict[str, Seen] = OrderedDict()
        self._unknown: OrderedDict[str, Seen] = OrderedDict()
        self._reading: dict[str, asyncio.Task[IssuedKey | None]] = {}
        self._searches = asyncio.Semaphore(_MOST_SEARCHES)

    async def find(self, key_id: str, now: float) -> IssuedKey | None:
        """The key, as it was at most ten seconds ago; None when nobody has issued it.

        Raises:
            Unavailable: storage did not answer in time.
            azure.core.exceptions.AzureError: it answered with an error.
        """
        seen = self._keys.get(key_id) or self._unknown.get(key_id)
        if seen is not None and 0 <= now - seen.read_at < FRESH_SECONDS:
            return seen.key
        reading = self._reading.get(key_id)
        if reading is None:
            reading = asyncio.create_task(self._read(key_id, now))
            self._reading[key_id] = reading
            reading.add_done_callback(lambda done: self._ended(key_id, done))
        # Others wait for the same answer, whoever of them leaves.
        return await asyncio.shield(reading)

    async def get(self, key_id: str) -> IssuedKey | None:
        """The key as it is now."""
        row = await find_row(self._table, _PARTITION, key_id)
        return None if row is None else IssuedKey.model_validate_json(document_of(row))

    async def list(self, *, owner: str | None, after: str, limit: int) -> Sequence[IssuedKey]:
        """The keys of one owner, or of all, whose ids come after that one, in the order of ids."""
        of_owner = "" if owner is None else " and Owner eq @owner"
        rows = self._table.query_entities(
            f"PartitionKey eq @partition and RowKey gt @after{of_owner}",
            parameters={"partition": _PARTITION, "after": after, "owner": owner or ""},
            results_per_page=limit,
        )
        keys: list[IssuedKey] = []
        async for row in rows:
            keys.append(IssuedKey.model_validate_json(document_of(row)))
            if len(keys) == limit:
                break
        return keys

    async def insert(self, key: IssuedKey) -> IssuedKey:
        """Write a new key; gives the one that has its id already, if there is one."""
        try:
            await self._table.create_entity(_row(key))
        except ResourceExistsError:
            found = await self.get(key.id)
            if found is None:
                raise
            return found
        self._unknown.pop(key.id, None)
        return key

    async def update(self, key_id: str, change: Change, now: float) -> IssuedKey | None:
        """Change a key; what it is now, or None when there is none.

        Raises:
            Conflict: others are faster again and again.
            Exception: what ``change`` raises.
        """
        for attempt in range(_MOST_TRIES):
            row = await find_row(self._table, _PARTITION, key_id)
            if row is None:
                return None
            before = IssuedKey.model_validate_json(document_of(row))
            after = change(before)
            if after != before:
                try:
                    await self._table.update_entity(
                        _row(after), mode=UpdateMode.REPLACE, **unchanged(etag_of(row))
                    )
                except ResourceModifiedError:
                    await step_aside(attempt)
                    continue
            self._remember(key_id, Seen(after, now))
            return after
        raise Conflict("Others change this key at the moment; try again.", code="busy")

    async def _read(self, key_id: str, now: float) -> IssuedKey | None:
        try:
            async with asyncio.timeout(_READ_SECONDS):
                if key_id in self._keys:
                    key = await self.get(key_id)
                else:
                    async with self._searches:
                        key = await self.get(key_id)
        except TimeoutError:
            raise Unavailable(
                "Storage does not answer at the moment, so it can't be told whose key this is. "
                "Send the request again.",
                code="storage_unavailable",
            ) from None
        self._remember(key_id, Seen(key, now))
        return key

    def _remember(self, key_id: str, seen: Seen) -> None:
        place, most = (
            (self._unknown, _MOST_UNKNOWN) if seen.key is None else (self._keys, _MOST_KEYS)
        )
        place[key_id] = seen
        place.move_to_end(key_id)
        if len(place) > most:
            place.popitem(last=False)

    def _ended(self, key_id: str, reading: asyncio.Task[IssuedKey | None]) -> None:
        self._reading.pop(key_id, None)
        if not reading.cancelled():
            reading.exception()  # told to those who wait, if any still do


def _row(key: IssuedKey) -> dict[str, str]:
    """The columns beside the document are for lists, and for people who look into the table."""
    return {
        "PartitionKey": _PARTITION,
        "RowKey": key.id,
        "Owner": key.owner,
        "Name": key.name,
        **properties_of(key.model_dump_json()),
    }
