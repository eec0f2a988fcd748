"""What needs an operator's eye, in one list."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from dailies.api.context import SECURITY, Admin, RequestContext
from dailies.api.documents import answers
from dailies.pipeline.attention import ConcernKind, concerns

__all__ = ["router"]

router = APIRouter(prefix="/v1/admin", tags=["operations"], dependencies=SECURITY)


class ConcernObject(BaseModel):
    """Something to look at."""

    model_config = ConfigDict(from_attributes=True)

    kind: ConcernKind
    about: str = Field(
        description="The id of a video, or the name of a deployment, a dropped image or a setting."
    )
    owner: str | None
    since: float | None = Field(
        description="Unix seconds; of a retirement the day, which may be to come."
    )
    why: str
    remedy: str
    call: str | None = Field(description="The request that does it, or tells more.")


class ConcernList(BaseModel):
    """The most urgent kind first, and of a kind the oldest."""

    object: Literal["list"] = "list"
    data: list[ConcernObject]
    complete: bool = Field(
        description="False where more videos have something left to do than were looked at; the "
        "oldest were."
    )
    left_out: tuple[str, ...] = Field(
        description="Deployments of the catalogue that are not in use, and for want of what."
    )


@router.get("/attention", response_model=ConcernList, responses=answers(403))
async def list_concerns(context: RequestContext, admin: Admin) -> ConcernList:
    """All that does not go on alone: videos, deployments, dropped images, settings; each with what
    to do about it."""
    services = context.services
    found = await concerns(services, context.doubts())
    return ConcernList(
        data=[ConcernObject.model_validate(concern) for concern in found.found],
        complete=found.complete,
        left_out=services.catalogue.left_out,
    )
