"""Videos as they come along, as server-sent events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager
from typing import Annotated, Any

from azure.core.exceptions import AzureError
from fastapi import APIRouter, Header, Request, Response
from fastapi.sse import format_sse_event
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from dailies.api.context import SECURITY, Caller, Context, RequestContext, still_stands
from dailies.api.documents import answers
from dailies.api.lookup import find
from dailies.api.retrieve import public_video
from dailies.net.numerals import whole_number
from dailies.protocols.openai.objects import DeletedVideo, Video
from dailies.stores.followers import Follower, TooManyFollowers
from dailies.video.basics import Phase
from dailies.video.errors import Unavailable
from dailies.video.record import VideoRecord

__all__ = ["owner_router", "router"]

router = APIRouter(tags=["videos"], dependencies=SECURITY)
owner_router = APIRouter(tags=["videos"], dependencies=SECURITY)
"""Its path is to be tried before that of a single video."""

_HEARTBEAT_SECONDS = 15.0
"""Within what gateways wait for a byte; Azure's load balancer gives a connection four minutes."""
_CHECK_SECONDS = 10.0
"""Between two looks at whether the key still holds."""
_RECONNECT_MS = 2000
_END_BEFORE_SECONDS = 30.0
"""A stream ends by itself before the request's time is over: then its end is a whole one."""
_OVERLAP_SECONDS = 5.0
"""Clocks of several machines differ so much at most: an event may come twice, none is missed."""
_MOST_PLACES = 50
"""Waiting videos whose places a listener is kept informed of."""
_MOST_REMEMBERED = 2000
_KINDS = {
    Phase.DONE: "video.completed",
    Phase.FAILED: "video.failed",
    Phase.CANCELLED: "video.cancelled",
}
_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
_DOCUMENTED: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "`video.progress`, `video.completed`, `video.failed`, `video.cancelled` and "
        "`video.deleted`: each with the video as it is then.",
        "content": {
            "text/event-stream": {
                "schema": {
                    "type": "object",
                    "properties": {
                        "event": {"type": "string"},
                        "data": {"type": "string"},
                        "id": {"type": "string"},
                        "retry": {"type": "integer"},
                    },
                }
            }
        },
    },
    204: {"description": "Nothing is to come: the video had ended when the last event was sent."},
}

LastEventId = Annotated[
    str | None,
    Header(description="The id of the last event that was received; what came since is sent."),
]


@owner_router.get("/videos/events", response_class=Response, responses=answers(503) | _DOCUMENTED)
async def owner_events(
    request: Request, context: RequestContext, caller: Caller, last_event_id: LastEventId = None
) -> Response:
    """What becomes of all videos of the caller's, as it happens: first how each one stands that has
    not ended, then each change."""
    return await _stream(request, context, caller.name, None, _time_of(last_event_id))


@router.get(
    "/videos/{video_id}/events",
    response_class=Response,
    responses=answers(404, 503) | _DOCUMENTED,
)
async def video_events(
    video_id: str,
    request: Request,
    context: RequestContext,
    caller: Caller,
    last_event_id: LastEventId = None,
) -> Response:
    """What becomes of a video, as it happens: first how it stands, then each change, until it has
    ended."""
    record = await find(context, request, caller.name, video_id)
    since = _time_of(last_event_id)
    ended = record.completed_at if record.is_final else None
    if since is not None and ended is not None and ended < since:
        # What an EventSource takes for the end; it would come again after any other answer.
        return Response(status_code=204)
    return await _stream(request, context, caller.name, video_id, since)


async def _stream(
    request: Request, context: Context, owner: str, video_id: str | None, since: float | None
) -> Response:
    services = context.services
    given = services.settings.request_seconds
    seconds = max(given - _END_BEFORE_SECONDS, given / 2)
    began, following = services.clock(), services.followers.follow(owner, video_id)
    try:
        # Entered here, so that a refusal is an answer of its own.
        follower = following.__enter__()
    except TooManyFollowers:
        raise Unavailable(
            "As many streams are open as one instance serves. Ask for the video instead, or try "
            "again.",
            retry_after=30,
            code="too_many_streams",
        ) from None
    try:
        await services.followers.catch_up(owner, follower, since=since)
    except BaseException:
        following.__exit__(None, None, None)
        raise

    told_to = began if since is None else since + _OVERLAP_SECONDS
    pieces = _pieces(request, context, follower, told_to, seconds)
    return _Stream(pieces, following)


class _Stream(StreamingResponse):
    """A stream, which ends the following whatever ends it."""

    def __init__(
        self, pieces: AsyncIterator[bytes], following: AbstractContextManager[Follower]
    ) -> None:
        super().__init__(pieces, headers=_HEADERS, media_type="text/event-stream")
        self._following = following

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._following.__exit__(None, None, None)


async def _pieces(
    request: Request, context: Context, follower: Follower, told_to: float, seconds: float
) -> AsyncIterator[bytes]:
    """The stream, until the video that is followed has ended, the key no longer holds or the time
    is over.

    Args:
        told_to: Unix seconds; what changed before was told to this listener.
    """
    teller = _Teller(context, told_to)
    clock = asyncio.get_running_loop().time
    until, check_at = clock() + seconds, clock() + _CHECK_SECONDS
    yield format_sse_event(retry=_RECONNECT_MS)
    while (left := until - clock()) > 0:
        changes = await follower.changes(within=min(_HEARTBEAT_SECONDS, left))
        seen_to, sent = follower.seen_to, False
        if follower.video_id is not None:
            teller.told_to = seen_to  # there is one change at a time
        for video_id, record in changes:
            if (event := await teller.event(video_id, record)) is not None:
                sent = True
                yield event
            if follower.video_id is not None and (record is None or record.is_final):
                return
        # Not before: until all of these were sent, their ids lead back to before the first.
        teller.told_to = seen_to
        if clock() >= check_at:
            if not await _may_go_on(request, context):
                return
            check_at = clock() + _CHECK_SECONDS
        if changes:
            continue
        async for event in teller.places():
            sent = True
            yield event
        if not sent:
            yield format_sse_event(comment="")


async def _may_go_on(request: Request, context: Context) -> bool:
    """Whether the key is still taken. Where storage can't say, it goes on until it can: who comes
    again is asked for it as in any other call."""
    try:
        return await still_stands(request, context)
    except (AzureError, Unavailable):
        return True


class _Teller:
    """What one listener was told: the same thing is not told twice.

    Attributes:
        told_to: Unix seconds; all that changed before then was told, which the ids of events say.
            What others write is found some seconds late, so that is not the time of the event.
    """

    def __init__(self, context: Context, told_to: float) -> None:
        self._context = context
        self.told_to = told_to
        self._told: dict[str, int] = {}
        self._waiting: dict[str, VideoRecord] = {}

    async def event(self, video_id: str, record: VideoRecord | None) -> bytes | None:
        """The event of a change; None where the listener knows it already."""
        if record is None:
            self._waiting.pop(video_id, None)
            if self._told.pop(video_id, None) is None:
                return None
            return self._format("video.deleted", DeletedVideo(id=video_id))
        video = await public_video(self._context, record)
        told = hash(video.model_dump_json(exclude={"estimated_completion_at"}))
        if self._told.get(video_id) == told:
            return None
        self._told.pop(video_id, None)
        self._told[video_id] = told
        if record.phase is Phase.WAITING and len(self._waiting) < _MOST_PLACES:
            self._waiting[video_id] = record
        else:
            self._waiting.pop(video_id, None)
        if len(self._told) > _MOST_REMEMBERED:
            # The one that nothing was told of for longest: should it come again, that does no harm.
            self._told.pop(next(iter(self._told)))
        return self._format(_KINDS.get(record.phase, "video.progress"), video)

    async def places(self) -> AsyncIterator[bytes]:
        """Events of the videos that have come to another place in the queue: that is not written
        anywhere, so nobody tells it."""
        for video_id, record in list(self._waiting.items()):
            if (event := await self.event(video_id, record)) is not None:
                yield event

    def _format(self, kind: str, about: Video | DeletedVideo) -> bytes:
        return format_sse_event(
            event=kind, data_str=about.model_dump_json(), id=str(int(self.told_to * 1000))
        )


def _time_of(last_event_id: str | None) -> float | None:
    """When the last event was sent that a listener received (Unix seconds), a little earlier; None
    for what is no id of ours."""
    at = whole_number(last_event_id or "", most_digits=15)
    return None if at is None else at / 1000 - _OVERLAP_SECONDS
