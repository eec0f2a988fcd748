"""Requests to Azure go through the environment's proxy where it names one, and only there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from azure.core.exceptions import AzureError

from dailies.providers.azure_auth import azure_credential
from dailies.services import storage_clients, transport_of
from dailies.settings import Settings

_STORAGE = (
    "DefaultEndpointsProtocol=http;AccountName=account;AccountKey=a2V5;"
    "BlobEndpoint=http://blobs.invalid;TableEndpoint=http://tables.invalid"
)


class _Proxy:
    """Takes connections, and notes the first line of what it is asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.address = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.asked.append((await reader.readline()).decode())
        writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        writer.close()


@pytest.fixture
async def proxy() -> AsyncIterator[_Proxy]:
    made = _Proxy()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    async with server:
        host, port = server.sockets[0].getsockname()[:2]
        made.address = f"http://{host}:{port}"
        yield made


async def _ask(environ: dict[str, str]) -> None:
    """Send a request to each kind of storage, by clients as the app builds them."""
    settings = Settings.load({"VideoStorage": _STORAGE})
    blobs, tables, _ = storage_clients(settings, azure_credential(None, {}), transport_of(environ))
    async with blobs, tables:
        with pytest.raises(AzureError):
            await tables.get_table_client("videos").get_entity("a", "b", retry_total=0)
        with pytest.raises(AzureError):
            await blobs.get_container_client("videos").get_container_properties(retry_total=0)


async def test_a_proxy_that_is_named_is_used(
    proxy: _Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", proxy.address)
    await _ask({"HTTP_PROXY": proxy.address})
    hosts = {line.split("/")[2] for line in proxy.asked}
    assert hosts == {"tables.invalid", "blobs.invalid"}


async def test_the_environment_is_not_asked_again_where_it_names_none(
    proxy: _Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", proxy.address)
    await _ask({"http_proxy": ""})
    assert proxy.asked == []
