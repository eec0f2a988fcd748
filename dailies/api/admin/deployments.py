"""How the deployments fare."""

from __future__ import annotations

from fastapi import APIRouter

from dailies.api.context import SECURITY, Admin, RequestContext
from dailies.api.documents import answers
from dailies.protocols.deployments import DeploymentList, DeploymentObject, deployment_list
from dailies.routing import health
from dailies.video.errors import NotFound

__all__ = ["router"]

router = APIRouter(prefix="/v1/admin", tags=["operations"], dependencies=SECURITY)


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
