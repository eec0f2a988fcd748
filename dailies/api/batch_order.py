"""The order of a batch: many videos in one request."""

from __future__ import annotations

from dataclasses import asdict
from tempfile import SpooledTemporaryFile
from typing import Annotated, BinaryIO, cast

from fastapi import APIRouter, Query, Request, Response

from dailies.api.batch_body import BatchBody, open_batch
from dailies.api.context import SECURITY, Caller, Context, Owner, RequestContext
from dailies.api.documents import REPLAYED, answers
from dailies.api.documents_of_batches import BATCH_BODY, SENDING_OF_BATCHES
from dailies.api.dry_query import DryRunQuery, is_dry_run
from dailies.api.observe import note
from dailies.api.sending import idempotency_key, retry_count
from dailies.batches.blobs import check_blobs
from dailies.batches.keeping import hash_batch, keep_batch
from dailies.batches.starting import start_or_leave
from dailies.owners.key import Way
from dailies.protocols.batch.check import Check
from dailies.protocols.batch.objects import BatchDryRun, VideoBatch, batch_object, dry_run_object
from dailies.stores.batches import Sent
from dailies.stores.rows import hash_key
from dailies.video.errors import InvalidBatch, InvalidRequest, Unavailable

__all__ = ["router"]

router = APIRouter(tags=["batches"], dependencies=SECURITY)

_IN_MEMORY = 1024**2
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
        given=(said, body.said),
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
