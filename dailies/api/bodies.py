"""Request bodies: JSON, multipart or url-encoded, read into one shape as they arrive.

What is text is held in memory, up to a small limit; files lie on disk, those in a form as well as
those in the data URLs of a text. So no body shows in the memory of the worker, however large it is,
and no piece of one keeps it from serving others.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from fastapi import Request
from starlette.requests import ClientDisconnect

from dailies.api.form_body import MultipartReader, UrlEncodedReader, form_options
from dailies.api.json_body import JsonReader
from dailies.api.uploads import Upload, Uploads
from dailies.video.errors import InvalidRequest, TooLarge, TooSlow, UnsupportedMedia

__all__ = ["RAW", "Body", "Upload", "open_body"]

_MULTIPART = "multipart/form-data"
_URL_ENCODED = "application/x-www-form-urlencoded"
_READ_AS_JSON = frozenset({"text/plain", "application/octet-stream"})
"""What clients say that leave the type to their HTTP library."""
_PIECE = 64 * 1024
_MOST_BYTES = 100 * 1024**2
"""Of a whole body: what Azure's host lets through."""
_LONGEST_CONTENT_TYPE = 1024
_LONGEST_READ_SECONDS = 480.0
"""Less than the host's ``functionTimeout``, at which the worker would be ended, and with it all
that other callers wait for."""

RAW = "file"
"""The field of a body that is taken as it is."""


class RawReader:
    """Takes a body as one file."""

    def __init__(self, uploads: Uploads) -> None:
        self._uploads = uploads
        self._file = uploads.new(RAW)

    def feed(self, data: bytes) -> None:
        """Take more of the body."""
        self._uploads.write(self._file, data)

    def finish(self) -> Mapping[str, Any]:
        """The body as a field."""
        return {RAW: self._file}


_Reader = JsonReader | MultipartReader | UrlEncodedReader | RawReader


@dataclass(frozen=True, slots=True)
class Body:
    """The fields of a request. A file is an ``Upload``: one of a form in its field, one in a data
    URL in place of its text, wherever that stands. A form's ``video[id]`` is ``{"id": …}`` under
    ``video``."""

    fields: Mapping[str, Any]
    uploads: tuple[Upload, ...] = ()
    """All files, also those whose fields have the same name, and those in data URLs."""
    _files: Uploads = field(default_factory=Uploads, repr=False, compare=False)
    _taken: set[Upload] = field(default_factory=set, init=False, repr=False, compare=False)

    def take(self, upload: Upload) -> Upload:
        """Note that a file is read; gives it back."""
        self._taken.add(upload)
        return upload

    async def keep(self, data: bytes) -> Upload:
        """A file of what was fetched for the body, on disk as its own are, and open as long."""
        upload = self._files.new("")
        self._files.write(upload, data)
        await self._files.flush()
        return upload

    @property
    def untaken(self) -> list[Upload]:
        """The files that nobody has taken."""
        return [upload for upload in self.uploads if upload not in self._taken]


@asynccontextmanager
async def open_body(
    request: Request, *, max_inline_bytes: int = 0, raw: Collection[str] = ()
) -> AsyncIterator[Body]:
    """Read the body by its content type; its files are open until the end.

    Args:
        max_inline_bytes: of a file that a field holds as a data URL; 0 where none may: then a
            data URL is a text.
        raw: media types that are not read here: such a body is the file ``RAW``.

    Raises:
        InvalidRequest: it is no JSON object and no form, is not in UTF-8, or ended too early.
        TooLarge: it has more text than fields could need, or is too large as a whole.
        TooSlow: it did not arrive in time.
        UnsupportedMedia: it is compressed, or of a type that is not read.
    """
    uploads = Uploads()
    try:
        reader = _reader(request, uploads, max_inline_bytes, raw)
        async with _arriving():
            await _read(request, reader, uploads)
        fields = reader.finish()
        await uploads.flush()
        yield Body(fields, tuple(uploads.all), uploads)
    finally:
        await uploads.close()


def _reader(
    request: Request, uploads: Uploads, max_inline_bytes: int, raw: Collection[str]
) -> _Reader:
    codings = ",".join(request.headers.getlist("content-encoding")).lower().split(",")
    if any(coding.strip() not in ("", "identity") for coding in codings):
        raise UnsupportedMedia(
            "The body is compressed, as its Content-Encoding says. Send it as it is.",
            code="unsupported_content_encoding",
        )
    content_type = request.headers.get("content-type", "")[:_LONGEST_CONTENT_TYPE]
    media = content_type.partition(";")[0].strip().lower()
    if media in raw:
        return RawReader(uploads)
    if media == _MULTIPART:
        boundary = form_options(content_type).get(b"boundary", b"")
        if not boundary:
            raise InvalidRequest(
                "We could not parse the form of your request: its Content-Type names no boundary.",
                code="invalid_form",
            )
        return MultipartReader(uploads, boundary, max_inline_bytes=max_inline_bytes)
    if media == _URL_ENCODED:
        form_options(content_type)
        return UrlEncodedReader(uploads, max_inline_bytes=max_inline_bytes)
    if "/" in media and "json" not in media and media not in _READ_AS_JSON:
        raise UnsupportedMedia(
            f"A body of the Content-Type '{media[:64]}' is not read here. Send application/json, "
            f"{_MULTIPART} or {_URL_ENCODED}.",
            code="unsupported_content_type",
        )
    return JsonReader(uploads, max_inline_bytes=max_inline_bytes)


async def _read(request: Request, reader: _Reader, uploads: Uploads) -> None:
    left = _MOST_BYTES
    async for chunk in request.stream():
        left -= len(chunk)
        if left < 0:
            raise TooLarge(f"The body has more than {_MOST_BYTES:,} bytes.", code="body_too_large")
        for start in range(0, len(chunk), _PIECE):
            reader.feed(chunk[start : start + _PIECE])
            await uploads.flush()
            await asyncio.sleep(0)  # a body that is all there must not keep others waiting


@asynccontextmanager
async def _arriving() -> AsyncIterator[None]:
    """Says what is wrong with a body that does not come, or not whole."""
    try:
        async with asyncio.timeout(_LONGEST_READ_SECONDS):
            yield
    except TimeoutError:
        raise TooSlow(
            f"The body did not arrive within {_LONGEST_READ_SECONDS:g} seconds. Nothing was made; "
            "send the request again, with a smaller file if the connection is slow.",
            code="request_timeout",
        ) from None
    except ClientDisconnect:
        raise InvalidRequest("The body ended too early.", code="incomplete_body") from None
