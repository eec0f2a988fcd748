"""Blob triggers, with either source that Azure has for them.

With the Event Grid source, what comes in by the webhook is queued as it is, as often as it comes.
With the other one the container is scanned, here twice a second, and what was not seen is queued:
every pair of blob and ETag once, blobs that were there before the first start included. From the
queue a function runs at least once, at most five times, then the message goes to
``webjobs-blobtrigger-poison`` on the same account. The host reads the blob, whole, as it is stored.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import time
from functools import partial
from typing import Any

from azure.core.exceptions import AzureError, ResourceExistsError, ResourceNotFoundError
from azure.storage.blob.aio import BlobServiceClient
from azure.storage.queue import TextBase64EncodePolicy
from azure.storage.queue.aio import QueueServiceClient

from .blob_events import BlobPath, poison_message
from .config import ConfigurationError, resolve_settings
from .functions import Function
from .invocation import FunctionCaller
from .trigger_store import BlobMessage, TriggerStore
from .worker_process import Invocation, InvocationResult, WorkerLostError, WorkerNotReadyError

__all__ = ["BlobTrigger"]

_log = logging.getLogger("host.blobs")

POLL_INTERVAL_S = 0.5
MAX_ATTEMPTS = 5
MAX_PARALLEL = 8
POISON_QUEUE = "webjobs-blobtrigger-poison"
_FIRST_RETRY_S = 0.2
_LONGEST_STORAGE_BACKOFF_S = 5.0
_API_VERSION = "2025-11-05"
"""The newest version of the storage protocol that Azurite 3.35 speaks."""


class BlobTrigger:
    """One blob-triggered function."""

    def __init__(self, function: Function, caller: FunctionCaller, store: TriggerStore) -> None:
        """Read the binding.

        :raises ConfigurationError: a setting is missing, or the path is not valid.
        """
        self.function = function
        self.path = BlobPath.parse(resolve_settings(str(function.trigger["path"])))
        self._connection = _connection_string(str(function.trigger.get("connection") or "Storage"))
        self._is_told = function.trigger.get("source") == "EventGrid"
        self._caller = caller
        self._store = store
        self._queued = asyncio.Event()

    async def run(self) -> None:
        """Watch the container and run the function, until cancelled."""
        await self._caller.wait_ready()
        async with (
            BlobServiceClient.from_connection_string(
                self._connection, api_version=_API_VERSION, retry_total=0
            ) as blobs,
            QueueServiceClient.from_connection_string(
                self._connection,
                api_version=_API_VERSION,
            ) as queues,
            asyncio.TaskGroup() as group,
        ):
            if not self._is_told:
                group.create_task(self._poll(blobs))
            group.create_task(self._work(blobs, queues))

    def enqueue(self, container: str, name: str, etag: str) -> None:
        """Queue a blob that an event names."""
        self._store.enqueue(self.function.name, container, name, etag, time.time())
        self._queued.set()

    # -- finding blobs ---------------------------------------------------------------------

    async def _poll(self, service: BlobServiceClient) -> None:
        backoff = 0.0
        while True:
            try:
                await self._poll_once(service)
                backoff = 0.0
            except ResourceNotFoundError:
                backoff = 0.0  # the container may come later
            except AzureError as error:
                if not backoff:
                    _log.warning("cannot list container %s: %s", self.path.container, _brief(error))
                backoff = min(_LONGEST_STORAGE_BACKOFF_S, backoff * 2 or POLL_INTERVAL_S)
            await asyncio.sleep(backoff or POLL_INTERVAL_S)

    async def _poll_once(self, service: BlobServiceClient) -> None:
        container = service.get_container_client(self.path.container)
        pages = container.list_blobs(name_starts_with=self.path.prefix or None).by_page()
        async for page in pages:
            found = [
                (blob.name, str(blob.etag).strip('"'))
                async for blob in page
                if self.path.match(blob.name) is not None
            ]
            if self._store.enqueue_new(self.function.name, self.path.container, found, time.time()):
                self._queued.set()

    # -- running the function --------------------------------------------------------------

    async def _work(self, blobs: BlobServiceClient, queues: QueueServiceClient) -> None:
        running: dict[int, asyncio.Task[None]] = {}
        async with asyncio.TaskGroup() as group:
            while True:
                self._queued.clear()
                await self._caller.wait_ready()
                due = self._store.due_blobs(self.function.name, time.time(), MAX_PARALLEL * 2)
                for message in due:
                    if message.id not in running and len(running) < MAX_PARALLEL:
                        task = group.create_task(self._process(message, blobs, queues))
                        running[message.id] = task
                        task.add_done_callback(partial(self._done, running, message.id))
                try:
                    async with asyncio.timeout(POLL_INTERVAL_S):
                        await self._queued.wait()
                except TimeoutError:
                    continue

    def _done(
        self, running: dict[int, asyncio.Task[None]], identity: int, _: asyncio.Task[None]
    ) -> None:
        running.pop(identity, None)
        self._queued.set()

    async def _process(
        self, message: BlobMessage, blobs: BlobServiceClient, queues: QueueServiceClient
    ) -> None:
        # Before anything is done: an attempt that ends the process counts.
        attempt = self._store.begin_attempt(message)
        try:
            call = await self._prepare(message, blobs)
        except AzureError as error:
            _log.warning("cannot read %s/%s: %s", message.container, message.name, _brief(error))
            await self._again(message, attempt, queues)
            return
        if call is None or await self._succeeds(call, message, attempt):
            self._store.delete_blob(message)
        else:
            await self._again(message, attempt, queues)

    async def _again(self, message: BlobMessage, attempt: int, queues: QueueServiceClient) -> None:
        if attempt >= MAX_ATTEMPTS:
            await self._poison(message, queues)
            return
        self._store.postpone(message, time.time() + _FIRST_RETRY_S * 2 ** (attempt - 1))

    async def _prepare(self, message: BlobMessage, service: BlobServiceClient) -> Invocation | None:
        """Read the blob as it is now, whatever version the message names; None when it is gone."""
        client = service.get_blob_client(message.container, message.name)
        try:
            # As it is stored: what its headers say of an encoding is for the app to judge.
            download = await client.download_blob(decompress=False)
            content = await download.readall()
        except ResourceNotFoundError:
            return None
        properties = download.properties
        metadata: dict[str, Any] = {
            **(self.path.match(message.name) or {}),
            "BlobTrigger": f"{message.container}/{message.name}",
            "Uri": client.url.partition("?")[0],
            "Properties": {
                "ContentLength": properties.size,
                "ContentType": properties.content_settings.content_type,
                "ETag": properties.etag,
                "LastModified": str(properties.last_modified.isoformat()),
                "BlobType": "BlockBlob",
            },
            "Metadata": dict(properties.metadata or {}),
        }
        inputs = {str(self.function.trigger["name"]): {"type": "bytes"}}
        return Invocation(self.function, inputs, content, metadata)

    async def _succeeds(self, call: Invocation, message: BlobMessage, attempt: int) -> bool:
        where = f"{message.container}/{message.name}"
        try:
            result: InvocationResult = await self._caller.invoke(call)
        except (WorkerLostError, WorkerNotReadyError) as error:
            _log.error("%s did not finish for %s: %s", self.function.name, where, error)
            await self._caller.wait_ready()
            return False
        if result.fault is None:
            return True
        _log.error(
            "%s failed for %s (attempt %d of %d): %s",
            *(self.function.name, where, attempt, MAX_ATTEMPTS, result.fault.type),
        )
        for line in result.fault.stack.rstrip().splitlines():
            _log.error("  %s", line)
        return False

    async def _poison(self, message: BlobMessage, service: QueueServiceClient) -> None:
        queue = service.get_queue_client(
            POISON_QUEUE, message_encode_policy=TextBase64EncodePolicy()
        )
        try:
            with contextlib.suppress(ResourceExistsError):
                await queue.create_queue()
            await queue.send_message(poison_message(message))
        except AzureError as error:
            _log.warning("cannot write to %s: %s", POISON_QUEUE, _brief(error))
            self._store.postpone(message, time.time() + _LONGEST_STORAGE_BACKOFF_S)
            return
        _log.error(
            "%s failed %d times for %s/%s: the message is in the queue %s",
            *(self.function.name, MAX_ATTEMPTS, message.container, message.name, POISON_QUEUE),
        )
        self._store.delete_blob(message)


def _connection_string(name: str) -> str:
    """The storage connection with this name, as the real host finds it: with its prefix first."""
    for setting in (f"AzureWebJobs{name}", name):
        if value := os.environ.get(setting):
            return value
    raise ConfigurationError(
        f"there is no storage connection: set {name} to a connection string (the local host takes "
        "no identity-based connections)"
    )


def _brief(error: AzureError) -> str:
    """The first line: the rest may repeat the request."""
    return str(error).partition("\n")[0]
