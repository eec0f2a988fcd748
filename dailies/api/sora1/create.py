"""Creating jobs: from the fields and files of a request to an accepted video."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from fastapi import Request
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException

from dailies.api.bodies import read_body
from dailies.api.context import Context
from dailies.api.create import accept_and_start
from dailies.capabilities import check_inputs, check_variants, describe, refuse_foreign, whole
from dailies.catalogue import Catalogue, Model
from dailies.errors import InvalidRequest, TooLarge, UnusableReference
from dailies.frame_inputs import input_limits
from dailies.inpaint import NamedItem, read_items
from dailies.intake import Acceptance, GivenInput
from dailies.records import Source, VideoRequest
from dailies.references.inputs import InputLimits, digest, examine
from dailies.requests import check_prompt, check_user, missing, wrong_type
from dailies.videos import Size

__all__ = ["create_job"]

_CHUNK = 1024**2
_MOST_PARTS = 64
_ITEMS = "inpaint_items"


@dataclass(frozen=True, slots=True)
class _Upload:
    """A file of a form, an ``InputSource``: large ones lie on disk, not in memory."""

    file: UploadFile

    @property
    def length(self) -> int:
        return self.file.size or 0

    async def read(self, offset: int, length: int) -> bytes:
        await self.file.seek(offset)
        return await self.file.read(length)

    async def open(self) -> AsyncIterator[bytes]:
        await self.file.seek(0)
        while chunk := await self.file.read(_CHUNK):
            yield chunk


async def create_job(context: Context, request: Request, *, owner: str) -> Acceptance:
    """Validate the request, write the record and start the orchestration.

    Raises:
        InvalidRequest: a field or a file is wrong, or the model can't do it.
        NotFound: there is no such model.
        TooLarge: a file has too many bytes.
    """
    settings, catalogue = context.services.settings, context.services.catalogue
    async with _open_body(request, settings.max_reference_bytes) as (fields, files):
        model = _model(catalogue, fields)
        asked = _build_request(model, fields)
        items = read_items(fields.get(_ITEMS))
        check_inputs(model, [named.item for named in items], asked.seconds, param=_ITEMS)
        inputs = await _inputs(items, files, input_limits(settings, model))
        return await accept_and_start(
            context, request, asked, owner=owner, source=Source(), inputs=inputs
        )


@asynccontextmanager
async def _open_body(
    request: Request, max_inline_bytes: int
) -> AsyncIterator[tuple[Mapping[str, Any], Mapping[str, UploadFile]]]:
    """The fields, and the files by their names; the files are open until the end."""
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media != "multipart/form-data":
        body = await read_body(request, max_file_bytes=max_inline_bytes)
        yield body.fields, {}
        return
    try:
        form = await request.form(max_files=_MOST_PARTS, max_fields=_MOST_PARTS)
    except (HTTPException, ValueError) as error:
        # A ValueError: the text is not in the encoding that the form claims.
        why = error.detail if isinstance(error, HTTPException) else "its encoding is wrong."
        raise InvalidRequest(
            f"We could not parse the form of your request: {why}", code="invalid_form"
        ) from None
    try:
        fields = {name: value for name, value in form.multi_items() if isinstance(value, str)}
        files = [value for _, value in form.multi_items() if isinstance(value, UploadFile)]
        yield fields, {file.filename or "": file for file in files}
    finally:
        await form.close()


def _model(catalogue: Catalogue, fields: Mapping[str, Any]) -> Model:
    name = fields.get("model")
    if name is None:
        raise missing("model")
    if not isinstance(name, str):
        raise wrong_type("model", "a string", name)
    model = catalogue.resolve(name)
    if not any(deployment.is_sora_1 for deployment in model.deployments):
        served = [m.name for m in catalogue.models.values() if m.deployments[0].is_sora_1]
        raise InvalidRequest(
            f"The model '{model.name}' is not one of this API, which serves: "
            f"{', '.join(served) or 'none here'}. {describe(model)} Ask for it with POST "
            "/openai/v1/videos.",
            param="model",
            code="unsupported_parameter",
        )
    return model


def _build_request(model: Model, fields: Mapping[str, Any]) -> VideoRequest:
    refuse_foreign(fields, model, jobs_api=True)
    prompt = check_prompt(fields.get("prompt"))
    longest = max(deployment.max_prompt_characters for deployment in model.deployments)
    if len(prompt) > longest:
        raise InvalidRequest(
            f"'prompt' may have at most {longest} characters.",
            param="prompt",
            code="string_above_max_length",
        )
    size = _size(model, fields)
    return VideoRequest(
        model=model.name,
        prompt=prompt,
        seconds=_seconds(model, fields),
        size=size,
        n_variants=check_variants(fields.get("n_variants"), model, model.deployments, size),
        user=check_user(fields),
    )


def _size(model: Model, fields: Mapping[str, Any]) -> Size:
    given = {name: fields.get(name) for name in ("width", "height")}
    if all(value is None for value in given.values()):
        return model.sizes[0]
    for name, value in given.items():
        if value is None:
            raise missing(name)
    width, height = whole(given["width"]), whole(given["height"])
    size = Size(width, height) if width and height else None
    if size is None or size not in model.sizes:
        told = "x".join(str(value)[:20] for value in given.values())
        supported = ", ".join(str(size) for size in model.sizes)
        raise InvalidRequest(
            f"Invalid resolution {told}. Supported resolutions are: {supported}.",
            param="width",
            code="invalid_value",
        )
    return size


def _seconds(model: Model, fields: Mapping[str, Any]) -> int:
    value = fields.get("n_seconds")
    if value is None:
        return model.seconds[0]
    seconds = whole(value)
    if seconds not in model.seconds:
        raise InvalidRequest(
            f"'n_seconds' must be from {min(model.seconds)} to {max(model.seconds)}; got "
            f"'{str(value)[:20]}'.",
            param="n_seconds",
            code="invalid_value",
        )
    return seconds


async def _inputs(
    items: Sequence[NamedItem], files: Mapping[str, UploadFile], limits: InputLimits
) -> list[GivenInput]:
    """Each item with its file, examined."""
    unused = files.keys() - {named.file_name for named in items}
    if unused:
        raise InvalidRequest(
            f"Nothing says where the file '{min(unused)[:80]}' belongs. Name it as 'file_name' of "
            f"an item of '{_ITEMS}'.",
            param=_ITEMS,
            code="invalid_value",
        )
    return [await _given(named, files.get(named.file_name), limits) for named in items]


async def _given(named: NamedItem, file: UploadFile | None, limits: InputLimits) -> GivenInput:
    name = named.file_name[:80]
    if file is None:
        raise InvalidRequest(
            f"No attached file is named '{name}': 'file_name' must equal the name of a part "
            "'files' of a multipart form.",
            param=_ITEMS,
            code="invalid_value",
        )
    source = _Upload(file)
    try:
        found = await examine(source, limits)
    except UnusableReference as error:
        kind = TooLarge if error.code in ("image_too_large", "video_too_large") else InvalidRequest
        raise kind(
            f"The file '{name}' can't be used: {error.message}", param="files", code=error.code
        ) from None
    if found.type is not named.item.type:
        raise InvalidRequest(
            f"The file '{name}' is {_an(found.type)}, but its item says 'type': "
            f"'{named.item.type}'.",
            param=_ITEMS,
            code="invalid_value",
        )
    return GivenInput(
        named.item, found.content_type, source.length, source.open, await digest(source)
    )


def _an(kind: str) -> str:
    return f"an {kind}" if kind == "image" else f"a {kind}"
