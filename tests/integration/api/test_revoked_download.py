"""A key that is revoked in the middle of a download through the app: the download ends with it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from azure.core.exceptions import ServiceRequestError
from starlette.types import Message

from dailies.api.context import Context
from dailies.owners.issued import IssuedKey
from tests.integration.api.world import World

_CONTENT = bytes(1024) * 640


@pytest.fixture
async def streaming(storage: str) -> AsyncIterator[World]:
    async with World(storage, DAILIES_CONTENT_DELIVERY="stream") as world:
        yield world


class Download:
    """A client that takes a file piece by piece; ``at_piece`` is done when it has that many."""

    def __init__(self, world: World, path: str, key: str) -> None:
        self._world = world
        self._scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "root_path": "",
            "headers": [(b"host", b"dailies.test"), (b"api-key", key.encode())],
            "state": {"dailies": lambda: Context(world.services, world.engine)},
        }
        self.messages: list[Message] = []

    async def take(self, at_piece: int, do: Any) -> None:
        async def send(message: Message) -> None:
            self.messages.append(message)
            if self.pieces == at_piece and message["type"] == "http.response.body":
                await do()

        async def receive() -> Message:
            await asyncio.Event().wait()
            raise AssertionError

        await self._world.app(self._scope, receive, send)

    @property
    def pieces(self) -> int:
        return sum(1 for message in self.messages if message.get("body"))

    @property
    def is_whole(self) -> bool:
        return self.messages[-1] == {
            "type": "http.response.body",
            "body": b"",
            "more_body": False,
        }


async def _issue(world: World) -> dict[str, Any]:
    answer = await world.admin.post("/v1/admin/keys", json={"owner": world.owners["alice"]})
    issued: dict[str, Any] = answer.json()
    return issued


async def test_it_goes_on_to_the_end_while_the_key_stands(streaming: World) -> None:
    video_id = await streaming.finished(content=_CONTENT)
    issued = await _issue(streaming)
    download = Download(streaming, f"/v1/videos/{video_id}/content", issued["key"])

    async def later() -> None:
        streaming.now += 60

    await download.take(3, later)
    assert download.is_whole
    assert b"".join(message.get("body", b"") for message in download.messages) == _CONTENT


async def test_it_is_broken_off_once_the_key_is_revoked(
    streaming: World, caplog: pytest.LogCaptureFixture
) -> None:
    video_id = await streaming.finished(content=_CONTENT)
    issued = await _issue(streaming)
    download = Download(streaming, f"/v1/videos/{video_id}/content", issued["key"])

    async def revoked_elsewhere() -> None:
        # Not through this instance's own store: it must find out by itself.
        row = streaming.services.keys
        other = type(row)(streaming.tables)
        await other.update(issued["id"], lambda key: key.revoked(streaming.now), streaming.now)
        streaming.now += 5

    with caplog.at_level("INFO", "dailies"):
        await download.take(3, revoked_elsewhere)
    assert download.messages[0]["status"] == 200
    assert not download.is_whole
    assert download.pieces == 3
    assert '"reason": "key_not_taken"' in caplog.text
    assert "request_fault" not in caplog.text


async def test_it_is_broken_off_when_nobody_can_tell(
    streaming: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    video_id = await streaming.finished(content=_CONTENT)
    issued = await _issue(streaming)
    download = Download(streaming, f"/v1/videos/{video_id}/content", issued["key"])

    async def down(key_id: str) -> IssuedKey | None:
        raise ServiceRequestError("down")

    async def outage() -> None:
        monkeypatch.setattr(streaming.services.keys, "get", down)
        streaming.now += 5

    await download.take(3, outage)
    assert not download.is_whole
    assert download.pieces == 3
