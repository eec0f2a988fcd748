"""Creating videos: from the fields of a request to an accepted video."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import Request

from dailies.api.bodies import Body, read_body
from dailies.api.context import Context
from dailies.errors import InvalidRequest, Unavailable, UnusableReference
from dailies.intake import Acceptance, GivenReference, accept
from dailies.logs import log_event
from dailies.orchestration import InstanceState, start_video
from dailies.records import ReferenceFile, Source
from dailies.references.headers import check
from dailies.requests import build_request, fit_mode
from dailies.videos import Size

__all__ = ["create_video", "idempotency_key", "start_or_leave"]

_MOST_KEY_CHARACTERS = 255
# Well within what clients and gateways wait for an answer.
_LONGEST_ACCEPT_SECONDS = 15.0


async def create_video(
    context: Context, request: Request, *, owner: str, source: Source
) -> Acceptance:
    """Validate the request, write the record and start the orchestration."""
    settings = context.services.settings
    body = await read_body(request, max_file_bytes=settings.max_reference_bytes)
    reference, image = read_reference(body, max_pixels=settings.max_reference_pixels)
    video = build_request(context.services.catalogue, body.fields, image=image)
    async with in_time():
        acceptance = await accept(
            context.services,
            owner=owner,
            request=video,
            reference=reference,
            source=source,
            idempotency_key=idempotency_key(request),
            traceparent=request.headers.get("traceparent"),
        )
    await start_or_leave(context, acceptance)
    return acceptance


@asynccontextmanager
async def in_time() -> AsyncIterator[None]:
    """What storage must do before a caller gets an answer.

    Raises:
        Unavailable: it did not, in time. Then nobody knows whether the video was recorded; a caller
            that wants to be sure of one video sends an Idempotency-Key.
    """
    try:
        async with asyncio.timeout(_LONGEST_ACCEPT_SECONDS):
            yield
    except TimeoutError:
        raise Unavailable(
            "Storage does not answer at the moment. Send the request again, with the same "
            "Idempotency-Key if you gave one: then it makes one video at most.",
            retry_after=10,
            code="storage_unavailable",
        ) from None


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


def read_reference(body: Body, *, max_pixels: int) -> tuple[GivenReference | None, Size | None]:
    """The reference image of a create and the size in pixels that viewers show it in.

    Raises:
        InvalidRequest: it is no image that can be used, or no file.
    """
    upload = body.files.get("input_reference")
    if upload is None:
        if body.fields.get("input_reference") not in (None, ""):
            raise _not_a_file(body.fields["input_reference"])
        return None, None
    try:
        info = check(upload.data, max_pixels=max_pixels)
    except UnusableReference as error:
        raise InvalidRequest(
            f"Invalid 'input_reference': {error.message}", param="input_reference", code=error.code
        ) from None
    content_type = f"image/{info.format.value.lower()}"
    file = ReferenceFile(content_type=content_type, fit=fit_mode(body.fields))
    return GivenReference(upload.data, content_type, file), info.upright


def _not_a_file(value: Any) -> InvalidRequest:
    got = "a string" if isinstance(value, str) else "another type"
    return InvalidRequest(
        f"Invalid type for 'input_reference': expected a file, but got {got} instead.",
        param="input_reference",
        code="invalid_type",
    )
