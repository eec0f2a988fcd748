"""The body of a batch: a file of shots, alone or in a form with the images that it names."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, BinaryIO, cast

from fastapi import Request

from dailies.api.bodies import RAW, Body, Upload, open_body
from dailies.api.form_body import other_charset
from dailies.batches.keeping import SuppliedImage
from dailies.inputs.examine import InputLimits, examine
from dailies.protocols.batch.lines import Form
from dailies.protocols.messages import missing
from dailies.settings import Settings
from dailies.video.errors import InvalidRequest, UnsupportedMedia, UnusableReference

__all__ = ["BatchBody", "open_batch"]

_MULTIPART = "multipart/form-data"
_FORMS = MappingProxyType(
    {
        "application/json": Form.JSON,
        "text/csv": Form.CSV,
        "application/jsonl": Form.LINES,
        "application/jsonlines": Form.LINES,
        "application/x-jsonlines": Form.LINES,
        "application/ndjson": Form.LINES,
        "application/x-ndjson": Form.LINES,
    }
)
_SUFFIXES = MappingProxyType(
    {
        "json": Form.JSON,
        "csv": Form.CSV,
        "jsonl": Form.LINES,
        "ndjson": Form.LINES,
    }
)
_LONGEST_CONTENT_TYPE = 1024
_IMAGES = frozenset({"images", "images[]", "image"})


@dataclass(frozen=True, slots=True)
class BatchBody:
    """A file of shots, what a form says beside it, and the images by their file names."""

    file: BinaryIO = field(repr=False)
    form: Form
    said: Mapping[str, Any] = field(default_factory=dict, repr=False)
    images: Mapping[str, SuppliedImage] = field(default_factory=dict, repr=False)


@asynccontextmanager
async def open_batch(request: Request, settings: Settings) -> AsyncIterator[BatchBody]:
    """Read the body of a batch; its files are open until the end.

    Raises:
        InvalidRequest: it is no such body, or an image can't be used.
        RequestError: as ``open_body``.
    """
    said = request.headers.get("content-type", "")[:_LONGEST_CONTENT_TYPE]
    media = said.partition(";")[0].strip().lower()[:128]
    if media not in _FORMS and media != _MULTIPART:
        raise UnsupportedMedia(
            "Say how the shots are written, in the Content-Type: application/jsonl, text/csv or "
            f"application/json; or send {_MULTIPART}, with a part 'file' of one of these.",
            code="unsupported_content_type",
        )
    charset = other_charset(said) if _FORMS.get(media) is Form.CSV else None
    if charset is not None:
        raise UnsupportedMedia(
            f"The table is in the character set {charset!r}, as its Content-Type says. Save it as "
            "UTF-8.",
            code="unsupported_charset",
        )
    async with open_body(request, raw=_FORMS) as body:
        if media in _FORMS:
            file = cast(Upload, body.fields[RAW])
            yield BatchBody(_opened(file), _FORMS[media])
        else:
            yield await _of_form(body, settings)


async def _of_form(body: Body, settings: Settings) -> BatchBody:
    file = body.fields.get(RAW)
    if not isinstance(file, Upload):
        raise missing(RAW)
    suffix = file.filename.rpartition(".")[2].lower()
    if suffix not in _SUFFIXES:
        raise InvalidRequest(
            "The name of the file says how its shots are written: end it with .jsonl, .csv or "
            ".json.",
            param=RAW,
            code="invalid_value",
        )
    images: dict[str, SuppliedImage] = {}
    for upload in body.uploads:
        if upload is file:
            continue
        if upload.where not in _IMAGES or not upload.filename:
            raise InvalidRequest(
                f"A file is read as '{RAW}', and images as 'images', each with a file name; not "
                f"as '{upload.where[:64]}'.",
                param=upload.where[:64],
                code="unexpected_file",
            )
        if upload.filename in images:
            raise InvalidRequest(
                f"Two images have the file name '{upload.filename[:80]}'.",
                param="images",
                code="repeated_image",
            )
        images[upload.filename] = await _examined(upload, settings)
    said = {
        name: value for name, value in body.fields.items() if name != RAW and name not in _IMAGES
    }
    return BatchBody(_opened(file), _SUFFIXES[suffix], said, images)


async def _examined(upload: Upload, settings: Settings) -> SuppliedImage:
    limits = InputLimits(
        image_bytes=settings.max_reference_bytes,
        image_pixels=settings.max_reference_pixels,
        video_bytes=0,
        video_seconds=0,
    )
    try:
        found = await examine(upload, limits)
    except UnusableReference as error:
        raise InvalidRequest(
            f"The image '{upload.filename[:80]}' can't be used: {error.message}",
            param="images",
            code=error.code,
        ) from None
    return SuppliedImage(upload, found.content_type)


def _opened(file: Upload) -> BinaryIO:
    opened = file.file.file
    opened.seek(0)
    return opened
