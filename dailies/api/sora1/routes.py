"""The routes of the jobs API, under ``/openai/v1/video/generations``."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import WithJsonSchema

from dailies.api.content import deliver
from dailies.api.context import SECURITY, Caller, Context, RequestContext
from dailies.api.documents import JOB_BODY, REPLAYED, SENDING_HEADERS
from dailies.api.lookup import visible
from dailies.api.observe import note
from dailies.api.paging import page_size
from dailies.api.sora1.create import create_job
from dailies.api.sora1.errors import (
    FlatErrorsRoute,
    check_api_version,
    flat_answers,
    flat_content_answers,
)
from dailies.api.videos import delete_video
from dailies.protocols.sora1.ids import generation_of, video_of_job
from dailies.protocols.sora1.ids import job_id as job_id_of
from dailies.protocols.sora1.objects import (
    STATUSES,
    Generation,
    Job,
    JobList,
    job_object,
    status_of,
)
from dailies.video.basics import Phase, Variant
from dailies.video.errors import InvalidRequest, NotFound
from dailies.video.record import StoredFile, VideoRecord

__all__ = ["router"]

_DEFAULT_PAGE = 10
_SCANNED_AT_ONCE = 100
_MOST_SCANNED = 1000
"""Jobs that one request looks through for those of the wanted statuses; the next goes on."""

router = APIRouter(
    prefix="/video/generations",
    tags=["jobs"],
    dependencies=[*SECURITY, Depends(check_api_version)],
    route_class=FlatErrorsRoute,
)


@router.post(
    "/jobs",
    status_code=201,
    response_model=Job,
    responses=flat_answers(400, 403, 404, 408, 409, 413, 415, 429, ok=REPLAYED, success=201),
    openapi_extra={"requestBody": JOB_BODY, "parameters": SENDING_HEADERS},
)
async def create(
    request: Request, response: Response, context: RequestContext, caller: Caller
) -> Job:
    """Create a job: JSON, or a form when files come with it. It is durable when this answers."""
    accepted = await create_job(context, request, caller=caller)
    if accepted.acceptance.replayed:
        response.headers["Idempotent-Replayed"] = "true"
    job = _job(context, accepted.acceptance.record)
    return job.model_copy(update={"warnings": accepted.warnings})


@router.get("/jobs", response_model=JobList, responses=flat_answers(400))
async def list_jobs(
    context: RequestContext,
    caller: Caller,
    after: Annotated[str | None, Query(description="The job after which the page begins.")] = None,
    before: Annotated[str | None, Query(description="The job before which it ends.")] = None,
    limit: Annotated[
        str | None,
        WithJsonSchema({"type": "integer", "minimum": 1, "maximum": 100}),
        Query(description="How many jobs, 1 to 100; 10 if not given."),
    ] = None,
    statuses: Annotated[
        str | None, Query(description="Only jobs of these statuses, separated by commas.")
    ] = None,
) -> JobList:
    """A page of the caller's jobs, the newest first; videos of these models that were made
    otherwise are among them."""
    size = page_size(limit, _DEFAULT_PAGE)
    records, looked_through = await _records(
        context,
        caller.name,
        after=_cursor(after, "after"),
        before=_cursor(before, "before"),
        statuses=_statuses(statuses),
        most=size + 1,
    )
    jobs = [_job(context, record) for record in records[:size]]
    last_id = jobs[-1].id if jobs else None
    return JobList(
        data=jobs,
        has_more=looked_through is not None or len(records) > size,
        first_id=jobs[0].id if jobs else None,
        last_id=last_id if looked_through is None else job_id_of(looked_through),
    )


@router.get("/jobs/{job_id}", response_model=Job, responses=flat_answers(404))
async def retrieve(job_id: str, request: Request, context: RequestContext, caller: Caller) -> Job:
    """The job as it is now."""
    return _job(context, await _find(context, request, caller.name, job_id))


@router.delete("/jobs/{job_id}", status_code=204, responses=flat_answers(404, success=204))
async def delete(
    job_id: str, request: Request, context: RequestContext, caller: Caller
) -> Response:
    """Delete a job with its files; one that has not ended is cancelled, too."""
    record = await _find(context, request, caller.name, job_id)
    await delete_video(context, caller.name, record.id)
    return Response(status_code=204)


@router.get("/{generation_id}", response_model=Generation, responses=flat_answers(404))
async def generation(
    generation_id: str, request: Request, context: RequestContext, caller: Caller
) -> Generation:
    """A video that a job made."""
    record, number = await _find_generation(context, request, caller.name, generation_id)
    return _job(context, record).generations[number]


_CONTENT: dict[str, Any] = {"response_class": Response, "responses": flat_content_answers()}


@router.head("/{generation_id}/content/video", include_in_schema=False)
@router.get("/{generation_id}/content/video", **_CONTENT)
async def video(
    generation_id: str,
    request: Request,
    context: RequestContext,
    caller: Caller,
    quality: Annotated[
        str, WithJsonSchema({"type": "string", "enum": ["high", "low"]}), Query()
    ] = "high",
) -> Response:
    """The MP4 of a generation. One quality is kept; both words give it."""
    if quality not in ("high", "low"):
        raise InvalidRequest(
            f"'quality' must be 'high' or 'low'; got '{quality[:20]}'.",
            param="quality",
            code="invalid_value",
        )
    return await _content(context, request, caller.name, generation_id, Variant.VIDEO)


@router.head("/{generation_id}/content/thumbnail", include_in_schema=False)
@router.get("/{generation_id}/content/thumbnail", **_CONTENT)
async def thumbnail(
    generation_id: str, request: Request, context: RequestContext, caller: Caller
) -> Response:
    """The thumbnail of a generation."""
    return await _content(context, request, caller.name, generation_id, Variant.THUMBNAIL)


async def _content(
    context: Context, request: Request, owner: str, wanted: str, variant: Variant
) -> Response:
    record, number = await _find_generation(context, request, owner, wanted)
    files = record.generations[number].files if record.generations else record.files
    file = files.get(variant)
    if file is None:
        raise NotFound(f"Generation '{wanted}' has no {variant}.", code="not_found")
    if file.content_type == "image/jpeg":
        # The name that this API has for it.
        file = file.model_copy(update={"content_type": "image/jpg"})
    if request.method == "HEAD":
        return _head(record, file)
    return await deliver(request, context, file, wanted)


def _head(record: VideoRecord, file: StoredFile) -> Response:
    """What is known of the file, without a way to storage."""
    stored = datetime.fromtimestamp(record.completed_at or record.created_at, UTC)
    headers = {
        "Content-Length": str(file.bytes),
        "Last-Modified": format_datetime(stored, usegmt=True),
        "Accept-Ranges": "bytes",
        "ETag": f'"{file.sha256}"',
        "Cache-Control": "private, no-store",
    }
    return Response(headers=headers, media_type=file.content_type)


async def _find(context: Context, request: Request, owner: str, wanted: str) -> VideoRecord:
    """The owner's video behind a job.

    Raises:
        NotFound: there is none, or it is of another model.
    """
    record = await _record(context, request, owner, video_of_job(wanted))
    if record is None:
        raise NotFound(f"Job '{wanted[:80]}' was not found.", param="job_id", code="not_found")
    return record


async def _find_generation(
    context: Context, request: Request, owner: str, wanted: str
) -> tuple[VideoRecord, int]:
    """The owner's video behind a generation, and the generation's place.

    Raises:
        NotFound: there is none, or its job has not succeeded.
    """
    video_id, number = generation_of(wanted) or (None, 0)
    record = await _record(context, request, owner, video_id)
    if record is None or record.phase is not Phase.DONE:
        raise _no_generation(wanted)
    if number >= max(1, len(record.generations)):
        raise _no_generation(wanted)
    return record, number


def _no_generation(wanted: str) -> NotFound:
    return NotFound(
        f"Generation '{wanted[:80]}' was not found.", param="generation_id", code="not_found"
    )


async def _record(
    context: Context, request: Request, owner: str, video_id: str | None
) -> VideoRecord | None:
    if video_id is None:
        return None
    record = await visible(context, owner, video_id)
    if record is None or record.request.model not in _models(context):
        return None
    note(request, video_id=record.id, model=record.request.model, phase=record.phase)
    return record


async def _records(
    context: Context,
    owner: str,
    *,
    after: str | None,
    before: str | None,
    statuses: frozenset[str],
    most: int,
) -> tuple[list[VideoRecord], str | None]:
    """The newest ``most`` records between the cursors, of these statuses if any are given. And the
    id up to which was looked, where that had to end before so many were found."""
    found: list[VideoRecord] = []
    scanned = 0
    models = _models(context)
    has_more = bool(models)
    while has_more and len(found) < most:
        page = await context.services.records.list(
            owner,
            after=after,
            limit=_SCANNED_AT_ONCE if statuses else most,
            ascending=False,
            models=models,
        )
        for record in page.records:
            if before is not None and record.id <= before:
                return found[:most], None
            if not statuses or status_of(record) in statuses:
                found.append(record)
        has_more = page.has_more and bool(page.records)
        after = page.records[-1].id if page.records else after
        scanned += len(page.records)
        if scanned >= _MOST_SCANNED and has_more and len(found) < most:
            return found, after
    return found[:most], None


def _models(context: Context) -> list[str]:
    """The names of the models whose videos are jobs here."""
    models = context.services.catalogue.models.values()
    return [m.name for m in models if any(d.jobs_api for d in m.deployments)]


def _job(context: Context, record: VideoRecord) -> Job:
    return job_object(record, retention_days=context.services.settings.retention_days)


def _cursor(text: str | None, name: str) -> str | None:
    if text is None:
        return None
    video_id = video_of_job(text)
    if video_id is None:
        raise InvalidRequest(
            f"Invalid '{name}': expected the id of a job, but got '{text[:64]}'.",
            param=name,
            code="invalid_value",
        )
    return video_id


def _statuses(text: str | None) -> frozenset[str]:
    wanted = frozenset(part.strip() for part in (text or "").split(",") if part.strip())
    if not wanted <= set(STATUSES):
        raise InvalidRequest(
            f"Invalid 'statuses': a status is one of {', '.join(STATUSES)}.",
            param="statuses",
            code="invalid_value",
        )
    return wanted
