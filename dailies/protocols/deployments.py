"""Deployments, as operators see them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, Field

from dailies.catalogue import Catalogue, Deployment
from dailies.routing.breaker import place_of
from dailies.stores.health import DeploymentHealth

__all__ = ["DeploymentList", "DeploymentObject", "deployment_list"]


class DeploymentObject(BaseModel):
    """A deployment and how it fares; times are Unix seconds."""

    id: str
    object: Literal["deployment"] = "deployment"
    model: str
    provider: str
    state: Literal["well", "resting", "shut", "gone"] = Field(
        description="`resting` after faults in a row, until a trial works; `shut` until somebody "
        "mends it; `gone` for good."
    )
    faults: int = Field(description="Faults in a row that are remembered.")
    since: int | None
    until: int | None = Field(description="When it is tried again.")
    code: str | None
    remedy: str | None


class DeploymentList(BaseModel):
    """All that are in use, in the catalogue's order."""

    object: Literal["list"] = "list"
    data: list[DeploymentObject]


def deployment_list(catalogue: Catalogue, known: Mapping[str, DeploymentHealth]) -> DeploymentList:
    """The deployments in use, with what is remembered of them by name."""
    return DeploymentList(
        data=[
            _object(model.name, deployment, known.get(deployment.name))
            for model in catalogue.models.values()
            for deployment in model.deployments
        ]
    )


def _object(
    model: str, deployment: Deployment, health: DeploymentHealth | None
) -> DeploymentObject:
    place = place_of(deployment)
    here = health if health is not None and health.place == place else DeploymentHealth(place=place)
    return DeploymentObject(
        id=deployment.name,
        model=model,
        provider=deployment.provider,
        state=here.state.value,
        faults=len(here.faults),
        since=None if here.since is None else int(here.since),
        until=None if here.until is None else int(here.until),
        code=here.code,
        remedy=here.remedy,
    )
