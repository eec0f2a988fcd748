"""The videos with something left to do, by which the sweeper finds what fell between the cracks.

A row in ``openvideos`` is written before the record and removed when nothing is left to do, so a
crash at any moment leaves something to find. The partition ``reminders`` names videos for which
something is left to do some time after their end, and the partition ``owners`` the owners of whom
there is something to be summed up or told of.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

from azure.data.tables.aio import TableClient, TableServiceClient

from dailies.stores.tables import OPEN_VIDEOS, find_row
from dailies.video.basics import first_id

__all__ = ["OpenVideo", "OpenVideos"]

_OPEN_PARTITION = "open"
_REMINDERS_PARTITION = "reminders"
_OWNERS_PARTITION = "owners"


@dataclass(frozen=True, slots=True)
class OpenVideo:
    """A video with something left to do."""

    id: str
    owner: str


class OpenVideos:
    """Those of all owners."""

    def __init__(self, service: TableServiceClient) -> None:
        self._table: TableClient = service.get_table_client(OPEN_VIDEOS)
        self._known: set[str] = set()

    def videos(self) -> AsyncIterator[OpenVideo]:
        """Every video with something left to do, oldest first."""
        return self._rows(_OPEN_PARTITION)

    async def count(self, *, before: float) -> int:
        """How many videos with something left to do were created before then (Unix seconds)."""
        rows = self._table.query_entities(
            "PartitionKey eq @partition and RowKey lt @end",
            parameters={"partition": _OPEN_PARTITION, "end": first_id(before)},
            select=["RowKey"],
        )
        return sum([1 async for _ in rows])

    async def owner_of(self, video_id: str) -> str | None:
        """Whose video it is, while something is left to do for it."""
        found = await find_row(self._table, _OPEN_PARTITION, video_id)
        return None if found is None else str(found["Owner"])

    async def announce(self, video_id: str, owner: str) -> None:
        """Note that something is to be done for this video, so that the sweeper looks."""
        await self._table.upsert_entity(
            {"PartitionKey": _OPEN_PARTITION, "RowKey": video_id, "Owner": owner}
        )

    async def close(self, video_id: str) -> None:
        """Note that nothing is left to do for this video."""
        await self._table.delete_entity(_OPEN_PARTITION, video_id)

    def reminders(self) -> AsyncIterator[OpenVideo]:
        """Every video that the sweeper is to come back to after its end, oldest first."""
        return self._rows(_REMINDERS_PARTITION)

    async def remind(self, video_id: str, owner: str) -> None:
        """Note that something is left to do for the video some time after its end."""
        await self._table.upsert_entity(
            {"PartitionKey": _REMINDERS_PARTITION, "RowKey": video_id, "Owner": owner}
        )

    async def forget_reminder(self, video_id: str) -> None:
        """Note that nothing is left to come back for."""
        await self._table.delete_entity(_REMINDERS_PARTITION, video_id)

    async def know_owner(self, owner: str) -> None:
        """Note that there is something of the owner's to be summed up or told of, or will be."""
        if owner not in self._known:
            await self._table.upsert_entity({"PartitionKey": _OWNERS_PARTITION, "RowKey": owner})
            self._known.add(owner)

    async def owners(self) -> AsyncIterator[str]:
        """Every owner of whom there is or was something, in the order of their names."""
        rows = self._table.query_entities(
            "PartitionKey eq @partition", parameters={"partition": _OWNERS_PARTITION}
        )
        async for found in rows:
            yield str(found["RowKey"])

    async def _rows(self, partition: str) -> AsyncIterator[OpenVideo]:
        rows = self._table.query_entities(
            "PartitionKey eq @partition", parameters={"partition": partition}
        )
        async for found in rows:
            yield OpenVideo(id=str(found["RowKey"]), owner=str(found["Owner"]))
