"""The bytes of a finished video: by a link to storage, or through the app."""

from __future__ import annotations

import functools
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import WithJsonSchema

from dailies.api.context import SECURITY, Caller, Context, RequestContext, still_stands
from dailies.api.documents import CONTENT_PARAMETERS, content_answers
from dailies.api.lookup import find
from dailies.api.streaming import stream_file
from dailies.protocols.messages import unsupported
from dailies.settings import ContentDelivery
from dailies.video.basics import Status, Variant
from dailies.video.errors import Conflict, InvalidRequest, NotFound
from dailies.video.record import StoredFile, VideoRecord

__all__ = ["VariantIndex", "deliver", "link_to", "router", "stored_file"]

router = APIRouter(tags=["videos"], dependencies=SECURITY)

# Read as texts, so that errors are told in the protocol's own words; described as what they are.
_VariantName = Annotated[
    str,
    WithJsonSchema({"type": "string", "enum": [variant.value for variant in Variant]}),
    Query(description="Which file of the video."),
]
VariantIndex = Annotated[
    str | None,
    WithJsonSchema({"type": "integer", "minimum": 0}),
    Query(
        description="Which of the videos that the model made of the prompt, from 0; the first if "
        "not given."
    ),
]
_DOCUMENTED: dict[str, Any] = {
    "response_class": Response,
    "responses": content_answers("video/mp4", "image/webp", "image/jpeg"),
    "openapi_extra": {"parameters": CONTENT_PARAMETERS},
}


@router.get("/videos/{video_id}/content", **_DOCUMENTED)
async def content(
    video_id: str,
    request: Request,
    context: RequestContext,
    caller: Caller,
    variant: _VariantName = "video",
    variant_index: VariantIndex = None,
) -> Response:
    """A file of a finished video: a redirect to a link that ends after minutes, so that no byte
    passes through the app; or, where so configured, the bytes themselves."""
    return await _answer(video_id, request, context, caller.name, variant, variant_index)


@router.head("/videos/{video_id}/content", **_DOCUMENTED)
async def content_head(
    video_id: str,
    request: Request,
    context: RequestContext,
    caller: Caller,
    variant: _VariantName = "video",
    variant_index: VariantIndex = None,
) -> Response:
    """What a GET would answer, without the bytes."""
    return await _answer(video_id, request, context, caller.name, variant, variant_index)


async def _answer(
    video_id: str,
    request: Request,
    context: Context,
    owner: str,
    variant: str,
    variant_index: str | None,
) -> Response:
    wanted = _variant(variant)
    record = await find(context, request, owner, video_id)
    file, name = stored_file(record, wanted, variant_index)
    return await deliver(request, context, file, name)


async def deliver(request: Request, context: Context, file: StoredFile, name: str) -> Response:
    """Hand over a stored file, as ``DAILIES_CONTENT_DELIVERY`` says; ``name`` is what a browser
    saves it as, without its suffix."""
    settings = context.services.settings
    if settings.content_delivery is ContentDelivery.STREAM:
        stands = functools.partial(still_stands, request, context)
        return stream_file(request, context.services, file, stands)
    link = await link_to(context, file, name)
    # No cache may hand the link on: it is a key to the file while it lasts.
    return RedirectResponse(link, status_code=302, headers={"Cache-Control": "no-store"})


async def link_to(context: Context, file: StoredFile, name: str, *, save: bool = False) -> str:
    """A link into storage that reads one file and ends after minutes; ``name`` as in ``deliver``.

    Args:
        save: whether a browser is to save the file, where it would show it otherwise.
    """
    suffix = file.blob.rpartition(".")[2]
    return await context.services.files.link(
        file,
        seconds=context.services.settings.content_link_seconds,
        filename=f"{name}.{suffix}",
        save=save,
    )


def _number(text: str | None) -> int | None:
    """The place of a generation, from 0; None is the first of however many there are."""
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= 3):
        raise InvalidRequest(
            f"Invalid 'variant_index': expected a whole number from 0, but got '{text[:64]}'.",
            param="variant_index",
            code="invalid_value",
        )
    return int(text)


def _variant(name: str) -> Variant:
    if name not in set(Variant):
        raise unsupported("variant", name, [*Variant])
    return Variant(name)


def stored_file(
    record: VideoRecord, variant: Variant, variant_index: str | None
) -> tuple[StoredFile, str]:
    """The file of one variant of a finished video, of one of its generations, and what a browser
    saves it as, without its suffix.

    Raises:
        InvalidRequest: the generation is no number.
        Conflict: the video is not finished.
        NotFound: it failed, or there is no file of this variant or no such generation.
    """
    number = _number(variant_index)
    if not record.is_final:
        raise Conflict(
            f"Video is not ready yet, use GET /v1/videos/{record.id} to check status. It is "
            f"'{record.status}' now.",
            code="video_not_ready",
        )
    if record.status is Status.FAILED:
        reason = f": {record.error.message}" if record.error else "."
        raise NotFound(f"The video failed and has no content{reason}", code="video_failed")
    made = max(1, len(record.generations))
    if number is not None and number >= made:
        raise NotFound(
            f"There is no variant_index {number}: the job made {made} of the prompt, counted from "
            "0.",
            param="variant_index",
            code="no_variant",
        )
    file = (record.generations[number] if number else record).files.get(variant)
    if file is None:
        raise NotFound(f"There is no {variant} of this video.", param="variant", code="no_variant")
    return file, record.id if number is None else f"{record.id}-{number + 1}"
