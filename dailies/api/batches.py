"""Batches: many videos in one request."""

from __future__ import annotations

from dataclasses import asdict
from tempfile import SpooledTemporaryFile
from typing import Annotated, BinaryIO, cast

from fastapi import APIRouter, Query, Request, Response
from pydantic import WithJsonSchema

from dailies.api.batch_body import BatchBody, open_batch
from dailies.api.content import deliver
from dailies.api.context import SECURITY, Caller, Context, Owner, RequestContext
from dailies.api.create import idempotency_key, retry_count
from dailies.api.documents import (
    CONTENT_PARAMETERS,
    REPLAYED,
    SENDING_HEADERS,
    answers,
    content_answers,
)
from dailies.api.documents_of_batches import BATCH_BODY, SENDING_OF_BATCHES
from dailies.api.dry_query import DryRunQuery, is_dry_run
from dailies.api.links import BatchLinks, file_link, links_end
from dailies.api.observe import note
from dailies.api.videos import page_size
from dailies.owners.key import Way
from dailies.protocols.batch import commands
from dailies.protocols.batch.blobs import check_blobs
from dailies.protocols.batch.check import Check
from dailies.protocols.batch.keeping import hash_batch, keep_batch
from dailies.protocols.batch.objects import (
    BatchDryRun,
    BatchList,
    BatchShotList,
    DeletedBatch,
    VideoBatch,
    batch_object,
    dry_run_object,
    shot_object,
)
from dailies.protocols.batch.options import read_limit
from dailies.protocols.batch.removing import remove_batch
from dailies.protocols.batch.starting import start_or_leave
from dailies.protocols.messages import unsupported
from dailies.stores.batches import Sent
from dailies.stores.rows import hash_key
from dailies.video.batch import Batch, ShotState, is_batch_id
from dailies.video.errors import Conflict, InvalidBatch, InvalidRequest, NotFound, Unavailable
from dailies.video.record import StoredFile

__all__ = ["router"]

router = APIRouter(tags=["batches"], dependencies=SECURITY)

_IN_MEMORY = 1024**2
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
_Said = Annotated[str | None, Query(description="As the field of a form, or of a JSON body.")]


@router.post(
    "/video_batches",
    response_model=VideoBatch | BatchDryRun,
    responses=answers(400, 403, 408, 409, 413, 415, ok=REPLAYED),
    openapi_extra={"requestBody": BATCH_BODY, "parameters": SENDING_OF_BATCHES},
)
async def create(
    request: Request,
    response: Response,
    context: RequestContext,
    caller: Caller,
    dry_run: DryRunQuery = None,
    limit_usd: _Said = None,
    max_in_progress: _Said = None,
    name: _Said = None,
) -> VideoBatch | BatchDryRun:
    """Order many videos at once: all of them, or none where a line is wrong. They are made by and
    by; the batch is durable when this answers."""
    is_dry = is_dry_run(dry_run)
    caller.key.limits.check_way(Way.OPENAI)
    idempotency_key(request)
    began, services = context.services.clock(), context.services
    said = {"limit_usd": limit_usd, "max_in_progress": max_in_progress, "name": name}
    async with open_batch(request, services.settings) as body:
        with SpooledTemporaryFile(max_size=_IN_MEMORY) as out:
            check = await _checked(context, caller, body, said, cast(BinaryIO, out))
            note(request, shots=check.total, faults=check.fault_count or None)
            if is_dry:
                return dry_run_object(check)
            _refuse_faults(check)
            sent = Sent(
                body=await hash_batch(services, check, body.images),
                key=None if (key := idempotency_key(request)) is None else hash_key(key),
                is_again=retry_count(request) > 0,
                began=began,
            )
            batch, is_earlier = await keep_batch(
                services,
                check,
                body.images,
                owner=caller.name,
                key_id=caller.key.id,
                sent=sent,
                traceparent=request.headers.get("traceparent"),
            )
    note(request, batch_id=batch.id, replayed=is_earlier or None)
    if is_earlier:
        response.headers["Idempotent-Replayed"] = "true"
    if not batch.status.is_final:
        await start_or_leave(services, context.orchestrations, batch)
    return batch_object(batch)


async def _checked(
    context: Context, caller: Owner, body: BatchBody, said: dict[str, str | None], out: BinaryIO
) -> Check:
    """The whole batch, looked at.

    Raises:
        RequestError: it can't be read, or something is wrong with the batch itself.
    """
    services = context.services
    check = Check(
        catalogue=services.catalogue,
        limits=caller.key.limits,
        out=out,
        given={**body.said, **{name: text for name, text in said.items() if text is not None}},
        files=body.images.keys(),
        check_webhook=services.poster.origin,
        check_image=services.fetcher.check,
        may_name_blobs=caller.is_operator or caller.name == services.settings.drop_owner,
    )
    try:
        await check.run(body.file, body.form, services.checks, services.documents)
    except TimeoutError:
        raise Unavailable(
            "Other batches are being looked at. Nothing was accepted; send the request again.",
            code="busy",
        ) from None
    await check_blobs(services, check)
    for name in body.images:
        if name not in check.used_files:
            check.add_fault(
                0,
                InvalidRequest(
                    f"No shot names the image '{name[:80]}'. Name it in 'image_file', or leave it "
                    "out.",
                    param="images",
                    code="unexpected_file",
                ),
            )
    return check


def _refuse_faults(check: Check) -> None:
    if not check.fault_count:
        return
    first = check.faults[0]
    where = f"Line {first.line}: " if first.line else ""
    others = check.fault_count - 1
    more = f" {others:,} more {'is' if others == 1 else 'are'} in 'faults'." if others else ""
    raise InvalidBatch(
        f"Nothing was accepted. {where}{first.message}{more}",
        faults=[asdict(fault) for fault in check.faults],
        fault_count=check.fault_count,
    )


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
    data = [batch_object(batch) for batch in found[:size]]
    return BatchList(
        data=data,
        first_id=data[0].id if data else None,
        last_id=data[-1].id if data else None,
        has_more=len(found) > size,
    )


@router.get("/video_batches/{batch_id}", response_model=VideoBatch, responses=answers(404))
async def retrieve(
    batch_id: str, request: Request, context: RequestContext, caller: Caller
) -> VideoBatch:
    """How far a batch has come."""
    return batch_object(await _find(context, request, caller.name, batch_id))


@router.delete(
    "/video_batches/{batch_id}", response_model=DeletedBatch, responses=answers(404, 409)
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
    data = found[:size]
    return BatchShotList(
        data=data,
        first_id=data[0].id if data else None,
        last_id=data[-1].id if data else None,
        has_more=len(found) > size,
    )


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
    "/video_batches/{batch_id}/links", response_model=BatchLinks, responses=answers(404, 409)
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
    "/video_batches/{batch_id}/pause", response_model=VideoBatch, responses=answers(404, 409)
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
    "/video_batches/{batch_id}/cancel", response_model=VideoBatch, responses=answers(404, 409)
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
