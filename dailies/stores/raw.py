"""Reading a blob as the bytes that were uploaded, whatever its headers claim.

Whoever uploads a blob also sets its ``Content-Encoding``, which storage repeats with every answer.
The SDK would undo the compression that it names: bytes that are none raise ``zlib.error``, a range
of a compressed file is no compressed file, and a small blob could unpack to any size.
"""

from __future__ import annotations

from typing import Any

from azure.core import MatchConditions
from azure.storage.blob.aio import BlobClient, StorageStreamDownloader

__all__ = ["open_raw"]


async def open_raw(
    blob: BlobClient, *, offset: int = 0, length: int | None = None, etag: str | None = None
) -> StorageStreamDownloader[bytes]:
    """Begin to read ``length`` bytes from ``offset``, or all that follow.

    Args:
        etag: read only what the blob was when it had this ETag.

    Raises:
        azure.core.exceptions.ResourceNotFoundError: there is no such blob.
        azure.core.exceptions.ResourceModifiedError: the blob is another than that of ``etag``.
    """
    same: dict[str, Any] = (
        {} if etag is None else {"etag": etag, "match_condition": MatchConditions.IfNotModified}
    )
    downloader: StorageStreamDownloader[bytes] = await blob.download_blob(
        offset=offset, length=length, max_concurrency=1, decompress=False, **same
    )
    return downloader
