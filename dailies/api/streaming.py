"""Sending a stored file through the app, where clients can't reach the storage account.

Azure Functions takes a Python app's answer whole, so what is sent is bounded instead: an answer
holds at most ``DAILIES_STREAM_ANSWER_BYTES``, and all answers at a time ``…_STREAM_MEMORY_BYTES``.
A larger file is fetched in ranges. A range that is asked for is cut to what an answer may hold,
which RFC 9110 (15.3.7) allows and ``Content-Range`` tells; a whole file is never cut.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from fastapi import Request, Response
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from dailies.errors import InvalidRequest
from dailies.records import StoredFile
from dailies.services import Services

__all__ = ["Budget", "Span", "requested_span", "stream_file"]

_RANGE = re.compile(r"^bytes=\s*(?P<first>\d{0,18})\s*-\s*(?P<last>\d{0,18})\s*$", re.IGNORECASE)


class Budget:
    """Bytes that may be in memory at once; whoever asks for more than is left waits its turn."""

    def __init__(self, total: int) -> None:
        self._left = self._total = total
        self._changed = asyncio.Condition()

    @asynccontextmanager
    async def hold(self, size: int) -> AsyncIterator[None]:
        """Hold ``size`` bytes of the budget (all of it, if it is smaller)."""
        size = min(size, self._total)
        async with self._changed:
            await self._changed.wait_for(lambda: self._left >= size)
            self._left -= size
        try:
            yield
        finally:
            async with self._changed:
                self._left += size
                self._changed.notify_all()


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a file: the offset of its first byte, and how many."""

    first: int
    length: int


def requested_span(header: str | None, size: int) -> Span | None:
    """What a ``Range`` header asks of a file of ``size`` bytes; None for the whole.

    Several ranges, or what is no range of bytes, count as none, as RFC 9110 (14.2) lets us.

    Raises:
        ValueError: no byte of the file is in the range.
    """
    match = _RANGE.match(header or "")
    if match is None or not (match["first"] or match["last"]):
        return None
    if match["first"] and match["last"] and int(match["last"]) < int(match["first"]):
        return None
    if match["first"]:
        first = int(match["first"])
        end = min(int(match["last"]) + 1, size) if match["last"] else size
    else:
        first, end = max(size - int(match["last"]), 0), size
    if first >= end:
        raise ValueError(f"no byte of {size} is in {header!r}")
    return Span(first, end - first)


def stream_file(request: Request, services: Services, file: StoredFile) -> Response:
    """The answer to a GET or HEAD: 200 with the file, 206 with a part of it, or 416.

    Raises:
        InvalidRequest: the whole file is larger than an answer may be.
    """
    etag = f'"{file.sha256}"'
    headers = {"Accept-Ranges": "bytes", "ETag": etag, "Cache-Control": "private, no-store"}
    wanted = request.headers.get("range")
    if request.headers.get("if-range", etag) != etag:
        wanted = None
    try:
        span = requested_span(wanted, file.bytes)
    except ValueError:
        headers["Content-Range"] = f"bytes */{file.bytes}"
        return Response(status_code=416, headers=headers)
    most = services.settings.stream_answer_bytes
    status = 200
    if span is not None:
        status, span = 206, Span(span.first, min(span.length, most))
        last = span.first + span.length - 1
        headers["Content-Range"] = f"bytes {span.first}-{last}/{file.bytes}"
    elif file.bytes > most and request.method != "HEAD":
        raise _needs_ranges(file.bytes, most)
    span = span or Span(0, file.bytes)
    headers["Content-Length"] = str(span.length)
    if request.method == "HEAD":
        return Response(status_code=status, headers=headers, media_type=file.content_type)
    budget: Budget = request.app.state.budget(services.settings.stream_memory_bytes)
    return _FileResponse(services, file, span, budget, status_code=status, headers=headers)


class _FileResponse(StreamingResponse):
    """A part of a stored file; reads nothing before there is room for it."""

    def __init__(
        self,
        services: Services,
        file: StoredFile,
        span: Span,
        budget: Budget,
        *,
        status_code: int,
        headers: dict[str, str],
    ) -> None:
        super().__init__(_read(services, file, span), status_code, headers, file.content_type)
        self._budget = budget
        self._size = span.length

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with self._budget.hold(self._size):
            await super().__call__(scope, receive, send)


async def _read(services: Services, file: StoredFile, span: Span) -> AsyncIterator[bytes]:
    chunks = await services.files.open_range(file.blob, offset=span.first, length=span.length)
    async for chunk in chunks:
        yield chunk


def _needs_ranges(size: int, most: int) -> InvalidRequest:
    return InvalidRequest(
        f"The file has {size:,} bytes and one answer holds at most {most:,}. Ask for it in parts "
        f"(Range: bytes=0-{most - 1}, and so on), or have the operator set "
        "DAILIES_CONTENT_DELIVERY to 'redirect'.",
        param="Range",
        code="range_required",
    )
