"""Request bodies: JSON, multipart or url-encoded, read into one shape."""

from __future__ import annotations

import json
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


@dataclass(frozen=True, slots=True)
class Upload:
    """A file of a multipart body."""

    filename: str
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Body:
    """The fields of a request; ``files`` has the uploads, by field."""

    fields: Mapping[str, Any]
    files: Mapping[str, Upload]
    is_form: bool


async def read_body(request: Request, *, max_file_bytes: int) -> Body:
    """Read the body by its content type.

    Raises:
        InvalidRequest: it is no JSON object and no form.
        TooLarge: an uploaded file is over ``max_file_bytes``.
    """
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media in _FORMS:
        return await _read_form(request, max_file_bytes)
    return Body(_parse_object(await request.body()), {}, is_form=False)


async def _read_form(request: Request, max_file_bytes: int) -> Body:
    try:
        form = await request.form(
            max_files=_MOST_PARTS, max_fields=_MOST_PARTS, max_part_size=1024**2
        )
    except HTTPException as error:
        raise InvalidRequest(
            f"We could not parse the form of your request: {error.detail}", code="invalid_form"
        ) from None
    fields: dict[str, Any] = {}
    files: dict[str, Upload] = {}
    try:
        for name, value in form.multi_items():
            if not isinstance(value, UploadFile):
                fields[name] = value
                continue
            # One byte more than is allowed tells a file that is too large from one that fits.
            data = await value.read(max_file_bytes + 1)
            if len(data) > max_file_bytes:
                raise TooLarge(
                    f"The file '{name}' is larger than {max_file_bytes} bytes. Send a smaller one.",
                    param=name,
                    code="file_too_large",
                )
            files[name] = Upload(value.filename or "", data)
    finally:
        await form.close()
    return Body(fields, files, is_form=True)


def _parse_object(raw: bytes) -> Mapping[str, Any]:
    if not raw.strip():
        raise InvalidRequest(
            "The request has no body. Send a JSON object, or a form, with a Content-Length: a "
            "chunked body does not reach the app.",
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
