"""What became of the uploads into the references container.

==========  =============  ==================================================
partition   row            holds
==========  =============  ==================================================
``b:SHA``   ``uploads``    the ``BlobHistory`` of one blob
``open``    instance id    an upload that nobody was told anything about yet
``sweep``   ``pass``       how far the look through the container has come
``refused`` SHA            a blob whose newest upload was rejected, for a week
==========  =============  ==================================================

All that concerns one blob is one row, changed with its ETag: of two that see an upload at the same
time, one has to look again. An open row is written before anything else, so a crash at any moment
leaves the sweeper something to find.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from azure.core.exceptions import (
    ResourceExistsError,
    ResourceModifiedError,
    ResourceNotFoundError,
)
from azure.data.tables import UpdateMode
from azure.data.tables.aio import TableClient, TableServiceClient
from azure.storage.blob import BlobProperties
from pydantic import BaseModel, ConfigDict

from dailies.stores.rows import hash_key, step_aside
from dailies.stores.tables import (
    DROPS,
    document_of,
    etag_of,
    find_row,
    properties_of,
    unchanged,
)
from dailies.stores.uploads import BlobHistory, BlobState, instance_id
from dailies.video.errors import Conflict

__all__ = [
    "REJECTED_SECONDS",
    "ContainerPass",
    "DropStore",
    "OpenDrop",
    "RejectedDrop",
    "blob_state",
]

_ATTEMPTS = 12
_OPEN = "open"
_PASS = ("sweep", "pass")
_REFUSED = "refused"
REJECTED_SECONDS = 7 * 86_400.0
"""For how long it is remembered which blobs were rejected, for whoever looks after them."""


@dataclass(frozen=True, slots=True)
class OpenDrop:
    """An upload that is to be accepted or rejected; ``since`` is when it was seen, Unix seconds."""

    instance_id: str
    blob: str
    since: float


@dataclass(frozen=True, slots=True)
class RejectedDrop:
    """A blob that was rejected, for the ``code`` of a reason, at Unix seconds."""

    blob: str
    code: str
    at: float


class ContainerPass(BaseModel):
    """A look through all names of the container, which takes as many sweeps as it must.

    Attributes:
        began: when it began, Unix seconds.
        changed_since: only what was changed after that is looked at; all else was before.
        token: where to go on; None at the beginning.
    """

    model_config = ConfigDict(frozen=True)

    began: float
    changed_since: float
    token: str | None = None


class DropStore:
    """The memory of the references container."""

    def __init__(self, service: TableServiceClient, container: str) -> None:
        self._table: TableClient = service.get_table_client(DROPS)
        self._container = container

    async def get(self, blob: str) -> BlobHistory:
        """What is known of a blob's uploads."""
        history, _ = await self._read(blob)
        return history

    async def update(self, blob: str, change: Callable[[BlobHistory], BlobHistory]) -> BlobHistory:
        """Apply ``change`` to what is known; again if someone else wrote in between.

        ``change`` must be pure: it may run more than once.

        Raises:
            Conflict: others keep writing.
        """
        for attempt in range(_ATTEMPTS):
            history, etag = await self._read(blob)
            changed = change(history)
            if changed == history:
                return history
            row = {**self._key(blob), **properties_of(changed.model_dump_json())}
            try:
                if etag is None:
                    await self._table.create_entity(row)
                else:
                    await self._table.update_entity(row, mode=UpdateMode.REPLACE, **unchanged(etag))
            except (ResourceExistsError, ResourceModifiedError, ResourceNotFoundError):
                await step_aside(attempt)
                continue
            return changed
        raise Conflict("The uploads of this blob are being changed by others.", code="busy")

    async def open(self, blob: str, etag: str, now: float) -> None:
        """Note that an upload is to be seen to."""
        row = {"PartitionKey": _OPEN, "RowKey": self._instance_id(blob, etag)}
        await self._table.upsert_entity({**row, "Blob": blob, "Since": now})

    async def close(self, blob: str, etag: str) -> None:
        """Note that an upload was answered, or is gone."""
        await self.close_instance(self._instance_id(blob, etag))

    async def close_instance(self, name: str) -> None:
        """As ``close``, by the id of the upload's orchestration."""
        await self._table.delete_entity(_OPEN, name)

    async def open_drops(self) -> AsyncIterator[OpenDrop]:
        """Every upload that is to be seen to."""
        rows = self._table.query_entities(
            "PartitionKey eq @partition", parameters={"partition": _OPEN}
        )
        async for row in rows:
            yield OpenDrop(str(row["RowKey"]), str(row["Blob"]), float(row["Since"]))

    async def note_rejection(self, rejected: RejectedDrop) -> None:
        """Note that the newest upload of a blob was rejected, for whoever looks after them."""
        await self._table.upsert_entity(
            {
                "PartitionKey": _REFUSED,
                "RowKey": self._name(rejected.blob),
                "Blob": rejected.blob,
                "Code": rejected.code,
                "At": rejected.at,
            },
            mode=UpdateMode.REPLACE,
        )

    async def forget_rejection(self, blob: str) -> None:
        """Note that a later upload of the blob became a video."""
        await self._table.delete_entity(_REFUSED, self._name(blob))

    async def rejections(self, since: float, *, most: int) -> list[RejectedDrop]:
        """The blobs that were rejected since then (Unix seconds), the latest ``most`` of them."""
        latest = [rejected async for rejected in self._rejections("At ge @at", since)]
        return sorted(latest, key=lambda rejected: rejected.at, reverse=True)[:most]

    async def forget_rejections(self, before: float) -> None:
        """Forget those from before then (Unix seconds)."""
        async for rejected in self._rejections("At lt @at", before):
            await self.forget_rejection(rejected.blob)

    async def _rejections(self, when: str, at: float) -> AsyncIterator[RejectedDrop]:
        rows = self._table.query_entities(
            f"PartitionKey eq @partition and {when}", parameters={"partition": _REFUSED, "at": at}
        )
        async for row in rows:
            yield RejectedDrop(str(row["Blob"]), str(row["Code"]), float(row["At"]))

    async def current_pass(self) -> ContainerPass | None:
        """The look through the container that is under way; None before the first."""
        row = await find_row(self._table, *_PASS)
        return None if row is None else ContainerPass.model_validate_json(document_of(row))

    async def save_pass(self, current: ContainerPass) -> None:
        """Remember how far it has come."""
        partition, row = _PASS
        await self._table.upsert_entity(
            {
                "PartitionKey": partition,
                "RowKey": row,
                **properties_of(current.model_dump_json()),
            },
            mode=UpdateMode.REPLACE,
        )

    async def _read(self, blob: str) -> tuple[BlobHistory, str | None]:
        key = self._key(blob)
        row = await find_row(self._table, key["PartitionKey"], key["RowKey"])
        if row is None:
            return BlobHistory(blob=blob), None
        return BlobHistory.model_validate_json(document_of(row)), etag_of(row)

    def _key(self, blob: str) -> dict[str, str]:
        # A name may hold characters that a key may not.
        return {"PartitionKey": f"b:{self._name(blob)}", "RowKey": "uploads"}

    def _name(self, blob: str) -> str:
        return hash_key(f"{self._container}/{blob}")

    def _instance_id(self, blob: str, etag: str) -> str:
        return instance_id(self._container, blob, etag)


def blob_state(properties: BlobProperties) -> BlobState:
    """What tells one upload from another, of what storage says of a blob, or of a list's entry."""
    created, md5 = properties.creation_time, properties.content_settings.content_md5
    return BlobState(
        etag=str(properties.etag).strip('"'),
        created=None if created is None else created.isoformat(),
        bytes=int(properties.size),
        md5=None if md5 is None else bytes(md5).hex(),
    )
