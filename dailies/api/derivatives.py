"""Remixes, edits and extensions: new videos made from a video."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request, Response

from dailies.api.bodies import Upload, open_body
from dailies.api.context import SECURITY, Caller, RequestContext
from dailies.api.create import accept_and_start, sending_of
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
from dailies.api.lookup import find
from dailies.api.schemas import Video
from dailies.api.videos import answer
from dailies.api.vocabulary import EDIT, EXTENSION, REMIX
from dailies.protocols.derivations import derive
from dailies.protocols.requests import missing, wrong_type
from dailies.video.basics import Operation
from dailies.video.errors import InvalidRequest
from dailies.video.record import Source

__all__ = ["router"]

_ANSWERS = answers(400, 404, 408, 409, 413, 415, ok=REPLAYED | POLL_AFTER)

_VOCABULARY = {
    Operation.REMIX: REMIX,
    Operation.EDIT: EDIT,
    Operation.EXTEND: EXTENSION,
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
    services = context.services
    sending = await sending_of(context, request, caller.name)
    async with open_body(request) as body:
        given = read_given(body, _VOCABULARY[operation], services.catalogue)
        param = "video.id" if video_id is None else "video_id"
        with given.in_callers_words():
            source = await find(context, request, caller.name, video_id or _source_id(given.fields))
            asked = derive(
                services.catalogue,
                operation,
                given.fields,
                source,
                param=param,
                now=services.clock(),
            )
        accepted = await accept_and_start(
            context,
            request,
            asked,
            given=given,
            owner=caller.name,
            source=Source(),
            sending=sending,
        )
    return answer(context, accepted, response)


def _source_id(fields: Mapping[str, Any]) -> str:
    """The id in ``{"video": {"id": …}}``; LiteLLM also writes ``video_id``."""
    named = [fields[name] for name in ("video", "video_id") if fields.get(name) is not None]
    if not named:
        raise missing("video")
    ids = [_id_of(video) for video in named]
    if ids[0] != ids[-1]:
        raise InvalidRequest(
            "'video' and 'video_id' name two videos. Send one of them.",
            param="video_id",
            code="invalid_value",
        )
    return ids[0]


def _id_of(video: Any) -> str:
    if isinstance(video, Upload):
        raise InvalidRequest(
            "Uploaded videos can't be edited or extended here. Name one of your own videos: "
            '{"video": {"id": "video_…"}}.',
            param="video",
            code="unsupported_video_file",
        )
    video_id = video.get("id") if isinstance(video, dict) else video
    if video_id is None:
        raise missing("video.id")
    if not isinstance(video_id, str):
        raise wrong_type("video.id", "a string", video_id)
    return video_id
