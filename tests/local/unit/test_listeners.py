"""The local stack's servers answer at once on a connection that is kept."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

import pytest

from local.host import server as host
from local.services import server as services

LISTENERS = [lambda: host._listen("127.0.0.1", 0), lambda: services._listen(0)]


@pytest.mark.parametrize("listen", LISTENERS, ids=["host", "services"])
async def test_small_answers_do_not_wait_for_an_acknowledgement(
    listen: Callable[[], socket.socket],
) -> None:
    accepted: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def connected(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = writer.get_extra_info("socket")
        accepted.set_result(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        writer.close()

    listener = listen()
    async with await asyncio.start_server(connected, sock=listener):
        _, writer = await asyncio.open_connection(*listener.getsockname())
        assert await accepted
        writer.close()
        await writer.wait_closed()
