"""One video of any owner: its whole story, and what an operator can do about it."""

from __future__ import annotations

import math
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import WithJsonSchema

from dailies.api.context import SECURITY, Admin, Context, RequestContext
from dailies.api.create import start_or_leave
from dailies.api.documents import REPLAYED, answers
from dailies.api.lookup import find
from dailies.api.sending import in_time
from dailies.api.videos import cancel_video
from dailies.pipeline.again import made_again, make_again
from dailies.pipeline.expectation import expectation
from dailies.protocols.messages import unsupported
from dailies.protocols.openai.objects import queue_place
from dailies.protocols.overview import OverviewVideo
from dailies.protocols.story import Answer, Orchestration, Story, log_query, possible, told
from dailies.stores.rows import is_video_id
from dailies.telemetry.logs import log_event
from dailies.telemetry.tracecontext import trace_id_of
from dailies.video.errors import NotFound
from dailies.video.record import VideoRecord

__all__ = ["router"]

_INCLUDED = ("prompt", "provider")

router = APIRouter(prefix="/v1/admin", tags=["operations"], dependencies=SECURITY)

_Include = Annotated[
    str | None,
    WithJsonSchema({"type": "string", "pattern": "^(prompt|provider)(,(prompt|provider))*$"}),
    Query(
        description="What else is told, comma-separated: `prompt`, which is logged with the "
        "operator's name; `provider`, which asks it for the job now."
    ),
]


@router.get("/videos/{video_id}", response_model=Story, responses=answers(400, 403, 404))
async def tell(
    video_id: str,
    request: Request,
    context: RequestContext,
    admin: Admin,
    include: _Include = None,
) -> Story:
    """All that is known of a video, whoever has it, and what can be done about it."""
    included = _included(include)
    record = await _find(context, request, video_id)
    log_event(
        "video_looked_at",
        video_id=record.id,
        owner=record.owner,
        operator=admin.name,
        key_id=admin.key.id,
        prompt="prompt" in included,
    )
    services = context.services
    again = await made_again(services, record)
    expected = await expectation(services, context.orchestrations, record)
    completion_at = expected.completion_at
    urls = {name: services.files.url(file.blob) for name, file in record.all_files.items()}
    return Story.of(
        record,
        **dict(told(record, urls)),
        prompt=record.request.prompt if "prompt" in included else None,
        orchestration=await _orchestration(context, record),
        provider_now=await _provider_now(context, record) if "provider" in included else None,
        queue=queue_place(expected),
        estimated_completion_at=None if completion_at is None else math.ceil(completion_at),
        trace_id=trace_id_of(record.traceparent),
        log_query=log_query(record.id),
        made_again_of=record.source.video_id,
        made_again_as=None if again is None else again.id,
        actions=possible(record, made_again=again is not None),
    )


@router.post(
    "/videos/{video_id}/cancel", response_model=OverviewVideo, responses=answers(403, 404, 409)
)
async def cancel(
    video_id: str, request: Request, context: RequestContext, admin: Admin
) -> OverviewVideo:
    """Stop a video of any owner, as its owner can."""
    found = await _find(context, request, video_id)
    record = await cancel_video(context, found.owner, video_id)
    log_event("video_cancelled_by", video_id=video_id, operator=admin.name, key_id=admin.key.id)
    return OverviewVideo.of(record)


@router.post(
    "/videos/{video_id}/retry",
    response_model=OverviewVideo,
    responses=answers(403, 404, 409, 429, ok=REPLAYED),
)
async def retry(
    video_id: str, request: Request, response: Response, context: RequestContext, admin: Admin
) -> OverviewVideo:
    """Make a failed video again: a new one of the same request, for the same owner. A failed video
    is made again once; asked again, this answers with that one."""
    failed = await _find(context, request, video_id)
    async with in_time():
        acceptance = await make_again(context.services, failed)
    record = acceptance.record
    log_event(
        "video_made_again",
        video_id=record.id,
        of=failed.id,
        operator=admin.name,
        key_id=admin.key.id,
        replayed=acceptance.replayed,
    )
    await start_or_leave(context, acceptance)
    if acceptance.replayed:
        response.headers["Idempotent-Replayed"] = "true"
    return OverviewVideo.of(record)


async def _find(context: Context, request: Request, video_id: str) -> VideoRecord:
    """The video, whoever has it.

    Raises:
        NotFound: nobody has it; the code tells whether it was deleted.
    """
    records = context.services.records
    owner = None
    if is_video_id(video_id):
        owner = await records.open.owner_of(video_id) or await records.all.owner_of(video_id)
    if owner is None:
        raise NotFound(
            f"Video with id '{video_id[:80]}' not found.", param="video_id", code="video_not_found"
        )
    return await find(context, request, owner, video_id)


async def _orchestration(context: Context, record: VideoRecord) -> Orchestration:
    try:
        state = (await context.orchestrations.state(record.id)).value
    except Exception as error:  # noqa: BLE001 - the durable client raises bare Exceptions
        log_event("state_unreadable", video_id=record.id, reason=type(error).__name__)
        state = None
    return Orchestration(instance_id=record.id, state=state, restarts=record.restarts)


async def _provider_now(context: Context, record: VideoRecord) -> Answer | None:
    services, job_id = context.services, record.submit.job_id
    deployment = services.catalogue.deployment(record.submit.deployment or "")
    if deployment is None or job_id is None:
        return None
    outcome = await services.providers.adapter(deployment).status(job_id)
    job = outcome.job
    return Answer(
        outcome=outcome.kind.value,
        status=None if job is None else job.status.value,
        progress=None if job is None else job.progress,
        code=outcome.code,
        http_status=outcome.http_status,
    )


def _included(text: str | None) -> frozenset[str]:
    words = frozenset() if text is None else frozenset(text.split(","))
    for word in sorted(words.difference(_INCLUDED)):
        raise unsupported("include", word, _INCLUDED)
    return words
