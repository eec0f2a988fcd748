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
    """The models of the catalogue that the caller's key may use; ``available`` says of which videos
    can be had now."""
    services = context.services
    return model_list(
        services.catalogue,
        services.clock(),
        await _retires(services),
        caller.key.limits.allows_model,
    )


# Aliases may have slashes, and clients send them escaped or as they are.
@router.get("/models/{model:path}", response_model=ModelObject, responses=answers(404))
async def retrieve_model(model: str, context: RequestContext, caller: Caller) -> ModelObject:
    """A model, by any name that a create takes for it."""
    catalogue = context.services.catalogue
    found = catalogue.find(model)
    hidden = found is not None and not caller.key.limits.allows_model(found.name)
    if found is None or hidden:
        hint = " GET /v1/models lists yours." if hidden else catalogue.hint(model)
        raise NotFound(
            f"The model '{model[:64]}' does not exist.{hint}",
            param="model",
            code="model_not_found",
        )
    services = context.services
    return model_object(catalogue, found, services.clock(), await _retires(services))


async def _retires(services: Services) -> Retires:
    await health.refresh(services)
    return functools.partial(retirement_of, services)
