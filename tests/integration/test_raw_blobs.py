"""What is read of a blob are the bytes that were uploaded, whatever its headers claim."""

from __future__ import annotations

import gzip
import secrets
from collections.abc import AsyncIterator

import pytest
from azure.core.exceptions import ResourceModifiedError
from azure.storage.blob import ContentSettings
from azure.storage.blob.aio import BlobServiceClient

from dailies.stores.blob_source import BlobSource
from dailies.stores.files import FileStore, read_blob

API_VERSION = "2025-01-05"
PIECE = 64 * 1024
"""Bytes that the SDK reads at once here, so that a blob of more is read in several requests."""

LIES = {
    "no gzip": secrets.token_bytes(3 * PIECE),
    "gzip": gzip.compress(secrets.token_bytes(2 * PIECE)) + b"and more",
    "a bomb": gzip.compress(bytes(50 * 1024**2)),
    "short": b"x",
}


@pytest.fixture
async def files(connection: str) -> AsyncIterator[FileStore]:
    async with BlobServiceClient.from_connection_string(
        connection, api_version=API_VERSION, max_single_get_size=PIECE, max_chunk_get_size=PIECE
    ) as service:
        yield FileStore(
            service, videos_container="videos", references_container="references", account_key=None
        )


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "nonsense"])
@pytest.mark.parametrize("what", LIES)
async def test_a_content_encoding_is_not_believed(
    files: FileStore, what: str, encoding: str
) -> None:
    data = LIES[what]
    settings = ContentSettings(content_type="image/png", content_encoding=encoding)
    for container in (files.videos, files.references):
        await container.upload_blob("a.png", data, overwrite=True, content_settings=settings)

    assert await read_blob(files.references, "a.png", max_bytes=len(data)) == data
    assert await files.read("a.png", max_bytes=10) == data[:10]
    assert await _whole(files.stream("a.png")) == data
    assert (
        await _whole(await files.open_range("a.png", offset=1, length=PIECE))
        == (data[1 : PIECE + 1])
    )

    blob = files.references.get_blob_client("a.png")
    source = BlobSource(blob, len(data), str((await blob.get_blob_properties()).etag))
    assert await source.read(0, len(data) + 1) == data
    assert await _whole(source.open()) == data
    await blob.upload_blob(b"another", overwrite=True)
    with pytest.raises(ResourceModifiedError):
        await source.read(0, 1)


async def _whole(body: AsyncIterator[bytes]) -> bytes:
    return b"".join([chunk async for chunk in body])
