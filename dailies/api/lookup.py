"""Finding a caller's video, and saying what became of one that is not there."""

from __future__ import annotations

from fastapi import Request

from dailies.api.context import Context
from dailies.api.observe import note
from dailies.stores.tombstones import Removal
from dailies.video.errors import NotFound
from dailies.video.record import VideoRecord

__all__ = ["find", "not_found", "visible"]


async def visible(context: Context, owner: str, video_id: str) -> VideoRecord | None:
    """The owner's video, unless there is none, or it was deleted though it has not ended yet."""
    record = await context.services.records.get(owner, video_id)
    return None if record is None or record.is_withdrawn else record


async def find(
    context: Context, request: Request, owner: str, video_id: str, *, param: str = "video_id"
) -> VideoRecord:
    """The owner's video; ``param`` is the caller's word for what names it.

    Raises:
        NotFound: there is none of that id; another owner's is not told apart from none.
    """
    record = await visible(context, owner, video_id)
    if record is None:
        raise await not_found(context, owner, video_id, param=param)
    note(
        request,
        video_id=record.id,
        model=record.request.model,
        seconds=record.request.seconds,
        phase=record.phase,
    )
    return record


async def not_found(
    context: Context, owner: str, video_id: str, *, param: str = "video_id"
) -> NotFound:
    """The error for a video that is not there: its code tells what became of the owner's own."""
    tombstone = await context.services.tombstones.get(owner, video_id)
    if tombstone is None:
        return NotFound(
            f"Video with id '{video_id[:80]}' not found.", param=param, code="video_not_found"
        )
    if tombstone.reason is Removal.EXPIRED:
        why, code = "has expired: it was older than videos are kept", "video_expired"
    else:
        why, code = "was deleted", "video_deleted"
    return NotFound(f"Video with id '{video_id}' {why}.", param=param, code=code)
