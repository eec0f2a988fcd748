"""For operators: what only a person can decide."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import PlainValidator

from dailies.api.bodies import open_body
from dailies.api.context import SECURITY, Admin, RequestContext
from dailies.api.documents import answers, body_of
from dailies.api.given import read_given
from dailies.pipeline.resolve import Decision, resolve_video
from dailies.protocols.deployments import DeploymentList, DeploymentObject, deployment_list
from dailies.protocols.fields import Fields, read_text, said
from dailies.protocols.messages import unsupported
from dailies.protocols.openai.objects import Video, video_object
from dailies.protocols.vocabulary import Vocabulary
from dailies.routing import health
from dailies.video.errors import NotFound

__all__ = ["router"]

router = APIRouter(prefix="/v1/admin", tags=["operations"], dependencies=SECURITY)


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
    video = video_object(record, retention_days=context.services.settings.retention_days)
    return video.model_copy(update={"warnings": tuple(given.warnings)})


@router.get("/deployments", response_model=DeploymentList, responses=answers(403))
async def list_deployments(context: RequestContext, admin: Admin) -> DeploymentList:
    """How each deployment fares: whether videos are sent there, and if not, why and until when."""
    services = context.services
    await health.refresh(services, now=True)
    return deployment_list(services.catalogue, services.health.known)


@router.post(
    "/deployments/{name}/reset", response_model=DeploymentObject, responses=answers(403, 404)
)
async def reset_deployment(name: str, context: RequestContext, admin: Admin) -> DeploymentObject:
    """Forget what is remembered of a deployment, also that it was retired: it is asked again."""
    services = context.services
    listed = deployment_list(services.catalogue, {}).data
    found = next((each for each in listed if each.id == name), None)
    if found is None:
        raise NotFound(
            f"There is no deployment '{name[:64]}' in use. GET /v1/admin/deployments lists them.",
            param="name",
            code="deployment_not_found",
        )
    await health.forget(services, name)
    return found
