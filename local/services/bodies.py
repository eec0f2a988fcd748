"""Reading the body of a request: JSON, or a form when files come with it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

from PIL import Image, UnidentifiedImageError
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException
from starlette.requests import Request

from local.services.errors import ServiceError, openai_error

IMAGE_TYPES = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}
_MOST_PIXELS = 64_000_000


@dataclass(frozen=True, slots=True)
class Upload:
    """A file of a form."""

    name: str
    media_type: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Body:
    """Fields by name, and the files of a form by field name."""

    fields: dict[str, Any]
    files: dict[str, list[Upload]] = field(default_factory=dict)
    is_form: bool = False


async def read_body(request: Request) -> Body:
    """Parse the body.

    Raises:
        ServiceError: 400 when it is neither a JSON object nor a form.
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type == "multipart/form-data":
        return await _read_form(request)
    try:
        parsed = json.loads(await request.body())
    except ValueError:
        raise openai_error(
            400,
            "We could not parse the JSON body of your request. (HINT: This likely means you "
            "aren't using your HTTP library correctly. The OpenAI API expects a JSON payload, but "
            "what was sent was not valid JSON.)",
        ) from None
    if not isinstance(parsed, dict):
        raise openai_error(400, "Invalid body: expected a JSON object.")
    return Body(parsed)


async def _read_form(request: Request) -> Body:
    fields: dict[str, Any] = {}
    files: dict[str, list[Upload]] = {}
    try:
        async with request.form() as form:
            for name, value in form.multi_items():
                if isinstance(value, UploadFile):
                    upload = Upload(
                        value.filename or "", value.content_type or "", await value.read()
                    )
                    files.setdefault(name, []).append(upload)
                else:
                    fields[name] = value
    except MultiPartException as exc:
        raise openai_error(400, f"Could not parse multipart form: {exc.message}") from exc
    return Body(fields, files, is_form=True)


def image_size(upload: Upload, param: str) -> tuple[int, int]:
    """Width and height of an uploaded image, judged by its content.

    Raises:
        ServiceError: 400 when it is no JPEG, PNG or WebP.
    """
    try:
        with Image.open(BytesIO(upload.data), formats=list(IMAGE_TYPES)) as image:
            size = image.size
            if size[0] * size[1] <= _MOST_PIXELS:
                image.load()  # a header alone does not make an image
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        raise unsupported_file(upload, param) from None
    return size


def unsupported_file(upload: Upload, param: str) -> ServiceError:
    """The file is none of the kinds that may be sent."""
    kinds = "'image/jpeg', 'image/png', and 'image/webp'"
    return openai_error(
        400,
        f"Invalid file '{param}': unsupported mimetype "
        f"('{upload.media_type or 'application/octet-stream'}'). Supported file formats are "
        f"{kinds}.",
        param=param,
        code="unsupported_file_mimetype",
    )
