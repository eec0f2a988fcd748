"""A blob container in memory, as far as dropped images need it."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

__all__ = ["MemoryContainer"]


@dataclass
class _Blob:
    data: bytes
    version: int
    at: datetime
    metadata: dict[str, str] = field(default_factory=dict)
    created: datetime = field(init=False)

    def __post_init__(self) -> None:
        self.created = self.at

    @property
    def etag(self) -> str:
        return f"0x{self.version:X}"

    def properties(self, name: str) -> Any:
        """As the SDK gives them, of a blob and in a list."""
        digest = bytearray(hashlib.md5(self.data, usedforsecurity=False).digest())
        return SimpleNamespace(
            name=name,
            etag=f'"{self.etag}"',
            metadata=self.metadata,
            size=len(self.data),
            creation_time=self.created,
            last_modified=self.at,
            content_settings=SimpleNamespace(content_md5=digest),
        )


class MemoryContainer:
    """``ContainerClient`` of the references container; ``clock`` gives Unix seconds."""

    def __init__(self, clock: Callable[[], float] = lambda: 0.0) -> None:
        self.blobs: dict[str, _Blob] = {}
        self.page_size = 100
        self.pages_read = 0
        self._clock = clock
        self._version = 0

    def drop(self, name: str, data: bytes, metadata: Mapping[str, str] | None = None) -> str:
        """Put a blob there, as a user does; gives its bare ETag."""
        self.blobs[name] = _Blob(data, self._next(), self._now(), dict(metadata or {}))
        return self.blobs[name].etag

    def describe(self, name: str, metadata: Mapping[str, str]) -> str:
        """Change a blob's metadata, which gives it another ETag; gives that."""
        blob = self.blobs[name]
        blob.version, blob.at, blob.metadata = self._next(), self._now(), dict(metadata)
        return blob.etag

    def _next(self) -> int:
        self._version += 1
        return self._version

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), UTC)

    def get_blob_client(self, name: str) -> _Client:
        return _Client(self, name)

    async def upload_blob(self, name: str, data: bytes, *, overwrite: bool) -> None:
        assert overwrite or name not in self.blobs
        self.drop(name, data)

    async def delete_blob(self, name: str) -> None:
        if self.blobs.pop(name, None) is None:
            raise ResourceNotFoundError("no such blob")

    async def list_blob_names(self, *, name_starts_with: str) -> AsyncIterator[str]:
        for name in sorted(self.blobs):
            if name.startswith(name_starts_with):
                yield name

    def list_blobs(self, *, results_per_page: int) -> _Listing:
        return _Listing(self)


class _Listing:
    """``AsyncItemPaged``, of which only the pages are read."""

    def __init__(self, container: MemoryContainer) -> None:
        self._container = container

    def by_page(self, continuation_token: str | None) -> _Pages:
        return _Pages(self._container, continuation_token)


class _Pages:
    """Pages by name; the token is the first name of the next."""

    def __init__(self, container: MemoryContainer, token: str | None) -> None:
        self._container = container
        self.continuation_token = token
        self._ended = False

    def __aiter__(self) -> _Pages:
        return self

    async def __anext__(self) -> AsyncIterator[Any]:
        if self._ended:
            raise StopAsyncIteration
        self._container.pages_read += 1
        blobs, first = self._container.blobs, self.continuation_token or ""
        names = [name for name in sorted(blobs) if name >= first]
        page, rest = names[: self._container.page_size], names[self._container.page_size :]
        self.continuation_token = rest[0] if rest else None
        self._ended = not rest
        return _items([blobs[name].properties(name) for name in page])


async def _items(items: list[Any]) -> AsyncIterator[Any]:
    for item in items:
        yield item


class _Client:
    def __init__(self, container: MemoryContainer, name: str) -> None:
        self._container = container
        self._name = name

    async def get_blob_properties(self) -> Any:
        return self._blob().properties(self._name)

    async def download_blob(self, *, offset: int, length: int | None, **_: Any) -> _Download:
        if offset >= len(self._blob().data):
            # As storage answers a range that begins at the end or behind it.
            error = HttpResponseError("InvalidRange")
            error.status_code = 416
            raise error
        data = self._blob().data
        return _Download(data[offset:] if length is None else data[offset : offset + length])

    def _blob(self) -> _Blob:
        if self._name not in self._container.blobs:
            raise ResourceNotFoundError("no such blob")
        return self._container.blobs[self._name]


@dataclass
class _Download:
    data: bytes

    async def readall(self) -> bytes:
        return self.data

    async def chunks(self) -> AsyncIterator[bytes]:
        yield self.data
