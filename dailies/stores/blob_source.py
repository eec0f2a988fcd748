"""A blob as a file that can be read in pieces or from end to end; never held whole."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

from azure.storage.blob.aio import BlobClient

from dailies.stores.raw import open_raw

__all__ = ["BlobSource"]


@dataclass(frozen=True, slots=True)
class BlobSource:
    """A blob as it was with this ETag, an ``InputSource``.

    Reading raises ``azure.core.exceptions.ResourceModifiedError`` once the blob is another.
    """

    blob: BlobClient
    length: int
    etag: str

    async def read(self, offset: int, length: int) -> bytes:
        """``length`` bytes from ``offset``; fewer at the blob's end."""
        length = min(length, self.length - offset)
        if length <= 0:
            return b""
        downloader = await open_raw(self.blob, offset=offset, length=length, etag=self.etag)
        return await downloader.readall()

    async def open(self) -> AsyncIterator[bytes]:
        """The bytes from the beginning, in chunks."""
        downloader = await open_raw(self.blob, etag=self.etag)
        async for chunk in downloader.chunks():
            yield chunk
