"""Sending a file: whole or a range, from disk, at a size that may be larger than the file.

A padded MP4 is the file with a ``free`` box behind it (ISO/IEC 14496-12, 8.1.2), which players
skip. Its zeros are made while they are sent, so a gigabyte takes neither disk nor memory.
"""

from __future__ import annotations

import re
import struct
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from email.utils import formatdate
from pathlib import Path

import anyio
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from local.services.connection import CutShortResponse
from local.services.directives import Directive

_CHUNK = 256 * 1024
_ZEROS = bytes(_CHUNK)
_RANGE = re.compile(r"^bytes=(?P<first>\d*)-(?P<last>\d*)$")
_HTML = (
    b"<!DOCTYPE html><html><head><title>Service Unavailable</title></head>"
    b"<body><h2>Our services aren't available right now</h2>"
    b"<p>We're working to restore all services as soon as possible.</p></body></html>"
)


@dataclass(frozen=True, slots=True)
class Source:
    """``size`` bytes: those of the file at ``path``, then ``tail``, then zeros."""

    path: Path
    file_size: int
    tail: bytes
    size: int

    async def read(self, first: int, count: int) -> AsyncIterator[bytes]:
        """``count`` bytes from offset ``first``, in pieces."""
        if first < self.file_size and count > 0:
            async with await anyio.open_file(self.path, "rb") as file:
                await file.seek(first)
                while count > 0 and (piece := await file.read(min(_CHUNK, count))):
                    yield piece
                    first += len(piece)
                    count -= len(piece)
        start = first - self.file_size
        if count > 0 and start < len(self.tail):
            piece = self.tail[start : start + count]
            yield piece
            count -= len(piece)
        while count > 0:
            yield _ZEROS[:count]
            count -= min(_CHUNK, count)


def plain_source(path: Path) -> Source:
    """A file as it is."""
    size = path.stat().st_size
    return Source(path, size, b"", size)


def padded_source(path: Path, size: int) -> Source:
    """An MP4 padded to ``size`` bytes; a size that leaves no room for a box adds nothing."""
    file_size = path.stat().st_size
    room = size - file_size
    if room < 16:
        return Source(path, file_size, b"", file_size)
    # A size of 1 in the header says that the real one follows in 64 bits.
    header = struct.pack(">I4sQ", 1, b"free", room)
    return Source(path, file_size, header, size)


def respond(
    request: Request, source: Source, media_type: str, etag: str, directive: Directive
) -> Response:
    """Answer a GET or HEAD with the content, or with what the directive says is wrong with it."""
    if directive.body == "html":
        return Response(_HTML, media_type="text/html")
    if directive.body == "empty":
        return Response(b"", media_type=media_type)
    if directive.body == "cut":
        half = source.file_size // 2
        source = Source(source.path, half, b"", half)
    headers = {
        "Accept-Ranges": "bytes",
        "ETag": f'"{etag}"',
        "Last-Modified": formatdate(source.path.stat().st_mtime, usegmt=True),
        "Content-Type": directive.content_type or media_type,
    }
    try:
        span = _range(request.headers, source.size, headers["ETag"])
    except ValueError:
        return Response(status_code=416, headers={"Content-Range": f"bytes */{source.size}"})
    status = 200
    first, count = 0, source.size
    if span is not None:
        first, count = span
        status = 206
        headers["Content-Range"] = f"bytes {first}-{first + count - 1}/{source.size}"
    headers["Content-Length"] = str(count)
    if request.method == "HEAD":
        return Response(status_code=status, headers=headers)
    if directive.body == "short":
        sent = count - max(1, count // 10)
        return CutShortResponse(source.read(first, sent), status_code=status, headers=headers)
    return StreamingResponse(source.read(first, count), status_code=status, headers=headers)


def _range(headers: Mapping[str, str], size: int, etag: str) -> tuple[int, int] | None:
    """First byte and count of the range asked for; ValueError when it can't be satisfied."""
    match = _RANGE.match(headers.get("range", ""))
    if match is None or headers.get("if-range", etag) != etag:
        return None
    first, last = match["first"], match["last"]
    if not first and not last:
        return None
    if not first:
        count = min(int(last), size)
        if count == 0:
            raise ValueError("an empty suffix")
        return size - count, count
    begin = int(first)
    end = min(int(last), size - 1) if last else size - 1
    if begin >= size or end < begin:
        raise ValueError("outside the content")
    return begin, end - begin + 1
