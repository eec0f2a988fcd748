"""For operators and probes: health, and the plain Durable start."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from dailies.api.context import Admin, RequestContext
from dailies.api.create import create_video
from dailies.api.schemas import ErrorEnvelope
from dailies.records import Source, SourceKind

__all__ = ["router"]

router = APIRouter(tags=["operations"])


@router.get("/health")
async def health(context: RequestContext) -> dict[str, str]:
    """The app runs and its settings are right; says nothing of what it stands on."""
    models = len(context.services.catalogue.models)
    return {"status": "ok", "models": str(models)}


@router.post(
    "/orchestrations/generate-video",
    status_code=202,
    responses={status: {"model": ErrorEnvelope} for status in (400, 401, 403, 404, 413, 503)},
)
async def generate_video(request: Request, context: RequestContext, admin: Admin) -> JSONResponse:
    """Start a video and answer Durable's own check-status payload.

    Its addresses carry a key to the whole task hub, hence the admin key.
    """
    acceptance = await create_video(
        context, request, owner=admin.name, source=Source(kind=SourceKind.OPERATOR)
    )
    links = context.orchestrations.check_status(acceptance.record.id)
    return JSONResponse(
        dict(links),
        status_code=202,
        headers={"Location": links["statusQueryGetUri"], "Retry-After": "10"},
    )
