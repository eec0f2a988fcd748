"""The body of a request on its way through the host, up to a limit."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response

__all__ = ["BODY_LIMIT_BYTES", "BodyRefusedError", "RequestBody"]

BODY_LIMIT_BYTES = 100 * 1024 * 1024
"""The largest request body, ``FUNCTIONS_REQUEST_BODY_SIZE_LIMIT`` of the real host."""


class BodyRefusedError(Exception):
    """The body is above the limit, or ended too early; ``RequestBody.refusal`` is the answer."""


class RequestBody:
    """Reads a body once, in pieces or whole.

    Attributes:
        refusal: what to answer, once it is known that the body can't be used.
    """

    def __init__(self, request: Request) -> None:
        self._request = request
        length = request.headers.get("content-length")
        self._has_length = length is not None
        self.is_sent = length not in (None, "0") or "transfer-encoding" in request.headers
        self.refusal: Response | None = None
        self._passed = asyncio.Event()
        if not self.is_sent:
            self._passed.set()
        if length is not None and length.isdigit() and int(length) > BODY_LIMIT_BYTES:
            self.refusal = _too_large()

    async def chunks(self) -> AsyncIterator[bytes]:
        """Its pieces, as they arrive.

        :raises BodyRefusedError: it is too large, or the caller has left.
        """
        if self.refusal is not None:
            raise BodyRefusedError
        size = 0
        try:
            async for chunk in self._request.stream():
                size += len(chunk)
                if size > BODY_LIMIT_BYTES:
                    self.refusal = _too_large()
                    raise BodyRefusedError
                if chunk:
                    yield chunk
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
        pieces = [chunk async for chunk in self.chunks() if self._has_length]
        return b"".join(pieces)


def _too_large() -> Response:
    return PlainTextResponse("Request body too large.", 413)
