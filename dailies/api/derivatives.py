"""Remixes, edits and extensions: new videos made from a video."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import APIRouter, Request, Response

from dailies.api.asked import derived
from dailies.api.bodies import open_body
from dailies.api.context import SECURITY, Caller, RequestContext
from dailies.api.create import accept_and_start, answer
from dailies.api.documents import (
    EDIT_BODY,
    EXTENSION_BODY,
    POLL_AFTER,
    REMIX_BODY,
    REPLAYED,
    SENDING_HEADERS,
    answers,
)
from dailies.api.given import read_given
from dailies.api.sending import sending_of
from dailies.protocols.openai.bodies import EditVideo, ExtendVideo, RemixVideo
from dailies.protocols.openai.objects import Video
from dailies.protocols.vocabulary import EDIT, EXTENSION, REMIX, Vocabulary
from dailies.video.basics import Operation
from dailies.video.record import Source

__all__ = ["router"]

_ANSWERS = answers(400, 403, 404, 408, 409, 413, 415, 429, ok=REPLAYED | POLL_AFTER)

_READ: Mapping[Operation, tuple[Vocabulary, type[RemixVideo]]] = {
    Operation.REMIX: (REMIX, RemixVideo),
    Operation.EDIT: (EDIT, EditVideo),
    Operation.EXTEND: (EXTENSION, ExtendVideo),
}

router = APIRouter(tags=["videos"], dependencies=SECURITY)


@router.post(
    "/videos/edits",
    response_model=Video,
    responses=_ANSWERS,
    openapi_extra={"requestBody": EDIT_BODY, "parameters": SENDING_HEADERS},
)
async def edit(
    request: Request, response: Response, context: RequestContext, caller: Caller
) -> Video:
    """A new video that changes a completed one as the prompt says."""
    return await _derive(request, response, context, caller, Operation.EDIT)


@router.post(
    "/videos/extensions",
    response_model=Video,
    responses=_ANSWERS,
    openapi_extra={"requestBody": EXTENSION_BODY, "parameters": SENDING_HEADERS},
)
async def extend(
    request: Request, response: Response, context: RequestContext, caller: Caller
) -> Video:
    """A new video that goes on where a completed one ends, ``seconds`` longer."""
    return await _derive(request, response, context, caller, Operation.EXTEND)


@router.post(
    "/videos/{video_id}/remix",
    response_model=Video,
    responses=_ANSWERS,
    openapi_extra={"requestBody": REMIX_BODY, "parameters": SENDING_HEADERS},
)
async def remix(
    video_id: str, request: Request, response: Response, context: RequestContext, caller: Caller
) -> Video:
    """A new video of the same size and length, with one thing changed."""
    return await _derive(request, response, context, caller, Operation.REMIX, video_id)


async def _derive(
    request: Request,
    response: Response,
    context: RequestContext,
    caller: Caller,
    operation: Operation,
    video_id: str | None = None,
) -> Video:
    sending = await sending_of(context, request, caller.name)
    vocabulary, model = _READ[operation]
    most = context.services.settings.max_reference_bytes
    async with open_body(request, max_inline_bytes=most) as body:
        given = read_given(body, vocabulary)
        fields = model.read(body.fields)
        param = "video_id"
        if isinstance(fields, EditVideo):
            param, video_id = fields.source.param, fields.source.id
        asked = await derived(
            context, request, caller.name, operation, fields, video_id or "", param=param
        )
        accepted = await accept_and_start(
            context,
            request,
            asked,
            given=given,
            caller=caller,
            source=Source(),
            sending=sending,
        )
    return await answer(context, accepted, response)
