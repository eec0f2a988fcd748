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
_HELD = 1
"""Pieces of a long answer that wait for the client."""


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
    sent = _Sent()
    scope = {name: request.scope[name] for name in _CONNECTION if name in request.scope}
    running = asyncio.create_task(_run(app, scope, request.receive, sent))
    running.add_done_callback(lambda _: sent.begun.set())
    try:
        async with asyncio.timeout_at(deadline):
            await sent.begun.wait()
    except (asyncio.CancelledError, TimeoutError):
        running.cancel()
        sent.close()
        raise
    if not sent.head:
        await running
        raise RuntimeError("the app ended without an answer")
    return _Answer(running, sent, deadline)


class _Sent:
    """What the app sends. A short answer is only kept: its way is that of nearly every request, and
    a stream costs the loop several rounds.

    Attributes:
        begun: there is a short answer, or the first piece of a long one.
        head: a short answer; of a long one, what came before its first piece.
        rest: of a long answer, from its first piece on.
    """

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.head: list[Message] = []
        self.rest: MemoryObjectReceiveStream[Message] | None = None
        self._sending: MemoryObjectSendStream[Message] | None = None

    async def send(self, message: Message) -> None:
        """For the app."""
        if self._sending is None:
            if not message.get("more_body"):
                self.head.append(message)
                return
            self._sending, self.rest = create_memory_object_stream[Message](_HELD)
        self.begun.set()
        try:
            await self._sending.send(message)
        except (BrokenResourceError, ClosedResourceError):
            raise OSError("the client has left") from None  # as ASGI 2.4 wants it

    def end(self) -> None:
        """The app has ended, and with it the answer."""
        if self._sending is not None:
            self._sending.close()

    def close(self) -> None:
        """Nobody will take the answer."""
        if self.rest is not None:
            self.rest.close()


async def _run(app: ASGIApp, scope: Scope, receive: Receive, sent: _Sent) -> None:
    try:
        await app(scope, receive, sent.send)
    finally:
        sent.end()


class _Answer(Response):
    """What the app answers, sent on in the time that is left."""

    def __init__(self, running: asyncio.Task[None], sent: _Sent, deadline: float) -> None:
        # Nothing of Response's own is used but its type.
        super().__init__()
        self._running = running
        self._sent = sent
        self._deadline = deadline

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # Around the sending: while a client is slow, it is there that the time is spent.
        limit = asyncio.timeout_at(self._deadline)
        try:
            async with limit:
                for message in self._sent.head:
                    await send(message)
                if self._sent.rest is not None:
                    async for message in self._sent.rest:
                        await send(message)
            await self._running
        except TimeoutError:
            if not limit.expired():
                raise
            # To return before the end is to break the connection.
            log_event("answer_broken_off", level=logging.WARNING)
        finally:
            self._sent.close()
            self._running.cancel()
