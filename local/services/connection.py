"""The connection under a request: breaking it is how most faults look to a client.

uvicorn hands an application no transport, so a protocol class of ours puts it into the ASGI scope
as an extension.
"""

from __future__ import annotations

import asyncio
import socket
import struct

from starlette.responses import StreamingResponse
from starlette.types import Message, Receive, Scope, Send
from uvicorn._types import ASGIReceiveCallable, ASGISendCallable
from uvicorn._types import Scope as UvicornScope
from uvicorn.protocols.http.h11_impl import H11Protocol

_EXTENSION = "local.services.transport"


class ExposingProtocol(H11Protocol):
    """HTTP/1.1 that lets the application reach the transport."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        # The parent narrows the argument in the same way, and says so in the same way.
        super().connection_made(transport)
        inner = self.app

        async def application(
            scope: UvicornScope, receive: ASGIReceiveCallable, send: ASGISendCallable
        ) -> None:
            if scope["type"] == "http":
                scope["extensions"] = {_EXTENSION: {"transport": transport}}
            await inner(scope, receive, send)

        self.app = application


def reset(scope: Scope) -> None:
    """Break the connection with a TCP reset: what is unsent is lost, the peer sees ECONNRESET."""
    transport = _transport(scope)
    raw = transport.get_extra_info("socket")
    if raw is not None:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


def close(scope: Scope) -> None:
    """Send what was written, then end the connection in order."""
    _transport(scope).close()


async def wait_for_disconnect(receive: Receive) -> None:
    """Return when the connection is gone, whoever ended it."""
    message: Message = await receive()
    while message["type"] != "http.disconnect":
        message = await receive()


class CutShortResponse(StreamingResponse):
    """Sends its body and ends the connection, whatever Content-Length had promised."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, without the message that would end the answer properly."""
        await send(
            {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}
        )
        async for piece in self.body_iterator:
            body = piece.encode() if isinstance(piece, str) else bytes(piece)
            await send({"type": "http.response.body", "body": body, "more_body": True})
        close(scope)
        await wait_for_disconnect(receive)


def _transport(scope: Scope) -> asyncio.Transport:
    extension = scope.get("extensions", {}).get(_EXTENSION)
    if extension is None:
        raise RuntimeError("this fault needs a real connection, not an in-process client")
    transport: asyncio.Transport = extension["transport"]
    return transport
