"""What the storage clients take from the environment that the app runs in: a proxy, no password."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from azure.core.exceptions import HttpResponseError
from azure.data.tables.aio import TableServiceClient

from dailies.providers.azure_auth import azure_credential
from dailies.services import storage_clients, transport_of
from dailies.settings import Settings
from dailies.stores.records import RecordStore
from dailies.video.basics import new_id

VIDEO = new_id(1_795_262_400.0)
PROXIES = ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*PROXIES, "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)


@asynccontextmanager
async def clients(connection: str) -> AsyncIterator[TableServiceClient]:
    """The app's own table client; neither it nor the blob client stays open."""
    environ = {
        "VideoStorage": connection,
        "DAILIES_API_KEYS": "alice=sha256:" + "0" * 64,
        "AZURE_OPENAI_ENDPOINT": "https://my.openai.azure.com",
    }
    blobs, tables, _ = storage_clients(
        Settings.load(environ), azure_credential(None, environ), transport_of(os.environ)
    )
    async with blobs, tables:
        yield tables


async def test_a_netrc_entry_for_the_storage_account_is_not_read(
    connection: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password secret\n", encoding="ascii")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    async with clients(connection) as tables:
        # Read, it would be a second authorization beside the app's own, which the client refuses.
        assert await RecordStore(tables).get("alice", VIDEO) is None


async def test_a_proxy_of_the_environment_is_used(
    connection: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        asked.append(head.split(b" ", 2)[1].decode("ascii"))
        writer.write(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{port}")
        async with clients(connection) as tables:
            with pytest.raises(HttpResponseError):  # it is the proxy's answer, not Storage's
                await RecordStore(tables).get("alice", VIDEO)
    assert asked  # twice, as the answer was a strange one
    for url in asked:
        assert url.startswith("http://127.0.0.1:")
        assert f":{port}" not in url
