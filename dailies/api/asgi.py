"""Serving an ASGI app where a request comes in as an object and its answer goes out as one.

That is how Azure Functions streams HTTP: a function receives the request before its body is read,
and returns a response whose body is made while it is sent.
"""

from __future__ import annotations

import asyncio
import logging

from anyio import BrokenResourceError, ClosedResourceError, create_memory_object_stream
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from fastapi import Request, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dailies.telemetry.logs import log_event

__all__ = ["respond"]

# Of the request's own scope; the rest is what the server's framework noted for itself.
_CONNECTION = (
    *("type", "asgi", "extensions", "http_version", "server", "client", "scheme", "method"),
    *("root_path", "path", "raw_path", "query_string", "headers"),
)
_HELD = 2
"""Messages on their way to the client: the head of an answer, and a piece of its body."""


async def respond(app: ASGIApp, request: Request, *, seconds: float) -> Response:
    """Let ``app`` answer a request.

    An answer in one piece is complete when this returns: what the app logs on the way belongs to
    the caller's invocation. Of a longer one the head and the first piece are there; the app goes on
    as fast as the client takes the rest, and no further.

    Args:
        seconds: for everything, from now until the client has taken the answer. What is left of it
            then is not sent, and the connection ends, which tells the client that it has a part.

    Raises:
        TimeoutError: the app did not begin to answer in time.
        Exception: what the app raised before it answered.
    """
    deadline = asyncio.get_running_loop().time() + seconds
    sending, receiving = create_memory_object_stream[Message](_HELD)
    begun = asyncio.Event()
    scope = {name: request.scope[name] for name in _CONNECTION if name in request.scope}

    async def send(message: Message) -> None:
        try:
            await sending.send(message)
        except (BrokenResourceError, ClosedResourceError):
            raise OSError("the client has left") from None  # as ASGI 2.4 wants it
        if message.get("more_body"):
            begun.set()

    running = asyncio.create_task(_run(app, scope, request.receive, send, sending))
    running.add_done_callback(lambda _: begun.set())
    try:
        async with asyncio.timeout_at(deadline):
            await begun.wait()
    except (asyncio.CancelledError, TimeoutError):
        running.cancel()
        receiving.close()
        raise
    if running.done() and receiving.statistics().current_buffer_used == 0:
        receiving.close()
        await running
        raise RuntimeError("the app ended without an answer")
    return _Answer(running, receiving, deadline)


async def _run(
    app: ASGIApp,
    scope: Scope,
    receive: Receive,
    send: Send,
    sending: MemoryObjectSendStream[Message],
) -> None:
    with sending:  # closed at the end, which ends the answer
        await app(scope, receive, send)


class _Answer(Response):
    """What the app answers, sent on as it comes."""

    def __init__(
        self,
        running: asyncio.Task[None],
        messages: MemoryObjectReceiveStream[Message],
        deadline: float,
    ) -> None:
        # Nothing of Response's own is used but its type.
        super().__init__()
        self._running = running
        self._messages = messages
        self._deadline = deadline

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # Around the sending: while a client is slow, it is there that the time is spent.
        limit = asyncio.timeout_at(self._deadline)
        try:
            with self._messages:
                async with limit:
                    async for message in self._messages:
                        await send(message)
            await self._running
        except TimeoutError:
            if not limit.expired():
                raise
            # To return before the end is to break the connection.
            log_event("answer_broken_off", level=logging.WARNING)
        finally:
            self._running.cancel()
