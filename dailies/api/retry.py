"""Make a failed video again: a new one of the same request, images and all."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from dailies.api.context import SECURITY, Caller, RequestContext
from dailies.api.create import start_or_leave
from dailies.api.documents import REPLAYED, answers
from dailies.api.dry_query import refuse_dry_run
from dailies.api.lookup import find
from dailies.api.observe import note
from dailies.api.retrieve import public_video
from dailies.api.sending import LONGEST_ACCEPT_SECONDS, in_time
from dailies.owners.key import Way
from dailies.pipeline.again import make_again
from dailies.protocols.openai.objects import Video
from dailies.video.record import SourceKind

__all__ = ["router"]

router = APIRouter(tags=["videos"], dependencies=SECURITY)


@router.post(
    "/videos/{video_id}/retry",
    response_model=Video,
    responses=answers(400, 403, 404, 409, 429, ok=REPLAYED),
)
async def retry(
    video_id: str, request: Request, response: Response, context: RequestContext, caller: Caller
) -> Video:
    """Make a failed video again: a new one of the same request, with the key of this one. A failed
    video is made again once; asked again, this answers with that one."""
    refuse_dry_run(request)
    failed = await find(context, request, caller.name, video_id)
    limits = caller.key.limits
    limits.check_way(Way.OPENAI)
    limits.check_model(failed.request.model)
    services = context.services
    # The guards have a time of their own, within which they answer.
    async with in_time(LONGEST_ACCEPT_SECONDS + services.guards.patience):
        acceptance = await make_again(
            services,
            failed,
            kind=SourceKind.HTTP,
            key=caller.key,
            priority=limits.priority(failed.request.priority),
            most_unfinished=services.settings.max_unfinished or None,
        )
    record = acceptance.record
    note(request, video_id=record.id, replayed=acceptance.replayed or None)
    await start_or_leave(context, acceptance)
    if acceptance.replayed:
        response.headers["Idempotent-Replayed"] = "true"
    return await public_video(context, record)
