"""Files in Blob Storage: streamed in, handed out by link.

A file becomes visible only when all its blocks are there and its length is right: blocks are staged
first and committed at the end, so neither a crash nor a short body leaves half a file behind.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import secrets
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.storage.blob import (
    BlobBlock,
    BlobSasPermissions,
    ContentSettings,
    UserDelegationKey,
    generate_blob_sas,
)
from azure.storage.blob.aio import BlobServiceClient, ContainerClient

from dailies.stores.raw import open_raw
from dailies.video.errors import IntegrityError
from dailies.video.record import StoredFile

__all__ = ["BLOCK_BYTES", "BlobInfo", "FileStore"]

BLOCK_BYTES = 4 * 1024**2
_STAGED_AT_ONCE = 2
_DELEGATION_KEY_SECONDS = 6 * 3600
# A link that starts "now" by our clock may be in the future by the service's clock.
_CLOCK_SKEW = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class BlobInfo:
    """What is known of a blob without reading it."""

    name: str
    bytes: int
    etag: str
    content_type: str
    metadata: Mapping[str, str]


class FileStore:
    """The containers of finished videos and of dropped references."""

    def __init__(
        self,
        service: BlobServiceClient,
        *,
        videos_container: str,
        references_container: str,
        account_key: str | None,
    ) -> None:
        self._service = service
        self.videos: ContainerClient = service.get_container_client(videos_container)
        self.references: ContainerClient = service.get_container_client(references_container)
        self._account_key = account_key
        self._delegation: tuple[UserDelegationKey, float] | None = None
        self._delegation_lock = asyncio.Lock()

    async def store(
        self,
        name: str,
        chunks: AsyncIterator[bytes],
        *,
        content_type: str,
        length: int | None,
    ) -> StoredFile:
        """Stream ``chunks`` into the blob ``name`` of the videos container.

        At most three blocks of 4 MiB are in memory; what fits into one goes in a single request. An
        existing blob is replaced in one instant.

        Raises:
            IntegrityError: the stream ended before or after ``length`` bytes; nothing is visible.
        """
        pieces = _blocks(chunks)
        begin = [block async for block in _few(pieces, 2)]
        if len(begin) < 2:
            data = begin.pop() if begin else b""
            _check_length(len(data), length)
            return await self.put(name, data, content_type=content_type)
        blob = self.videos.get_blob_client(name)
        digest = hashlib.sha256()
        # Each attempt has block ids of its own: two at once can't mix their blocks.
        attempt = secrets.token_hex(8)
        blocks: list[BlobBlock] = []
        total = 0
        staged: set[asyncio.Future[Any]] = set()
        try:
            async for block in _all_of(begin, pieces):
                total += len(block)
                if length is not None and total > length:
                    break
                digest.update(block)
                block_id = base64.b64encode(f"{attempt}-{len(blocks):08d}".encode()).decode()
                blocks.append(BlobBlock(block_id))
                staged.add(asyncio.ensure_future(blob.stage_block(block_id, block)))
                if len(staged) >= _STAGED_AT_ONCE:
                    staged = await _one_done(staged)
            while staged:
                staged = await _one_done(staged)
        finally:
            for task in staged:
                task.cancel()
            await asyncio.gather(*staged, return_exceptions=True)
        _check_length(total, length)
        sha256 = digest.hexdigest()
        answer = await blob.commit_block_list(
            blocks,
            content_settings=ContentSettings(content_type=content_type),
            metadata={"sha256": sha256},
        )
        return _stored(name, content_type, total, sha256, answer)

    async def put(self, name: str, data: bytes, *, content_type: str) -> StoredFile:
        """Write a small file of the videos container in one request."""
        blob = self.videos.get_blob_client(name)
        sha256 = hashlib.sha256(data).hexdigest()
        answer = await blob.upload_blob(
            data,
            overwrite=True,
            content_settings=ContentSettings(content_type=content_type),
            metadata={"sha256": sha256},
        )
        return _stored(name, content_type, len(data), sha256, answer)

    async def put_json(self, name: str, document: Mapping[str, Any]) -> StoredFile:
        """Write a JSON document into the videos container."""
        data = json.dumps(document, indent=2, ensure_ascii=False).encode()
        return await self.put(name, data, content_type="application/json")

    async def read(self, name: str, *, max_bytes: int) -> bytes | None:
        """A small file of the videos container, whole; None when it is not there."""
        return await read_blob(self.videos, name, max_bytes=max_bytes)

    async def delete_folder(self, prefix: str) -> int:
        """Delete all files below ``prefix`` in the videos container; gives their number."""
        count = 0
        async for name in self.videos.list_blob_names(name_starts_with=prefix):
            count += await self.delete(name)
        return count

    async def delete(self, name: str) -> bool:
        """Delete one file of the videos container; False when it was not there."""
        try:
            await self.videos.delete_blob(name)
        except ResourceNotFoundError:
            return False
        return True

    def url(self, name: str) -> str:
        """The address of a file of the videos container; it holds no token."""
        return self.videos.get_blob_client(name).url

    async def link(
        self, file: StoredFile, *, seconds: int, filename: str, save: bool = False
    ) -> str:
        """A read-only link to one file that ends after ``seconds``; with ``save`` a browser saves
        it, where it would show it otherwise.

        Signed with a user-delegation key under managed identity, and with the account's key only
        where a connection string was chosen.
        """
        blob = self.videos.get_blob_client(file.blob)
        now = datetime.now(UTC)
        signing: dict[str, Any] = (
            {"account_key": self._account_key}
            if self._account_key
            else {"user_delegation_key": await self._delegation_key()}
        )
        token = generate_blob_sas(
            account_name=str(self._service.account_name),
            container_name=self.videos.container_name,
            blob_name=file.blob,
            permission=BlobSasPermissions(read=True),
            start=now - _CLOCK_SKEW,
            expiry=now + timedelta(seconds=seconds),
            content_type=file.content_type,
            content_disposition=f'{"attachment" if save else "inline"}; filename="{filename}"',
            # The link is a key: it must not be of use where it can be overheard.
            protocol="https" if blob.url.startswith("https:") else None,
            **signing,
        )
        return f"{blob.url}?{token}"

    async def open_range(self, name: str, *, offset: int, length: int) -> AsyncIterator[bytes]:
        """``length`` bytes of a file of the videos container from ``offset``, as a stream."""
        blob = self.videos.get_blob_client(name)
        downloader = await open_raw(blob, offset=offset, length=length)
        return downloader.chunks()

    async def stream(self, name: str) -> AsyncIterator[bytes]:
        """A file of the videos container, from its beginning, as a stream of its chunks."""
        downloader = await open_raw(self.videos.get_blob_client(name))
        async for chunk in downloader.chunks():
            yield chunk

    async def describe(self, name: str) -> BlobInfo | None:
        """What is known of a file of the videos container; None when it is not there."""
        try:
            properties = await self.videos.get_blob_client(name).get_blob_properties()
        except ResourceNotFoundError:
            return None
        return BlobInfo(
            name=name,
            bytes=int(properties.size),
            etag=str(properties.etag).strip('"'),
            content_type=str(properties.content_settings.content_type or ""),
            metadata=dict(properties.metadata or {}),
        )

    async def _delegation_key(self) -> UserDelegationKey:
        async with self._delegation_lock:
            now = time.time()
            if self._delegation is None or self._delegation[1] < now + 2 * 3600:
                expiry = now + _DELEGATION_KEY_SECONDS
                key = await self._service.get_user_delegation_key(
                    key_start_time=datetime.fromtimestamp(now, UTC) - _CLOCK_SKEW,
                    key_expiry_time=datetime.fromtimestamp(expiry, UTC),
                )
                self._delegation = (key, expiry)
            return self._delegation[0]


def _stored(
    name: str, content_type: str, length: int, sha256: str, answer: Mapping[str, Any]
) -> StoredFile:
    """A file that was written; ``answer`` is what storage said."""
    etag = str(answer["etag"]).strip('"')
    return StoredFile(blob=name, content_type=content_type, bytes=length, sha256=sha256, etag=etag)


async def read_blob(container: ContainerClient, name: str, *, max_bytes: int) -> bytes | None:
    """A blob, whole, at most ``max_bytes`` of it; None when it is not there."""
    try:
        downloader = await open_raw(container.get_blob_client(name), length=max_bytes)
        return await downloader.readall()
    except ResourceNotFoundError:
        return None
    except HttpResponseError as error:
        if error.status_code == 416:
            return b""  # an empty blob has no range that could be asked for
        raise


def _check_length(total: int, length: int | None) -> None:
    if length is not None and total > length:
        raise IntegrityError(f"the body is longer than the {length} bytes announced")
    if length is not None and total < length:
        raise IntegrityError(f"the body stopped after {total} of {length} bytes")


async def _few(blocks: AsyncIterator[bytes], number: int) -> AsyncIterator[bytes]:
    """The first so many; the others stay in ``blocks``."""
    for _ in range(number):
        try:
            yield await anext(blocks)
        except StopAsyncIteration:
            return


async def _all_of(begin: list[bytes], rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """``begin`` and ``rest``; who took a block is the only one that holds it."""
    while begin:
        yield begin.pop(0)
    async for block in rest:
        yield block


async def _blocks(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The same bytes, cut into blocks of ``BLOCK_BYTES``."""
    buffer = bytearray()
    async for chunk in chunks:
        buffer += chunk
        while len(buffer) >= BLOCK_BYTES:
            yield bytes(buffer[:BLOCK_BYTES])
            del buffer[:BLOCK_BYTES]
    if buffer:
        yield bytes(buffer)


async def _one_done(tasks: set[asyncio.Future[Any]]) -> set[asyncio.Future[Any]]:
    """Wait until at least one task is done, raise its error, and give those still running."""
    done, running = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in done:
        task.result()
    return running
