"""The body of a request on its way through the host, up to a limit."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from .kestrel import closing

__all__ = ["BODY_LIMIT_BYTES", "BodyRefusedError", "RequestBody"]

BODY_LIMIT_BYTES = 100 * 1024 * 1024
"""The largest request body, ``FUNCTIONS_REQUEST_BODY_SIZE_LIMIT`` of the real host."""
_LEAST_BYTES_PER_SECOND = 240
_GRACE_S = 5.0
"""Kestrel's ``MinRequestBodyDataRate``, and how long a body may be slower than that."""


class BodyRefusedError(Exception):
    """The body is too large or too slow, or ended early; ``RequestBody.refusal`` is the answer."""


class RequestBody:
    """Reads a body once, in pieces or whole.

    Attributes:
        has_length: its length is told before it.
        refusal: what to answer, once it is known that the body can't be used.
    """

    def __init__(self, request: Request) -> None:
        self._request = request
        length = request.headers.get("content-length")
        is_chunked = "transfer-encoding" in request.headers
        self.has_length = length is not None and not is_chunked
        self.is_sent = length not in (None, "0") or is_chunked
        self.refusal: Response | None = None
        self._passed = asyncio.Event()
        if not self.is_sent:
            self._passed.set()
        if self.has_length and int(length or 0) > BODY_LIMIT_BYTES:
            self.refusal = closing(500)

    async def chunks(self) -> AsyncIterator[bytes]:
        """Its pieces, as they arrive.

        :raises BodyRefusedError: it is too large or too slow, or the caller has left.
        """
        if self.refusal is not None:
            raise BodyRefusedError
        size = 0
        began = time.monotonic()
        try:
            while True:
                async with asyncio.timeout(_patience(size, time.monotonic() - began)):
                    message = await self._request.receive()
                if message["type"] == "http.disconnect":
                    raise ClientDisconnect
                chunk: bytes = message.get("body", b"")
                size += len(chunk)
                if size > BODY_LIMIT_BYTES:
                    self.refusal = closing(500)
                    raise BodyRefusedError
                if chunk:
                    yield chunk
                if not message.get("more_body", False):
                    return
        except TimeoutError:
            self.refusal = closing(500)
            raise BodyRefusedError from None
        except ClientDisconnect:
            self.refusal = Response(status_code=400)  # nobody is there to read it
            raise BodyRefusedError from None
        finally:
            self._passed.set()

    async def left(self) -> None:
        """Wait until the caller has left; first, until the body has been read or given up."""
        await self._passed.wait()
        while (await self._request.receive())["type"] != "http.disconnect":
            pass

    async def whole(self) -> bytes:
        """All of it; empty without a Content-Length, as the real host hands it to a function.

        :raises BodyRefusedError: as ``chunks``.
        """
        if not self.has_length:
            return b""
        return b"".join([chunk async for chunk in self.chunks()])


def _patience(size: int, elapsed: float) -> float:
    """How long the next piece may take, so that the whole is not too slow so far."""
    return max(_GRACE_S, size / _LEAST_BYTES_PER_SECOND) - elapsed
