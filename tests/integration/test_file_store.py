"""Files in Blob Storage, as Azurite keeps it: streamed, whole or not at all, handed out by link."""

from __future__ import annotations

import asyncio
import hashlib
import tracemalloc
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from azure.core.exceptions import ResourceNotFoundError
from azure.storage.blob import UserDelegationKey
from azure.storage.blob.aio import BlobServiceClient

from dailies.stores.files import BLOCK_BYTES, FileStore
from dailies.video.errors import IntegrityError
from dailies.video.record import StoredFile

# aiohttp warns of bodies above 1 MiB; writing 4 MiB into a socket's buffer takes a millisecond.
pytestmark = pytest.mark.filterwarnings("ignore:Sending a large body directly:ResourceWarning")

API_VERSION = "2025-01-05"
MIB = 1024**2


@pytest.fixture
async def service(connection: str) -> AsyncIterator[BlobServiceClient]:
    async with BlobServiceClient.from_connection_string(
        connection, api_version=API_VERSION
    ) as service:
        yield service


def _store(service: BlobServiceClient) -> FileStore:
    key = str(service.credential.account_key)
    return FileStore(
        service, videos_container="videos", references_container="references", account_key=key
    )


@pytest.fixture
def files(service: BlobServiceClient) -> FileStore:
    return _store(service)


async def _body(total: int, piece: int = 65_536) -> AsyncIterator[bytes]:
    for start in range(0, total, piece):
        size = min(piece, total - start)
        yield bytes([start // piece % 251]) * size


async def _whole(body: AsyncIterator[bytes]) -> bytes:
    return b"".join([chunk async for chunk in body])


async def _is_there(files: FileStore, name: str) -> bool:
    return bool(await files.videos.get_blob_client(name).exists())


@pytest.mark.parametrize("total", [0, 1, BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1, 9 * MIB])
@pytest.mark.parametrize("piece", [65_536, 5 * MIB])
async def test_a_body_is_stored_with_its_length_and_hash(
    files: FileStore, total: int, piece: int
) -> None:
    name = f"whole-{total}-{piece}/video.mp4"
    stored = await files.store(name, _body(total, piece), content_type="video/mp4", length=total)
    data = await _whole(_body(total, piece))
    assert (stored.bytes, stored.sha256) == (total, hashlib.sha256(data).hexdigest())
    assert await files.read(name, max_bytes=total + 1 or 1) == data
    properties = await files.videos.get_blob_client(name).get_blob_properties()
    assert properties.content_settings.content_type == "video/mp4"
    assert properties.etag.strip('"') == stored.etag


async def test_a_body_goes_in_blocks_of_four_mib(files: FileStore) -> None:
    await files.store("b/video.mp4", _body(9 * MIB), content_type="video/mp4", length=None)
    committed, pending = await files.videos.get_blob_client("b/video.mp4").get_block_list("all")
    assert [block.size for block in committed] == [4 * MIB, 4 * MIB, 1 * MIB]
    assert not pending


@pytest.mark.parametrize("total", [0, MIB, 4 * MIB])
async def test_what_fits_into_a_block_goes_in_one_request(files: FileStore, total: int) -> None:
    name = f"one-{total}/poster.webp"
    await files.store(name, _body(total), content_type="image/webp", length=total)
    committed, pending = await files.videos.get_blob_client(name).get_block_list("all")
    assert not committed
    assert not pending


@pytest.mark.parametrize("announced", [MIB - 1, MIB + 1])
async def test_a_small_body_of_another_length_is_never_visible(
    files: FileStore, announced: int
) -> None:
    with pytest.raises(IntegrityError):
        await files.store("s/a.webp", _body(MIB), content_type="image/webp", length=announced)
    assert not await _is_there(files, "s/a.webp")


@pytest.mark.parametrize(("announced", "why"), [(9 * MIB, "stopped after"), (MIB, "longer than")])
async def test_a_body_of_another_length_is_never_visible(
    files: FileStore, announced: int, why: str
) -> None:
    name = f"wrong-{announced}/video.mp4"
    with pytest.raises(IntegrityError, match=why):
        await files.store(name, _body(5 * MIB), content_type="video/mp4", length=announced)
    assert not await _is_there(files, name)


async def test_a_body_that_breaks_off_leaves_what_was_there_before(files: FileStore) -> None:
    async def breaks() -> AsyncIterator[bytes]:
        yield bytes(6 * MIB)
        raise IntegrityError("the connection broke")

    name = "breaks/video.mp4"
    before = await files.store(name, _body(100), content_type="video/mp4", length=100)
    with pytest.raises(IntegrityError):
        await files.store(name, breaks(), content_type="video/mp4", length=None)
    assert hashlib.sha256(await files.read(name, max_bytes=MIB) or b"").hexdigest() == before.sha256


async def test_a_store_that_is_cancelled_leaves_nothing(files: FileStore) -> None:
    began = asyncio.Event()

    async def hangs() -> AsyncIterator[bytes]:
        yield bytes(6 * MIB)
        began.set()
        await asyncio.Event().wait()

    storing = files.store("hangs/video.mp4", hangs(), content_type="video/mp4", length=None)
    task = asyncio.ensure_future(storing)
    await began.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not await _is_there(files, "hangs/video.mp4")


async def test_two_stores_of_one_file_at_once_leave_one_of_the_two_whole(files: FileStore) -> None:
    name = "twice/video.mp4"

    async def ones() -> AsyncIterator[bytes]:
        for _ in range(18):
            yield b"1" * (MIB // 2)
            await asyncio.sleep(0)

    stored = await asyncio.gather(
        files.store(name, ones(), content_type="video/mp4", length=9 * MIB),
        files.store(name, _body(9 * MIB), content_type="video/mp4", length=9 * MIB),
        return_exceptions=True,
    )
    hashes = {file.sha256 for file in stored if isinstance(file, StoredFile)}
    data = await files.read(name, max_bytes=10 * MIB)
    assert hashlib.sha256(data or b"").hexdigest() in hashes


async def test_the_size_of_a_video_does_not_show_in_memory(files: FileStore) -> None:
    async def peak(total: int) -> int:
        tracemalloc.start()
        await files.store("big/video.mp4", _body(total), content_type="video/mp4", length=total)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    small, large = await peak(16 * MIB), await peak(96 * MIB)
    assert large < 24 * MIB
    assert large < small + 8 * MIB


async def test_a_link_gives_the_bytes_and_nothing_else(files: FileStore) -> None:
    stored = await files.store("l/video.mp4", _body(MIB), content_type="video/mp4", length=MIB)
    await files.store("l/other.mp4", _body(10), content_type="video/mp4", length=10)
    link = await files.link(stored, seconds=60, filename="video_1.mp4")
    async with httpx.AsyncClient() as client:
        answer = await client.get(link)
        assert answer.status_code == 200
        assert hashlib.sha256(answer.content).hexdigest() == stored.sha256
        assert answer.headers["content-type"] == "video/mp4"
        assert "video_1.mp4" in answer.headers["content-disposition"]
        part = await client.get(link, headers={"Range": "bytes=10-19"})
        assert (part.status_code, len(part.content)) == (206, 10)
        assert (await client.head(link)).headers["content-length"] == str(MIB)
        assert (await client.get(link.replace("video.mp4?", "other.mp4?"))).status_code == 403
        assert (await client.delete(link)).is_client_error
        assert (await client.put(link, content=b"x")).is_client_error
        assert (await client.get(link)).content == answer.content


async def test_a_link_is_for_reading_one_file_for_a_while(files: FileStore) -> None:
    stored = await files.put("l2/video.mp4", b"x", content_type="video/mp4")
    link = await files.link(stored, seconds=60, filename="v.mp4")
    query = parse_qs(urlsplit(link).query)
    assert (query["sp"], query["sr"]) == (["r"], ["b"])
    left = datetime.fromisoformat(query["se"][0]) - datetime.now(UTC)
    assert timedelta(seconds=50) < left <= timedelta(seconds=60)


@pytest.mark.parametrize(("scheme", "only_by"), [("https", ["https"]), ("http", None)])
async def test_a_link_of_an_https_account_is_of_no_use_over_http(
    scheme: str, only_by: list[str] | None
) -> None:
    async with BlobServiceClient(
        f"{scheme}://account.blob.example.net",
        credential={"account_name": "account", "account_key": "a2V5"},
    ) as service:
        file = StoredFile(blob="v.mp4", content_type="video/mp4", bytes=1, sha256="", etag="")
        link = await _store(service).link(file, seconds=60, filename="v.mp4")
    assert parse_qs(urlsplit(link).query).get("spr") == only_by


class _GivesDelegationKeys:
    """A service client with an identity: it has no account key, but gets keys to delegate."""

    def __init__(self, service: BlobServiceClient) -> None:
        self._service = service
        self.asked: list[timedelta] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._service, name)

    async def get_user_delegation_key(
        self, key_start_time: datetime, key_expiry_time: datetime
    ) -> UserDelegationKey:
        self.asked.append(key_expiry_time - key_start_time)
        await asyncio.sleep(0)
        key = UserDelegationKey()  # type: ignore[no-untyped-call] # no types in the SDK
        key.signed_oid = "11111111-1111-1111-1111-111111111111"
        key.signed_tid = "22222222-2222-2222-2222-222222222222"
        key.signed_start = key_start_time.strftime("%Y-%m-%dT%H:%M:%SZ")
        key.signed_expiry = key_expiry_time.strftime("%Y-%m-%dT%H:%M:%SZ")
        key.signed_service, key.signed_version = "b", API_VERSION
        key.value = "c2VjcmV0IHRoYXQgaXMgb25seSBvZiB0aGUgdGVzdA=="
        return key


async def test_under_an_identity_links_are_signed_by_one_delegated_key(
    service: BlobServiceClient,
) -> None:
    identity = _GivesDelegationKeys(service)
    files = FileStore(
        cast(BlobServiceClient, identity),
        videos_container="videos",
        references_container="references",
        account_key=None,
    )
    stored = await files.put("d/video.mp4", b"x", content_type="video/mp4")
    links = await asyncio.gather(
        *(files.link(stored, seconds=600, filename="v.mp4") for _ in range(20))
    )
    assert len(identity.asked) == 1
    assert identity.asked[0] < timedelta(days=7)
    query = parse_qs(urlsplit(links[0]).query)
    assert query["skoid"] == ["11111111-1111-1111-1111-111111111111"]
    assert query["sp"] == ["r"]
    assert "c2VjcmV0" not in links[0]


async def test_files_are_read_and_deleted_by_name_and_by_folder(files: FileStore) -> None:
    for name in ("f/a", "f/b", "fx"):
        await files.put(name, name.encode(), content_type="text/plain")
    assert await files.read("f/a", max_bytes=2) == b"f/"
    assert await files.read("f/none", max_bytes=2) is None
    await files.delete("f/none")
    assert await files.delete_folder("f/") == 2
    assert await files.read("fx", max_bytes=10) == b"fx"
    with pytest.raises(ResourceNotFoundError):
        await files.videos.get_blob_client("f/a").get_blob_properties()
    assert "?" not in files.url("f/a")
