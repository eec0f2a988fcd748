"""The videos of all owners: found, looked at, and what only a person can decide."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import PlainValidator

from dailies.api.admin.search import SearchQuery
from dailies.api.bodies import open_body
from dailies.api.context import SECURITY, Admin, RequestContext
from dailies.api.documents import answers, body_of
from dailies.api.given import read_given
from dailies.pipeline.resolve import Decision, resolve_video
from dailies.protocols.fields import Fields, read_text, said
from dailies.protocols.messages import unsupported
from dailies.protocols.openai.objects import Video, video_object
from dailies.protocols.overview import OverviewVideo, OverviewVideoList
from dailies.protocols.vocabulary import Vocabulary
from dailies.telemetry.logs import log_event

__all__ = ["router"]

router = APIRouter(prefix="/v1/admin", tags=["operations"], dependencies=SECURITY)


@router.get("/videos", response_model=OverviewVideoList, responses=answers(400, 403))
async def search_videos(
    query: Annotated[SearchQuery, Query()], context: RequestContext, admin: Admin
) -> OverviewVideoList:
    """The videos of all owners that fit every condition, newest first; without prompts."""
    search, (after, limit) = query.search(), query.place()
    found = await context.services.records.all.search(search, after=after, limit=limit)
    return OverviewVideoList(
        data=[OverviewVideo.of(record) for record in found.records],
        scanned=found.scanned,
        has_more=found.after is not None,
        after=found.after,
    )


def _decision(value: object) -> Decision:
    try:
        return Decision(str(value))
    except ValueError:
        raise unsupported("decision", str(value), tuple(Decision)) from None


class Resolve(Fields):
    """What is to become of a video of which nobody knows whether it was ordered."""

    decision: Annotated[
        Decision,
        PlainValidator(_decision),
        said(
            "`adopt` the provider's job, `resend` the request because there is none, or `end` the "
            "video.",
            type="string",
            enum=[decision.value for decision in Decision],
        ),
    ]
    job_id: Annotated[
        str,
        PlainValidator(read_text),
        said("The provider's id of the job to adopt.", type="string"),
    ] = ""


_RESOLVE = Vocabulary(fields=frozenset(Resolve.model_fields), refused={})


@router.post(
    "/videos/{video_id}/resolve",
    response_model=Video,
    responses=answers(400, 403, 404, 408, 409, 413, 415),
    openapi_extra={"requestBody": body_of(Resolve)},
)
async def resolve(video_id: str, request: Request, context: RequestContext, admin: Admin) -> Video:
    """Decide about a video whose phase is `unresolved`: its provider did not say whether it took
    the request, and nothing is paid twice without a person's word."""
    async with open_body(request) as body:
        given = read_given(body, _RESOLVE)
        wanted = Resolve.read(body.fields)
        given.check_files()
    record = await resolve_video(
        context.services, context.orchestrations, video_id, wanted.decision, wanted.job_id or None
    )
    log_event(
        "video_resolved_by",
        video_id=record.id,
        decision=wanted.decision,
        operator=admin.name,
        key_id=admin.key.id,
    )
    video = video_object(record, retention_days=context.services.settings.retention_days)
    return video.model_copy(update={"warnings": tuple(given.warnings)})
