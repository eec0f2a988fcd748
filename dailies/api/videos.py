"""OpenAI's videos protocol: list, delete; and cancel, which it lacks."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import WithJsonSchema

from dailies.api.context import SECURITY, Caller, Context, RequestContext
from dailies.api.documents import POLL_AFTER, answers
from dailies.api.lookup import find, not_found
from dailies.api.paging import MOST_PER_PAGE, cursor, page_size
from dailies.api.retrieve import poll_after, public_video
from dailies.engine import wake_video
from dailies.pipeline.remove import remove_video
from dailies.protocols.messages import unsupported
from dailies.protocols.openai.objects import DeletedVideo, Video, VideoList
from dailies.stores.tombstones import Removal
from dailies.telemetry.logs import log_event
from dailies.video.basics import Phase
from dailies.video.errors import Conflict
from dailies.video.record import VideoRecord

__all__ = ["cancel_video", "delete_video", "router"]

router = APIRouter(tags=["videos"], dependencies=SECURITY)


@router.get("/videos", response_model=VideoList, responses=answers(400))
async def list_videos(
    context: RequestContext,
    caller: Caller,
    after: Annotated[
        str | None,
        WithJsonSchema({"type": "string", "pattern": "^video_[0-9a-f]{32}$"}),
        Query(
            description="The id after which the page begins. It may have been deleted meanwhile."
        ),
    ] = None,
    limit: Annotated[
        str | None,
        WithJsonSchema({"type": "integer", "minimum": 1, "maximum": MOST_PER_PAGE}),
        Query(description="How many videos, 1 to 100; 20 if not given."),
    ] = None,
    order: Annotated[
        str | None,
        WithJsonSchema({"type": "string", "enum": ["asc", "desc"]}),
        Query(description="By the time of creation; newest first if not given."),
    ] = None,
) -> VideoList:
    """A page of the caller's videos."""
    page = await context.services.records.list(
        caller.name, after=cursor(after), limit=page_size(limit), ascending=_ascending(order)
    )
    videos = [await public_video(context, record) for record in page.records]
    return VideoList.of(videos, has_more=page.has_more)


@router.delete("/videos/{video_id}", response_model=DeletedVideo, responses=answers(404, 409))
async def delete(
    video_id: str, request: Request, context: RequestContext, caller: Caller
) -> DeletedVideo:
    """Delete a video with its files; one that has not ended is cancelled, too."""
    await find(context, request, caller.name, video_id)
    await delete_video(context, caller.name, video_id)
    return DeletedVideo(id=video_id)


async def delete_video(context: Context, owner: str, video_id: str) -> None:
    """Delete the owner's video. When this returns, no answer shows it any more.

    One that has not ended is cancelled first, at the provider too, and its files and its record go
    when that is done.

    Raises:
        NotFound: somebody else deleted it meanwhile.
    """
    services = context.services
    record = await services.tombstones.withdraw(owner, video_id, services.clock())
    if record is not None and not record.is_final:
        await _wake_or_leave(context, record)
    elif not await remove_video(services, owner, video_id, Removal.DELETED):
        raise await not_found(context, owner, video_id)


@router.post(
    "/videos/{video_id}/cancel", response_model=Video, responses=answers(404, 409, ok=POLL_AFTER)
)
async def cancel(
    video_id: str, request: Request, response: Response, context: RequestContext, caller: Caller
) -> Video:
    """Stop a video that has not ended, at the provider too; it ends ``failed`` with the code
    ``cancelled``, soon after this answers. Cancelling it again changes nothing."""
    await find(context, request, caller.name, video_id)
    record = await cancel_video(context, caller.name, video_id)
    response.headers.update(poll_after(context, record))
    return await public_video(context, record)


async def cancel_video(context: Context, owner: str, video_id: str) -> VideoRecord:
    """Note that the owner's video is to stop, and wake its orchestration; the record as it is then.

    Raises:
        NotFound: there is none, or it was deleted.
        Conflict: it has ended in another way.
    """
    record = await context.services.records.update(owner, video_id, _cancelled)
    if record is None or record.is_withdrawn:
        raise await not_found(context, owner, video_id)
    if record.is_final and record.phase is not Phase.CANCELLED:
        raise Conflict(
            f"Video '{video_id}' has ended already; its status is '{record.status}'. Only a video "
            "that is queued or in progress can be cancelled.",
            param="video_id",
            code="video_already_ended",
        )
    if not record.is_final:
        await _wake_or_leave(context, record)
    return record


def _cancelled(record: VideoRecord) -> VideoRecord:
    if record.is_final or record.is_withdrawn:
        return record
    return record.model_copy(update={"cancel_requested": True})


async def _wake_or_leave(context: Context, record: VideoRecord) -> None:
    """Wake the orchestration; if that fails, it reads the record at its next step anyhow."""
    try:
        await wake_video(context.orchestrations, record)
    except Exception as error:  # noqa: BLE001 - the durable client raises bare Exceptions
        log_event("not_woken", video_id=record.id, reason=type(error).__name__)


def _ascending(order: str | None) -> bool:
    if order not in (None, "asc", "desc"):
        raise unsupported("order", order, ("asc", "desc"))
    return order == "asc"
