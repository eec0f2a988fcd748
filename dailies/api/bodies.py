"""Request bodies: JSON, multipart or url-encoded, read into one shape."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fastapi import Request
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException

from dailies.errors import InvalidRequest, TooLarge

__all__ = ["Body", "Upload", "read_body"]

_FORMS = ("multipart/form-data", "application/x-www-form-urlencoded")
_MOST_PARTS = 64
_NESTED = re.compile(r"^(?P<name>\w{1,64})\[(?P<key>\w{1,64})\]$")


@dataclass(frozen=True, slots=True)
class Upload:
    """A file of a multipart body."""

    filename: str
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Body:
    """The fields of a request. A file of a form is an ``Upload``; a form's ``video[id]`` is
    ``{"id": …}`` under ``video``."""

    fields: Mapping[str, Any]

    def upload(self, name: str) -> Upload | None:
        """The file in a field, if there is one."""
        value = self.fields.get(name)
        return value if isinstance(value, Upload) else None


async def read_body(
    request: Request, *, max_file_bytes: int, max_inline_bytes: int | None = None
) -> Body:
    """Read the body by its content type.

    Args:
        max_inline_bytes: of a file that a field holds as a data URL; as ``max_file_bytes`` if not
            given.

    Raises:
        InvalidRequest: it is no JSON object and no form.
        TooLarge: an uploaded file is over ``max_file_bytes``.
    """
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media in _FORMS:
        return await _read_form(request, max_file_bytes, max_inline_bytes or max_file_bytes)
    return Body(_parse_object(await request.body()))


async def _read_form(request: Request, max_file_bytes: int, max_inline_bytes: int) -> Body:
    # A field may hold an image as a data URL: a third more than its bytes, and its head.
    most_text = max(1024**2, max_inline_bytes * 4 // 3 + 1024)
    try:
        form = await request.form(
            max_files=_MOST_PARTS, max_fields=_MOST_PARTS, max_part_size=most_text
        )
    except (HTTPException, ValueError) as error:
        # A ValueError: the text is not in the encoding that the form claims.
        why = error.detail if isinstance(error, HTTPException) else "its encoding is wrong."
        raise InvalidRequest(
            f"We could not parse the form of your request: {why}", code="invalid_form"
        ) from None
    fields: dict[str, Any] = {}
    try:
        for name, value in form.multi_items():
            if isinstance(value, UploadFile):
                _put(fields, name, await _read_file(name, value, max_file_bytes))
            else:
                _put(fields, name, value)
    finally:
        await form.close()
    return Body(fields)


async def _read_file(name: str, file: UploadFile, max_bytes: int) -> Upload:
    # One byte more than is allowed tells a file that is too large from one that fits.
    data = await file.read(max_bytes + 1)
    if len(data) > max_bytes:
        raise TooLarge(
            f"The file '{name}' is larger than {max_bytes:,} bytes. Send a smaller one.",
            param=name,
            code="file_too_large",
        )
    return Upload(file.filename or "", data)


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
            "The request has no body. Send a JSON object, or a form.",
            code="missing_body",
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
