"""A stack is ready when its app works, and not when it answers every request by an error."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from local.stack.errors import PartFailed
from local.stack.probes import works_with_its_settings


@asynccontextmanager
async def app(answers: Callable[[], tuple[int, object] | None]) -> AsyncIterator[int]:
    """A server that gives these answers, or breaks off where there is none; its port."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"GET /health HTTP/1.1\r\n")
        answer = answers()
        if answer is not None:
            body = json.dumps(answer[1]).encode()
            writer.write(f"HTTP/1.1 {answer[0]} X\r\n\r\n".encode() + body)
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]


def refusal(code: str, message: str) -> tuple[int, object]:
    return 503, {"error": {"code": code, "message": message, "type": "server_error"}}


async def test_an_app_that_is_well_is_ready() -> None:
    async with app(lambda: (200, {"status": "ok"})) as port:
        await works_with_its_settings(port)()


async def test_a_wrong_setting_is_named() -> None:
    said = "DAILIES_RETRY_SECONDS: Input should be a valid number"
    async with app(lambda: refusal("configuration_error", said)) as port:
        with pytest.raises(PartFailed, match=said):
            await works_with_its_settings(port)()


async def test_a_worker_that_is_being_started_is_waited_for() -> None:
    answers = iter([None, (502, "no"), (503, "no"), refusal("other", "no"), (200, {})])
    async with app(lambda: next(answers)) as port:
        await works_with_its_settings(port)()
    assert next(answers, "used up") == "used up"
