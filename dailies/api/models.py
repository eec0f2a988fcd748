"""Which models there are, what each can do, and what it costs."""

from __future__ import annotations

import functools

from fastapi import APIRouter

from dailies.api.context import SECURITY, Caller, RequestContext
from dailies.api.documents import answers
from dailies.protocols.openai.models import (
    ModelList,
    ModelObject,
    Retires,
    model_list,
    model_object,
)
from dailies.routing import health
from dailies.routing.lifecycle import retirement_of
from dailies.services import Services
from dailies.video.errors import NotFound

__all__ = ["router"]

router = APIRouter(tags=["models"], dependencies=SECURITY)


@router.get("/models", response_model=ModelList, responses=answers())
async def list_models(context: RequestContext, caller: Caller) -> ModelList:
    """All models of the catalogue; ``available`` says of which videos can be had now."""
    services = context.services
    return model_list(services.catalogue, services.clock(), await _retires(services))


# Aliases may have slashes, and clients send them escaped or as they are.
@router.get("/models/{model:path}", response_model=ModelObject, responses=answers(404))
async def retrieve_model(model: str, context: RequestContext, caller: Caller) -> ModelObject:
    """A model, by any name that a create takes for it."""
    catalogue = context.services.catalogue
    found = catalogue.find(model)
    if found is None:
        raise NotFound(
            f"The model '{model[:64]}' does not exist.{catalogue.hint(model)}",
            param="model",
            code="model_not_found",
        )
    services = context.services
    return model_object(catalogue, found, services.clock(), await _retires(services))


async def _retires(services: Services) -> Retires:
    await health.refresh(services)
    return functools.partial(retirement_of, services)
