"""For operators and probes: health, and the plain Durable start."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from dailies.api.context import SECURITY, Admin, RequestContext
from dailies.api.create import create_video
from dailies.api.documents import CREATE_BODY, SENDING_HEADERS, answers
from dailies.video.record import Source, SourceKind

__all__ = ["router"]

router = APIRouter(tags=["operations"])


class Health(BaseModel):
    """How the app is."""

    status: Literal["ok", "no_models"]
    models: int = Field(description="How many there are on offer.")


@router.get("/health", responses=answers())
async def health(context: RequestContext) -> Health:
    """The app runs and its settings are right; says nothing of what it stands on. Without a model
    on offer it runs too, and says so: ``no_models``."""
    models = len(context.services.catalogue.models)
    return Health(status="ok" if models else "no_models", models=models)


@router.post(
    "/orchestrations/generate-video",
    status_code=202,
    dependencies=SECURITY,
    responses={
        s: a for s, a in answers(400, 403, 404, 408, 409, 413, 415, 429).items() if s != 200
    },
    openapi_extra={"requestBody": CREATE_BODY, "parameters": SENDING_HEADERS},
)
async def generate_video(request: Request, context: RequestContext, admin: Admin) -> JSONResponse:
    """Start a video and answer Durable's own check-status payload.

    Its addresses carry a key to the whole task hub, hence the admin key.
    """
    accepted = await create_video(
        context, request, caller=admin, source=Source(kind=SourceKind.OPERATOR)
    )
    links = context.orchestrations.check_status(accepted.acceptance.record.id)
    warnings = [warning.model_dump() for warning in accepted.warnings]
    headers = {"Location": links["statusQueryGetUri"], "Retry-After": "10"}
    if accepted.acceptance.replayed:
        headers["Idempotent-Replayed"] = "true"
    return JSONResponse(
        {**links, **({"warnings": warnings} if warnings else {})},
        status_code=202,
        headers=headers,
    )
