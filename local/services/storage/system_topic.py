"""The storage account's system topic, and the one subscription to it.

The events are Event Grid's ``Microsoft.Storage.BlobCreated``, filtered as by
``infra/blob-events.bicep``. Each is stored before the next line of the log is read, so that a
killed process forgets none, and may tell of one twice.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
from azure.core.exceptions import AzureError, ResourceNotFoundError
from azure.storage.blob import BlobProperties
from azure.storage.blob.aio import BlobServiceClient

from local.services.clock import Clock
from local.services.database import Database
from local.services.settings import Settings, StorageAccount
from local.services.storage.access_log import AccessLog, Upload, read_line
from local.services.topics.delivery import Deliverer
from local.services.topics.schemas import EventGridSchema
from local.services.topics.store import TopicStore

__all__ = ["SystemTopic"]

_log = logging.getLogger(__name__)

_APIS = frozenset({"PutBlob", "PutBlockList", "CopyBlob", "FlushWithClose", "SftpCommit"})
_TOPIC = (
    "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/local/providers/"
    "Microsoft.Storage/storageAccounts/devstoreaccount1"
)
_LOOK_S = 0.05
_BACKOFF_S = 0.5
_PLACE = "storage_log_place"
_API_VERSION = "2025-11-05"
"""The newest version of the storage protocol that Azurite 3.35 speaks."""


class SystemTopic:
    """Reads the log and delivers. ``database`` holds this topic's events alone.

    ``settings.storage_events`` False is a subscription that is not there; an event about a blob
    whose name has ``settings.untold_blobs`` in it is lost.
    """

    def __init__(
        self,
        account: StorageAccount,
        settings: Settings,
        database: Database,
        clock: Clock,
        client: Callable[[], httpx.AsyncClient],
    ) -> None:
        self.store = TopicStore(database, clock)
        self._account = account
        self._settings = settings
        self._database = database
        self._log = AccessLog(account.log)
        self._deliverer = Deliverer(self.store, clock, client, EventGridSchema())
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin; call it inside the event loop."""
        for url in self.store.subscribers():
            if url != self._account.subscriber:
                self.store.remove_subscriber(url)  # of a stack on another port
        self._deliverer.start((self._account.subscriber,))
        self._task = asyncio.create_task(self._run(), name="storage events")

    async def close(self) -> None:
        """Stop; what was not delivered is delivered after the next start."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._deliverer.close()
        self._database.close()

    async def _run(self) -> None:
        place = self._database.read_meta(_PLACE)
        if place is None:
            place = self._log.end()
        async with BlobServiceClient.from_connection_string(
            self._account.connection, api_version=_API_VERSION, retry_total=0
        ) as blobs:
            while True:
                lines, after = self._log.read(place)
                for line in lines:
                    upload = read_line(line)
                    if upload is not None and self._is_wanted(upload):
                        await self._tell(blobs, upload)
                if after != place:
                    place = after
                    self._database.write_meta(_PLACE, place)
                await asyncio.sleep(_LOOK_S)

    def _is_wanted(self, upload: Upload) -> bool:
        return (
            self._settings.storage_events
            and not self._is_lost(upload)
            and upload.container == self._account.container
            and upload.api in _APIS
        )

    def _is_lost(self, upload: Upload) -> bool:
        untold = self._settings.untold_blobs
        return untold is not None and untold in upload.blob

    async def _tell(self, blobs: BlobServiceClient, upload: Upload) -> None:
        client = blobs.get_blob_client(upload.container, upload.blob)
        while True:
            try:
                properties = await client.get_blob_properties()
            except ResourceNotFoundError:
                return  # deleted again; Azure tells of it, and nothing is there to be done
            except AzureError as error:
                _log.debug("storage does not answer: %s", error)
                await asyncio.sleep(_BACKOFF_S)
                continue
            break
        event = _event(upload, client.url.partition("?")[0], properties)
        self.store.accept("storage", [event])
        self._deliverer.wake()


def _event(upload: Upload, url: str, properties: BlobProperties) -> dict[str, Any]:
    """https://learn.microsoft.com/azure/event-grid/event-schema-blob-storage"""
    return {
        "id": secrets.token_hex(16),
        "topic": _TOPIC,
        "subject": f"/blobServices/default/containers/{upload.container}/blobs/{upload.blob}",
        "eventType": "Microsoft.Storage.BlobCreated",
        "eventTime": datetime.now(UTC).isoformat(),
        "dataVersion": "",
        "metadataVersion": "1",
        "data": {
            "api": upload.api,
            "requestId": secrets.token_hex(16),
            "eTag": str(properties.etag).strip('"'),
            "contentType": properties.content_settings.content_type,
            "contentLength": properties.size,
            "blobType": "BlockBlob",
            "url": url,
            "storageDiagnostics": {"batchId": secrets.token_hex(16)},
        },
    }
