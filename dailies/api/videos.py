"""OpenAI's videos protocol."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse, StreamingResponse

from dailies.api.context import Caller, Context, RequestContext
from dailies.api.create import create_video
from dailies.api.schemas import ErrorEnvelope, Video, video_object
from dailies.errors import Conflict, InvalidRequest, NotFound
from dailies.pipeline.pace import poll_wait
from dailies.records import Source, StoredFile, VideoRecord
from dailies.settings import ContentDelivery
from dailies.videos import Status, Variant

__all__ = ["router"]

_ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"model": ErrorEnvelope} for status in (400, 401, 404, 409, 413, 503)
}

# A client that waits longer than this looks dead to the person in front of it.
_LONGEST_POLL_SECONDS = 5.0

router = APIRouter(tags=["videos"], responses=_ERRORS)


@router.post("/videos", response_model=Video)
async def create(
    request: Request, response: Response, context: RequestContext, caller: Caller
) -> Video:
    """Create a video. It is durable when this answers; poll it, or wait for its event."""
    acceptance = await create_video(context, request, owner=caller.name, source=Source())
    if acceptance.replayed:
        response.headers["Idempotent-Replayed"] = "true"
    _tell_poll_after(context, acceptance.record, response)
    return _video(context, acceptance.record)


@router.get("/videos/{video_id}", response_model=Video)
async def retrieve(
    video_id: str, response: Response, context: RequestContext, caller: Caller
) -> Video:
    """The video as it is now; ``openai-poll-after-ms`` says when to look again."""
    record = await find(context, caller.name, video_id)
    _tell_poll_after(context, record, response)
    return _video(context, record)


@router.get("/videos/{video_id}/content", response_class=Response)
async def content(
    video_id: str, context: RequestContext, caller: Caller, variant: str = "video"
) -> Response:
    """The bytes of a finished video: a redirect to a link that ends after minutes, so that none
    of them passes through the app; or the bytes themselves, where so configured."""
    record = await find(context, caller.name, video_id)
    file = stored_file(record, variant)
    settings = context.services.settings
    if settings.content_delivery is ContentDelivery.STREAM:
        chunks = await context.services.files.open_range(file)
        return StreamingResponse(
            chunks, media_type=file.content_type, headers={"Content-Length": str(file.bytes)}
        )
    suffix = file.blob.rpartition(".")[2]
    link = await context.services.files.link(
        file, seconds=settings.content_link_seconds, filename=f"{record.id}.{suffix}"
    )
    # No cache may hand the link on: it is a key to the file while it lasts.
    return RedirectResponse(link, status_code=302, headers={"Cache-Control": "no-store"})


async def find(context: Context, owner: str, video_id: str) -> VideoRecord:
    """The owner's video.

    Raises:
        NotFound: there is none of that id; another owner's is not told apart from none.
    """
    record = await context.services.records.get(owner, video_id)
    if record is None:
        raise NotFound(f"Video with id '{video_id[:80]}' not found.", code="video_not_found")
    return record


def stored_file(record: VideoRecord, name: str) -> StoredFile:
    """The file of one variant of a finished video.

    Raises:
        InvalidRequest: there is no such variant in the protocol.
        Conflict: the video is not finished.
        NotFound: it failed, or the provider made no file of this variant.
    """
    try:
        variant = Variant(name)
    except ValueError:
        supported = ", ".join(f"'{known}'" for known in Variant)
        raise InvalidRequest(
            f"Invalid value: '{name[:64]}'. Supported values are: {supported}.",
            param="variant",
            code="invalid_value",
        ) from None
    if not record.is_final:
        raise Conflict(
            f"Video is not ready yet; its status is '{record.status}'. Try again when it is "
            "'completed'.",
            code="video_not_ready",
        )
    if record.status is Status.FAILED:
        reason = f": {record.error.message}" if record.error else "."
        raise NotFound(f"The video failed and has no content{reason}", code="video_failed")
    file = record.files.get(variant)
    if file is None:
        raise NotFound(
            f"The provider made no {variant} for this video.", param="variant", code="no_variant"
        )
    return file


def _video(context: Context, record: VideoRecord) -> Video:
    return video_object(record, retention_days=context.services.settings.retention_days)


def _tell_poll_after(context: Context, record: VideoRecord, response: Response) -> None:
    """``openai-poll-after-ms``, which official clients honour, from the polling schedule."""
    if record.is_final:
        return
    seconds = poll_after(context, record)
    response.headers["openai-poll-after-ms"] = str(max(100, int(seconds * 1000)))


def poll_after(context: Context, record: VideoRecord) -> float:
    """Seconds after which a caller should look again: when we expect to have looked ourselves."""
    settings = context.services.settings
    deployment = context.services.catalogue.deployment(record.submit.deployment or "")
    if record.submit.submitted_at is None or deployment is None:
        return min(settings.poll_max_seconds, 2 * settings.poll_min_seconds)
    return min(poll_wait(context.services, record, deployment), _LONGEST_POLL_SECONDS)
