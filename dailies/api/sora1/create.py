"""Creating jobs: from the fields and files of a request to an accepted video."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import Request

from dailies.api.bodies import Body, Upload, open_body
from dailies.api.context import Context
from dailies.api.create import Accepted, accept_and_start, sending_of
from dailies.api.given import read_given
from dailies.api.reference_input import refusal
from dailies.api.vocabulary import JOB
from dailies.catalogue import Catalogue, Model
from dailies.catalogue.offers import check_inputs, check_variants, describe, whole
from dailies.inputs.examine import InputLimits, digest, examine
from dailies.intake.accept import GivenInput
from dailies.protocols.frame_inputs import input_limits
from dailies.protocols.inpaint import NamedItem, read_items
from dailies.protocols.requests import check_prompt, check_user, missing, wrong_type
from dailies.video.basics import Size
from dailies.video.errors import InvalidRequest, UnusableReference
from dailies.video.record import Source, VideoRequest

__all__ = ["create_job"]

_ITEMS = "inpaint_items"


async def create_job(context: Context, request: Request, *, owner: str) -> Accepted:
    """Validate the request, write the record and start the orchestration.

    Raises:
        InvalidRequest: a field or a file is wrong, or the model can't do it.
        NotFound: there is no such model.
        TooLarge: a file has too many bytes.
    """
    settings, catalogue = context.services.settings, context.services.catalogue
    sending = await sending_of(context, request, owner)
    async with open_body(request) as body:
        given = read_given(body, JOB)
        fields = {n: v for n, v in body.fields.items() if not isinstance(v, Upload)}
        files = _by_name(body)
        model = _model(catalogue, fields)
        asked = _build_request(model, fields)
        items = read_items(fields.get(_ITEMS))
        check_inputs(model, [named.item for named in items], asked.seconds, param=_ITEMS)
        inputs = await _inputs(items, files, input_limits(settings, model))
        return await accept_and_start(
            context,
            request,
            asked,
            given=given,
            owner=owner,
            source=Source(),
            inputs=inputs,
            sending=sending,
        )


def _by_name(body: Body) -> Mapping[str, Upload]:
    """The attached files by their own names: that of their field says nothing here.

    Raises:
        InvalidRequest: two have one name, and items could not tell them apart.
    """
    files: dict[str, Upload] = {}
    for upload in body.uploads:
        if upload.filename in files:
            raise InvalidRequest(
                f"Two attached files are named '{upload.filename[:80]}'. Give each its own name.",
                param="files",
                code="invalid_value",
            )
        files[upload.filename] = body.take(upload)
    return files


def _model(catalogue: Catalogue, fields: Mapping[str, Any]) -> Model:
    name = fields.get("model")
    if name is None:
        raise missing("model")
    if not isinstance(name, str):
        raise wrong_type("model", "a string", name)
    model = catalogue.resolve(name)
    if not any(deployment.jobs_api for deployment in model.deployments):
        served = [
            m.name for m in catalogue.models.values() if any(d.jobs_api for d in m.deployments)
        ]
        raise InvalidRequest(
            f"The model '{model.name}' is not one of this API, which serves: "
            f"{', '.join(served) or 'none here'}. {describe(model)} Ask for it with POST "
            "/openai/v1/videos.",
            param="model",
            code="unsupported_parameter",
        )
    return model


def _build_request(model: Model, fields: Mapping[str, Any]) -> VideoRequest:
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
    items: Sequence[NamedItem], files: Mapping[str, Upload], limits: InputLimits
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


async def _given(named: NamedItem, file: Upload | None, limits: InputLimits) -> GivenInput:
    name = named.file_name[:80]
    if file is None:
        raise InvalidRequest(
            f"No attached file is named '{name}': 'file_name' must equal the name of a part "
            "'files' of a multipart form.",
            param=_ITEMS,
            code="invalid_value",
        )
    try:
        found = await examine(file, limits)
    except UnusableReference as error:
        told = f"The file '{name}' can't be used: {error.message}"
        raise refusal(error, told, param="files") from None
    if found.type is not named.item.type:
        raise InvalidRequest(
            f"The file '{name}' is {_an(found.type)}, but its item says 'type': "
            f"'{named.item.type}'.",
            param=_ITEMS,
            code="invalid_value",
        )
    return GivenInput(named.item, found.content_type, file.length, file.open, await digest(file))


def _an(kind: str) -> str:
    return f"an {kind}" if kind == "image" else f"a {kind}"
