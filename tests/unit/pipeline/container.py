"""A blob container in memory, as far as dropped images need it."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from azure.core.exceptions import ResourceNotFoundError

__all__ = ["MemoryContainer"]


@dataclass
class _Blob:
    data: bytes
    metadata: dict[str, str] = field(default_factory=dict)

    @property
    def etag(self) -> str:
        return "0x" + hashlib.sha256(self.data + repr(self.metadata).encode()).hexdigest()[:12]


class MemoryContainer:
    """``ContainerClient`` of the references container."""

    def __init__(self) -> None:
        self.blobs: dict[str, _Blob] = {}

    def drop(self, name: str, data: bytes, metadata: Mapping[str, str] | None = None) -> str:
        """Put a blob there, as a user does; gives its bare ETag."""
        self.blobs[name] = _Blob(data, dict(metadata or {}))
        return self.blobs[name].etag

    def get_blob_client(self, name: str) -> _Client:
        return _Client(self, name)

    async def upload_blob(self, name: str, data: bytes, *, overwrite: bool) -> None:
        assert overwrite or name not in self.blobs
        self.blobs[name] = _Blob(data)

    async def delete_blob(self, name: str) -> None:
        if self.blobs.pop(name, None) is None:
            raise ResourceNotFoundError("no such blob")

    async def list_blobs(self, *, name_starts_with: str) -> AsyncIterator[Any]:
        for name in sorted(self.blobs):
            if name.startswith(name_starts_with):
                yield SimpleNamespace(name=name, etag=f'"{self.blobs[name].etag}"')


class _Client:
    def __init__(self, container: MemoryContainer, name: str) -> None:
        self._container = container
        self._name = name

    async def get_blob_properties(self) -> Any:
        blob = self._blob()
        return SimpleNamespace(etag=f'"{blob.etag}"', metadata=blob.metadata, size=len(blob.data))

    async def download_blob(self, *, offset: int, length: int | None, **_: Any) -> _Download:
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
