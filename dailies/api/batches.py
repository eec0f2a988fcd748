"""Batches that were ordered: how far they are, and the calls to them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import WithJsonSchema

from dailies.api.content import deliver
from dailies.api.context import SECURITY, Caller, Context, RequestContext
from dailies.api.documents import (
    CONTENT_PARAMETERS,
    REPLAYED,
    SENDING_HEADERS,
    answers,
    content_answers,
)
from dailies.api.links import BatchLinks, file_link, links_end
from dailies.api.observe import note
from dailies.api.paging import page_size
from dailies.api.sending import idempotency_key, retry_count
from dailies.batches import commands
from dailies.batches.removing import remove_batch
from dailies.owners.key import Way
from dailies.protocols.batch.objects import (
    BatchList,
    BatchShotList,
    DeletedBatch,
    VideoBatch,
    batch_object,
    shot_object,
)
from dailies.protocols.batch.options import read_limit
from dailies.protocols.messages import unsupported
from dailies.stores.rows import hash_key
from dailies.video.batch import Batch, ShotState, is_batch_id
from dailies.video.errors import Conflict, InvalidRequest, NotFound
from dailies.video.record import StoredFile

__all__ = ["router"]

router = APIRouter(tags=["batches"], dependencies=SECURITY)

_STATES = {
    "in_progress": ShotState.RUNNING,
    "completed": ShotState.COMPLETED,
    "failed": ShotState.FAILED,
    "cancelled": ShotState.CANCELLED,
}
_Limit = Annotated[
    str | None,
    WithJsonSchema({"type": "integer", "minimum": 1, "maximum": 100}),
    Query(description="How many, 1 to 100; 20 if not given."),
]


@router.get("/video_batches", response_model=BatchList, responses=answers(400))
async def list_batches(
    context: RequestContext,
    caller: Caller,
    after: Annotated[str | None, Query(description="The id after which the page begins.")] = None,
    limit: _Limit = None,
) -> BatchList:
    """A page of the caller's batches, the newest first."""
    if after is not None and not is_batch_id(after):
        raise InvalidRequest(
            "Invalid 'after': expected the id of a batch.", param="after", code="invalid_value"
        )
    size = page_size(limit)
    found = await context.services.batches.list(caller.name, after=after, limit=size + 1)
    return BatchList.of(map(batch_object, found[:size]), has_more=len(found) > size)


@router.get("/video_batches/{batch_id}", response_model=VideoBatch, responses=answers(400, 404))
async def retrieve(
    batch_id: str, request: Request, context: RequestContext, caller: Caller
) -> VideoBatch:
    """How far a batch has come."""
    return batch_object(await _find(context, request, caller.name, batch_id))


@router.delete(
    "/video_batches/{batch_id}", response_model=DeletedBatch, responses=answers(400, 404, 409)
)
async def delete(
    batch_id: str, request: Request, context: RequestContext, caller: Caller
) -> DeletedBatch:
    """Delete a batch that has ended: its shots, images and results. Its videos stay."""
    batch = await _find(context, request, caller.name, batch_id)
    if not batch.status.is_final:
        raise Conflict(
            f"The batch has not ended: its status is '{batch.status}'. Cancel it first.",
            param="batch_id",
            code="batch_not_ended",
        )
    await remove_batch(context.services, batch)
    return DeletedBatch(id=batch_id)


@router.get(
    "/video_batches/{batch_id}/videos", response_model=BatchShotList, responses=answers(400, 404)
)
async def list_shots(
    batch_id: str,
    request: Request,
    context: RequestContext,
    caller: Caller,
    after: Annotated[str | None, Query(description="The number of a shot, from 0.")] = None,
    limit: _Limit = None,
    status: Annotated[
        str | None,
        WithJsonSchema({"type": "string", "enum": [*_STATES]}),
        Query(description="Only those with this status."),
    ] = None,
) -> BatchShotList:
    """A page of the shots whose turn has come, in the order of the batch."""
    if status is not None and status not in _STATES:
        raise unsupported("status", status, [*_STATES])
    number = _number(after)
    size = page_size(limit)
    batch = await _find(context, request, caller.name, batch_id)
    shots = context.services.batches.shots(
        batch.id,
        after=number,
        state=None if status is None else _STATES[status],
        per_page=size + 1,
    )
    found = []
    async for shot in shots:
        found.append(shot_object(shot))
        if len(found) > size:
            break
    return BatchShotList.of(found[:size], has_more=len(found) > size)


@router.get(
    "/video_batches/{batch_id}/results",
    response_class=Response,
    responses=content_answers("text/csv"),
    openapi_extra={"parameters": CONTENT_PARAMETERS},
)
async def results(
    batch_id: str, request: Request, context: RequestContext, caller: Caller
) -> Response:
    """The table of results of a batch that has ended, as CSV: handed over as a video's content."""
    batch = await _find(context, request, caller.name, batch_id)
    return await deliver(request, context, _results_of(batch), batch.id)


@router.get(
    "/video_batches/{batch_id}/links", response_model=BatchLinks, responses=answers(400, 404, 409)
)
async def links(
    batch_id: str, request: Request, context: RequestContext, caller: Caller
) -> BatchLinks:
    """A link to the table of results, as for the files of a video."""
    batch = await _find(context, request, caller.name, batch_id)
    return BatchLinks(
        id=batch.id,
        expires_at=links_end(context),
        results=await file_link(context, _results_of(batch), batch.id),
    )


def _results_of(batch: Batch) -> StoredFile:
    """The table of results.

    Raises:
        Conflict: the batch has not ended.
    """
    if not batch.status.is_final or batch.results is None:
        raise Conflict(
            f"The batch has not ended: its status is '{batch.status}'. The table is there once it "
            "has.",
            code="batch_not_ready",
        )
    return batch.results


@router.post(
    "/video_batches/{batch_id}/pause", response_model=VideoBatch, responses=answers(400, 404, 409)
)
async def pause(
    batch_id: str, request: Request, context: RequestContext, caller: Caller
) -> VideoBatch:
    """Begin no more videos of a batch; those under way go on."""
    await _find(context, request, caller.name, batch_id)
    return _answer(await commands.pause(context.services, caller.name, batch_id), batch_id)


@router.post(
    "/video_batches/{batch_id}/resume",
    response_model=VideoBatch,
    responses=answers(400, 403, 404, 409),
)
async def resume(
    batch_id: str,
    request: Request,
    context: RequestContext,
    caller: Caller,
    limit_usd: Annotated[
        str | None, Query(description="What the batch may cost at most from now on, in all.")
    ] = None,
) -> VideoBatch:
    """Go on with a batch that is paused, with the key of this request from now on."""
    caller.key.limits.check_way(Way.OPENAI)
    await _find(context, request, caller.name, batch_id)
    batch = await commands.resume(
        context.services,
        context.orchestrations,
        caller.name,
        batch_id,
        key_id=caller.key.id,
        limit_usd=read_limit(limit_usd),
    )
    return _answer(batch, batch_id)


@router.post(
    "/video_batches/{batch_id}/cancel", response_model=VideoBatch, responses=answers(400, 404, 409)
)
async def cancel(
    batch_id: str, request: Request, context: RequestContext, caller: Caller
) -> VideoBatch:
    """End a batch: what has not begun is not made, what is under way is stopped."""
    await _find(context, request, caller.name, batch_id)
    batch = await commands.cancel(context.services, context.orchestrations, caller.name, batch_id)
    return _answer(batch, batch_id)


@router.post(
    "/video_batches/{batch_id}/retry",
    response_model=VideoBatch,
    responses=answers(400, 403, 404, 409, ok=REPLAYED),
    openapi_extra={"parameters": SENDING_HEADERS},
)
async def retry(
    batch_id: str, request: Request, response: Response, context: RequestContext, caller: Caller
) -> VideoBatch:
    """Make the shots of a batch that has ended anew which have failed, each as a new video."""
    caller.key.limits.check_way(Way.OPENAI)
    key, is_again = idempotency_key(request), retry_count(request) > 0
    await _find(context, request, caller.name, batch_id)
    batch, is_earlier = await commands.retry(
        context.services,
        context.orchestrations,
        caller.name,
        batch_id,
        key_id=caller.key.id,
        sent_key=None if key is None else hash_key(key),
        is_again=is_again,
    )
    if is_earlier:
        response.headers["Idempotent-Replayed"] = "true"
    return _answer(batch, batch_id)


async def _find(context: Context, request: Request, owner: str, batch_id: str) -> Batch:
    """The owner's batch.

    Raises:
        NotFound: there is none of that id; another owner's is not told apart from none.
    """
    batch = await context.services.batches.get(owner, batch_id)
    if batch is None:
        raise _not_found(batch_id)
    note(request, batch_id=batch.id)
    return batch


def _answer(batch: Batch | None, batch_id: str) -> VideoBatch:
    if batch is None:
        raise _not_found(batch_id)
    return batch_object(batch)


def _not_found(batch_id: str) -> NotFound:
    return NotFound(
        f"Batch with id '{batch_id[:80]}' not found.", param="batch_id", code="batch_not_found"
    )


def _number(text: str | None) -> int:
    if text is None:
        return 0
    if not (text.isascii() and text.isdecimal() and len(text) <= 6):
        raise InvalidRequest(
            "Invalid 'after': expected the number of a shot.", param="after", code="invalid_value"
        )
    return int(text)
