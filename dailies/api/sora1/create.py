"""Creating jobs: from the fields and files of a request to an accepted video."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fastapi import Request

from dailies.api.bodies import Body, Upload, open_body
from dailies.api.context import Context, Owner
from dailies.api.create import Accepted, accept_and_start
from dailies.api.given import read_given
from dailies.api.sending import sending_of
from dailies.catalogue import Catalogue
from dailies.catalogue.offers import check_inputs, describe
from dailies.inputs.examine import InputLimits, digest, examine
from dailies.intake.accept import GivenInput
from dailies.owners.key import Way
from dailies.protocols.inputs import input_limits, refusal
from dailies.protocols.sora1.job import ITEMS, CreateJob, JobWords, NamedItem
from dailies.protocols.vocabulary import JOB
from dailies.protocols.wish import plan
from dailies.video.errors import InvalidRequest, UnusableReference
from dailies.video.record import Source

__all__ = ["create_job"]


async def create_job(context: Context, request: Request, *, caller: Owner) -> Accepted:
    """Validate the request, write the record and start the orchestration.

    Raises:
        InvalidRequest: a field or a file is wrong, or the model can't do it.
        NotFound: there is no such model.
        TooLarge: a file has too many bytes.
    """
    settings, catalogue = context.services.settings, context.services.catalogue
    sending = await sending_of(context, request, caller.name)
    # None is read from a data URL, but what is known to be a file can be refused as one.
    async with open_body(request, max_inline_bytes=settings.max_reference_bytes) as body:
        given = read_given(body, JOB)
        files = _by_name(body)
        job = CreateJob.read({n: v for n, v in body.fields.items() if not isinstance(v, Upload)})
        _check_served(catalogue, job.model)
        planned = plan(catalogue, job.wish, with_image=False, words=JobWords())
        asked = planned.request()
        items = job.inpaint_items
        check_inputs(planned.model, [named.input for named in items], asked.seconds, param=ITEMS)
        inputs = await _inputs(items, files, input_limits(settings, planned.model))
        return await accept_and_start(
            context,
            request,
            asked,
            given=given,
            caller=caller,
            source=Source(),
            inputs=inputs,
            sending=sending,
            way=Way.SORA_1,
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


def _check_served(catalogue: Catalogue, name: str | None) -> None:
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


async def _inputs(
    items: Sequence[NamedItem], files: Mapping[str, Upload], limits: InputLimits
) -> list[GivenInput]:
    """Each item with its file, examined."""
    unused = files.keys() - {named.file_name for named in items}
    if unused:
        raise InvalidRequest(
            f"Nothing says where the file '{min(unused)[:80]}' belongs. Name it as 'file_name' of "
            f"an item of '{ITEMS}'.",
            param=ITEMS,
            code="invalid_value",
        )
    return [await _given(named, files.get(named.file_name), limits) for named in items]


async def _given(named: NamedItem, file: Upload | None, limits: InputLimits) -> GivenInput:
    name = named.file_name[:80]
    if file is None:
        raise InvalidRequest(
            f"No attached file is named '{name}': 'file_name' must equal the name of a part "
            "'files' of a multipart form.",
            param=ITEMS,
            code="invalid_value",
        )
    try:
        found = await examine(file, limits)
    except UnusableReference as error:
        told = f"The file '{name}' can't be used: {error.message}"
        raise refusal(error, told, param="files") from None
    if found.type is not named.input.type:
        raise InvalidRequest(
            f"The file '{name}' is {_an(found.type)}, but its item says 'type': "
            f"'{named.input.type}'.",
            param=ITEMS,
            code="invalid_value",
        )
    return GivenInput(named.input, found.content_type, file, await digest(file))


def _an(kind: str) -> str:
    return f"an {kind}" if kind == "image" else f"a {kind}"
