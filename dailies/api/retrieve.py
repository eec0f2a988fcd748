"""OpenAI's videos protocol: retrieve, which is asked more often than all else together.

So it does without what FastAPI does for a route: dependencies that are solved again for each
request, and an answer whose model is checked although we have just made it.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute
from pydantic import TypeAdapter

from dailies.api.context import SECURITY, Context, authenticate, context_of
from dailies.api.documents import POLL_AFTER, answers
from dailies.api.lookup import find
from dailies.pipeline.expectation import expectation
from dailies.pipeline.pace import poll_wait
from dailies.protocols.openai.objects import Video, video_object
from dailies.video.record import VideoRecord

__all__ = ["poll_after", "public_video", "router"]

# A client that waits longer than this looks dead to the person in front of it.
_LONGEST_POLL_SECONDS = 5.0
_VIDEO = TypeAdapter(Video)


class _Direct(APIRoute):
    """A route whose function gets the request and the texts of the path, and makes its own answer;
    FastAPI only writes it into the OpenAPI document."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """See ``fastapi.routing.APIRoute``."""

        async def handle(request: Request) -> Response:
            response: Response = await self.endpoint(request=request, **request.path_params)
            return response

        return handle


router = APIRouter(tags=["videos"], dependencies=SECURITY, route_class=_Direct)


@router.get("/videos/{video_id}", response_model=Video, responses=answers(404, ok=POLL_AFTER))
async def retrieve(video_id: str, request: Request) -> Response:
    """The video as it is now; ``openai-poll-after-ms`` says when to look again."""
    context = context_of(request)
    caller = await authenticate(request, context)
    record = await find(context, request, caller.name, video_id)
    return Response(
        _VIDEO.dump_json(await public_video(context, record)),
        headers=poll_after(context, record),
        media_type="application/json",
    )


async def public_video(context: Context, record: VideoRecord) -> Video:
    """A video as callers see it."""
    return video_object(
        record,
        retention_days=context.services.settings.retention_days,
        expected=await expectation(context.services, context.orchestrations, record),
    )


def poll_after(context: Context, record: VideoRecord) -> Mapping[str, str]:
    """``openai-poll-after-ms``, which official clients honour, from the polling schedule; no header
    once the video has ended."""
    if record.is_final:
        return {}
    return {"openai-poll-after-ms": str(max(100, int(_poll_seconds(context, record) * 1000)))}


def _poll_seconds(context: Context, record: VideoRecord) -> float:
    """Seconds after which a caller should look again: when we expect to have looked ourselves."""
    settings = context.services.settings
    deployment = context.services.catalogue.deployment(record.submit.deployment or "")
    if record.submit.submitted_at is None or deployment is None:
        return min(settings.poll_max_seconds, 2 * settings.poll_min_seconds)
    return min(poll_wait(context.services, record, deployment), _LONGEST_POLL_SECONDS)
