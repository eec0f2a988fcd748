"""Creating videos: from the fields of a request to an accepted video."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import Request

from dailies.api.bodies import Body, Upload, read_body
from dailies.api.context import Context
from dailies.api.observe import note
from dailies.capabilities import check_inputs
from dailies.catalogue import Model
from dailies.errors import InvalidRequest, TooLarge, UnusableReference
from dailies.frame_inputs import check_frame_fields, read_frame_input, takes_frames
from dailies.intake import Acceptance, GivenInput, GivenReference, accept
from dailies.logs import log_event
from dailies.orchestration import InstanceState, start_video
from dailies.records import ReferenceFile, Source, VideoRequest
from dailies.references.fetching import ReferenceFetcher
from dailies.references.headers import check
from dailies.references.inputs import BytesSource, digest
from dailies.references.mp4 import looks_like_mp4
from dailies.requests import build_request, fit_mode, missing, wrong_type
from dailies.settings import Settings
from dailies.videos import Size

__all__ = ["accept_and_start", "create_video", "idempotency_key", "start_or_leave"]

_MOST_KEY_CHARACTERS = 255


async def create_video(
    context: Context, request: Request, *, owner: str, source: Source
) -> Acceptance:
    """Validate the request, write the record and start the orchestration."""
    settings, catalogue = context.services.settings, context.services.catalogue
    body = await read_body(
        request,
        max_file_bytes=max(settings.max_reference_bytes, settings.max_reference_video_bytes),
        max_inline_bytes=settings.max_reference_bytes,
    )
    # Before anything is fetched, what is wrong with the rest.
    asked = build_request(catalogue, body.fields)
    model = catalogue.resolve(asked.model)
    data = await _reference_bytes(body, context.services.references)
    check_frame_fields(body.fields, model, has_input=data is not None)
    reference, inputs = None, list[GivenInput]()
    if data is not None and (takes_frames(model) or looks_like_mp4(data)):
        inputs, size = await _read_input(data, body.fields, settings, model)
    elif data is not None:
        reference, size = _read_reference(data, body.fields, settings)
    if data is not None:
        asked = build_request(catalogue, body.fields, image=size)
        check_inputs(model, [i.item for i in inputs], asked.seconds, param="frame_index")
    return await accept_and_start(
        context, request, asked, owner=owner, reference=reference, source=source, inputs=inputs
    )


async def accept_and_start(
    context: Context,
    request: Request,
    asked: VideoRequest,
    *,
    owner: str,
    source: Source,
    reference: GivenReference | None = None,
    inputs: Sequence[GivenInput] = (),
) -> Acceptance:
    """Write the record of what was asked for and start its orchestration."""
    acceptance = await accept(
        context.services,
        owner=owner,
        request=asked,
        reference=reference,
        source=source,
        idempotency_key=idempotency_key(request),
        traceparent=request.headers.get("traceparent"),
        most_unfinished=context.services.settings.max_unfinished,
        inputs=inputs,
    )
    record = acceptance.record
    note(
        request,
        video_id=record.id,
        model=record.request.model,
        seconds=record.request.seconds,
        replayed=acceptance.replayed or None,
    )
    await start_or_leave(context, acceptance)
    return acceptance


def idempotency_key(request: Request) -> str | None:
    """The header ``Idempotency-Key``.

    Raises:
        InvalidRequest: it is longer than 255 characters.
    """
    key = request.headers.get("idempotency-key")
    if key is not None and len(key) > _MOST_KEY_CHARACTERS:
        raise InvalidRequest(
            f"The Idempotency-Key is longer than {_MOST_KEY_CHARACTERS} characters.",
            code="invalid_idempotency_key",
        )
    return key or None


async def start_or_leave(context: Context, acceptance: Acceptance) -> None:
    """Start the video's orchestration; the sweeper starts what could not be started here.

    The record is written, so the answer stands whatever the engine says.
    """
    record = acceptance.record
    try:
        if acceptance.replayed:
            # Only what never started: restarting what failed is the sweeper's, which counts.
            state = await context.orchestrations.state(record.id)
            if record.is_final or state is not InstanceState.MISSING:
                return
        await start_video(context.services, context.orchestrations, record)
    except Exception as error:  # noqa: BLE001 - the durable client raises bare Exceptions
        log_event("start_left_to_sweeper", video_id=record.id, reason=type(error).__name__)


async def _reference_bytes(body: Body, fetcher: ReferenceFetcher) -> bytes | None:
    """What a create starts from: a file, or ``{"image_url": …}`` with an https or a data URL.

    Raises:
        InvalidRequest: it is neither, or can't be fetched.
        TooLarge: it has too many bytes.
    """
    value = body.fields.get("input_reference")
    if value is None:
        return None
    return value.data if isinstance(value, Upload) else await fetcher.load(_image_url(value))


async def _read_input(
    data: bytes, fields: Mapping[str, Any], settings: Settings, model: Model
) -> tuple[list[GivenInput], Size]:
    """An image or a video for a frame of choice, and its size in pixels.

    Raises:
        InvalidRequest: it can't be used, or the model takes nothing of its kind.
    """
    source = BytesSource(data)
    try:
        given, size = await read_frame_input(
            fields, source, settings, model, digest=await digest(source)
        )
    except UnusableReference as error:
        raise _unusable(error) from None
    return [given], size


def _unusable(error: UnusableReference) -> InvalidRequest:
    return InvalidRequest(
        f"Invalid 'input_reference': {error.message}", param="input_reference", code=error.code
    )


def _read_reference(
    data: bytes, fields: Mapping[str, Any], settings: Settings
) -> tuple[GivenReference, Size]:
    """The reference image and the size in pixels that viewers show it in.

    Raises:
        InvalidRequest: it is no image that can be used.
        TooLarge: it has too many bytes.
    """
    most = settings.max_reference_bytes
    if len(data) > most:
        raise TooLarge(
            f"The file 'input_reference' is larger than {most:,} bytes. Send a smaller one.",
            param="input_reference",
            code="file_too_large",
        )
    try:
        info = check(data, max_pixels=settings.max_reference_pixels)
    except UnusableReference as error:
        raise _unusable(error) from None
    content_type = f"image/{info.format.value}"
    file = ReferenceFile(content_type=content_type, fit=fit_mode(fields))
    return GivenReference(data, content_type, file), info.upright


def _image_url(value: Any) -> str:
    if not isinstance(value, dict):
        raise wrong_type("input_reference", "a file", value)
    url = value.get("image_url")
    if isinstance(url, dict):
        # As other endpoints of OpenAI nest it.
        url = url.get("url")
    if url is None and value.get("file_id") is not None:
        raise InvalidRequest(
            "Invalid 'input_reference': files can't be named by 'file_id' here. Send the image as "
            'a file of a multipart form, or as {"image_url": …} with an https or a data URL.',
            param="input_reference",
            code="unsupported_file_id",
        )
    if url is None:
        raise missing("input_reference.image_url")
    if not isinstance(url, str):
        raise wrong_type("input_reference.image_url", "a string", url)
    return url
