"""Request bodies: JSON, multipart or url-encoded, read into one shape.

What is text is held in memory, up to a limit; files of a form that are not small lie on disk.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from fastapi import Request
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from dailies.errors import InvalidRequest, TooLarge, TooSlow

__all__ = ["Body", "Upload", "open_body"]

_MULTIPART = "multipart/form-data"
_URL_ENCODED = "application/x-www-form-urlencoded"
_MOST_PARTS = 64
_CHUNK = 1024**2
_NESTED = re.compile(r"^(?P<name>\w{1,64})\[(?P<key>\w{1,64})\]$")
_LONGEST_READ_SECONDS = 480.0
"""Less than the host's ``functionTimeout``, at which the worker would be ended, and with it all
that other callers wait for."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A file of a form, an ``InputSource``; it is open while the body is."""

    filename: str
    file: UploadFile = field(repr=False)

    @property
    def length(self) -> int:
        """Its bytes."""
        return self.file.size or 0

    async def read(self, offset: int, length: int) -> bytes:
        """``length`` bytes from ``offset``; fewer at the file's end."""
        await self.file.seek(offset)
        return await self.file.read(length)

    async def open(self) -> AsyncIterator[bytes]:
        """Start reading it anew."""
        await self.file.seek(0)
        while chunk := await self.file.read(_CHUNK):
            yield chunk


@dataclass(frozen=True, slots=True)
class Body:
    """The fields of a request. A file of a form is an ``Upload``; a form's ``video[id]`` is
    ``{"id": …}`` under ``video``."""

    fields: Mapping[str, Any]
    uploads: tuple[Upload, ...] = ()
    """All files, also those whose fields have the same name."""
    _taken: set[Upload] = field(default_factory=set, init=False, repr=False, compare=False)

    def take(self, upload: Upload) -> Upload:
        """Note that a file is read; gives it back."""
        self._taken.add(upload)
        return upload

    @property
    def untaken(self) -> list[Upload]:
        """The files that nobody has taken."""
        return [upload for upload in self.uploads if upload not in self._taken]


@asynccontextmanager
async def open_body(request: Request, *, max_inline_bytes: int) -> AsyncIterator[Body]:
    """Read the body by its content type; its files are open until the end.

    Args:
        max_inline_bytes: of a file that a field holds as a data URL.

    Raises:
        InvalidRequest: it is no JSON object and no form, or it ended too early.
        TooLarge: it has more text than such a file and its fields could need.
        TooSlow: it did not arrive in time.
    """
    # A data URL has a third more than its bytes, and its head.
    most_text = max(_CHUNK, max_inline_bytes * 4 // 3 + 1024)
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media != _MULTIPART:
        async with _arriving():
            text = await _read_text(request, most_text + _CHUNK)
        yield Body(_parse_form(text) if media == _URL_ENCODED else _parse_object(text))
        return
    async with _arriving():
        form = await request.form(
            max_files=_MOST_PARTS, max_fields=_MOST_PARTS, max_part_size=most_text
        )
    try:
        yield _of_form(list(form.multi_items()))
    finally:
        await form.close()


@asynccontextmanager
async def _arriving() -> AsyncIterator[None]:
    """Says what is wrong with a body that does not come, or not whole, or not as it claims."""
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
    except (HTTPException, ValueError) as error:
        # A ValueError: the text is not in the encoding that the form claims.
        why = error.detail if isinstance(error, HTTPException) else "its encoding is wrong."
        raise InvalidRequest(
            f"We could not parse the form of your request: {why}", code="invalid_form"
        ) from None


async def _read_text(request: Request, most_bytes: int) -> bytes:
    raw = bytearray()
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > most_bytes:
            raise TooLarge(
                f"The body has more than {most_bytes:,} bytes. Send files as parts of a multipart "
                "form.",
                code="body_too_large",
            )
    return bytes(raw)


def _of_form(items: list[tuple[str, UploadFile | str]]) -> Body:
    fields: dict[str, Any] = {}
    uploads: list[Upload] = []
    for name, value in items:
        if isinstance(value, UploadFile):
            uploads.append(Upload(value.filename or "", value))
            _put(fields, name, uploads[-1])
        else:
            _put(fields, name, value)
    return Body(fields, tuple(uploads))


def _parse_form(raw: bytes) -> Mapping[str, Any]:
    fields: dict[str, Any] = {}
    try:
        pairs = parse_qsl(
            raw.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=_MOST_PARTS
        )
    except ValueError:
        raise InvalidRequest(
            f"The form has more than {_MOST_PARTS} fields.", code="invalid_form"
        ) from None
    for name, value in pairs:
        _put(fields, name, value)
    return fields


def _put(fields: dict[str, Any], name: str, value: str | Upload) -> None:
    """Set a field; ``name[key]`` is how official clients write an object into a form."""
    match = _NESTED.match(name)
    if match is None:
        fields[name] = value
        return
    inner = fields.setdefault(match["name"], {})
    if isinstance(inner, dict):
        inner[match["key"]] = value


def _parse_object(raw: bytes) -> Mapping[str, Any]:
    if not raw.strip():
        raise InvalidRequest(
            "The request has no body. Send a JSON object, or a form.", code="missing_body"
        )
    try:
        document = json.loads(raw)
    except (ValueError, RecursionError):
        raise InvalidRequest(
            "We could not parse the JSON body of your request. (HINT: This likely means you "
            "aren't using your HTTP library correctly. The request expects a JSON object.)",
            code="invalid_json",
        ) from None
    if not isinstance(document, dict):
        raise InvalidRequest("The body must be a JSON object.", code="invalid_json")
    return document
