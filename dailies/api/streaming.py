"""Sending a stored file through the app, where clients can't reach the storage account."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass

from fastapi import Request, Response
from starlette.responses import StreamingResponse

from dailies.records import StoredFile
from dailies.services import Services

__all__ = ["Span", "requested_span", "stream_file"]

_PIECE_BYTES = 64 * 1024
_RANGE = re.compile(r"^bytes=\s*(?P<first>\d{0,18})\s*-\s*(?P<last>\d{0,18})\s*$", re.IGNORECASE)


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
    """The answer to a GET or HEAD: 200 with the file, 206 with a part of it, or 416."""
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
    return StreamingResponse(_read(services, file, span), status, headers, file.content_type)


async def _read(services: Services, file: StoredFile, span: Span) -> AsyncIterator[bytes]:
    chunks = await services.files.open_range(file.blob, offset=span.first, length=span.length)
    async for chunk in chunks:
        # What waits on the way to the client is then little, whatever storage gives at a time.
        for offset in range(0, len(chunk), _PIECE_BYTES):
            yield chunk[offset : offset + _PIECE_BYTES]
