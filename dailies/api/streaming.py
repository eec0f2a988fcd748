"""Sending a stored file through the app, where clients can't reach the storage account."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from azure.core.exceptions import AzureError
from fastapi import Request, Response
from starlette.responses import StreamingResponse
from starlette.types import Send

from dailies.net.numerals import whole_number
from dailies.services import Services
from dailies.telemetry.logs import log_event
from dailies.video.errors import Unavailable
from dailies.video.record import StoredFile

__all__ = ["Span", "requested_span", "stream_file"]

_PIECE_BYTES = 64 * 1024
_LONGEST_RANGE = 128
"""Characters of a header that asks for one range; what is longer asks for several, or for none."""


_ASK_SECONDS = 1.0
"""Between two questions whether the key stands; what is known of it is older than that anyway."""

Stands = Callable[[], Awaitable[bool]]


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
    wanted = _first_and_last(header or "")
    if wanted is None:
        return None
    first, last = wanted
    if first is None:
        first, end = max(size - (last or 0), 0), size
    else:
        end = size if last is None else min(last + 1, size)
    if first >= end:
        raise ValueError(f"no byte of {size} is in the range")
    return Span(first, end - first)


def _first_and_last(header: str) -> tuple[int | None, int | None] | None:
    """The two numbers of a range, of which one may be absent; None when it is no single range."""
    if len(header) > _LONGEST_RANGE:
        return None
    unit, equals, numbers = header.partition("=")
    first_text, hyphen, last_text = (part.strip() for part in numbers.partition("-"))
    if unit.lower() != "bytes" or not (equals and hyphen and (first_text or last_text)):
        return None
    first, last = whole_number(first_text), whole_number(last_text)
    if (first is None and first_text) or (last is None and last_text):
        return None
    if first is not None and last is not None and last < first:
        return None
    return first, last


def stream_file(request: Request, services: Services, file: StoredFile, stands: Stands) -> Response:
    """The answer to a GET or HEAD: 200 with the file, 206 with a part of it, or 416.

    It is sent as long as the caller's key ``stands``, which is asked now and then.
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
    status = 200
    if span is not None:
        status = 206
        last = span.first + span.length - 1
        headers["Content-Range"] = f"bytes {span.first}-{last}/{file.bytes}"
    span = span or Span(0, file.bytes)
    headers["Content-Length"] = str(span.length)
    if request.method == "HEAD":
        return Response(status_code=status, headers=headers, media_type=file.content_type)
    pieces = _read(services, file, span)
    return _WhileKeyStands(services, stands, pieces, status, headers, file.content_type)


class _WhileKeyStands(StreamingResponse):
    """An answer that ends before its length when the caller's key is taken no more: that breaks the
    connection, which tells the client that it has a part."""

    def __init__(self, services: Services, stands: Stands, *args: Any) -> None:
        super().__init__(*args)
        self._clock = services.clock
        self._stands = stands
        self._asked_at = services.clock()

    async def stream_response(self, send: Send) -> None:
        """See ``StreamingResponse``."""
        start = {"status": self.status_code, "headers": self.raw_headers}
        await send({"type": "http.response.start", **start})
        async for piece in self.body_iterator:
            if not await self._may_go_on():
                return
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _may_go_on(self) -> bool:
        now = self._clock()
        if 0 <= now - self._asked_at < _ASK_SECONDS:
            return True
        self._asked_at = now
        try:
            reason = None if await self._stands() else "key_not_taken"
        except (AzureError, Unavailable):
            reason = "storage_unavailable"
        if reason is not None:
            log_event("download_stopped", reason=reason)
        return reason is None


async def _read(services: Services, file: StoredFile, span: Span) -> AsyncIterator[bytes]:
    chunks = await services.files.open_range(file.blob, offset=span.first, length=span.length)
    async for chunk in chunks:
        # What waits on the way to the client is then little, whatever storage gives at a time.
        for offset in range(0, len(chunk), _PIECE_BYTES):
            yield chunk[offset : offset + _PIECE_BYTES]
