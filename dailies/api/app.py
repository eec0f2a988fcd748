"""The FastAPI application."""

from __future__ import annotations

import functools
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.types import ASGIApp

from dailies.api import (
    batch_order,
    batches,
    callbacks,
    characters,
    content,
    create,
    derivatives,
    errors,
    events,
    links,
    models,
    operations,
    retrieve,
    retry,
    studio,
    usage,
    videos,
    webhooks,
    whoami,
)
from dailies.api.admin import attention as admin_attention
from dailies.api.admin import budgets as admin_budgets
from dailies.api.admin import deployments as admin_deployments
from dailies.api.admin import keys as admin_keys
from dailies.api.admin import spend as admin_spend
from dailies.api.admin import story as admin_story
from dailies.api.admin import videos as admin_videos
from dailies.api.admin import webhooks as admin_webhooks
from dailies.api.front import Front, Head
from dailies.api.observe import Observer
from dailies.api.rates import RateHeaders
from dailies.api.sora1 import routes as sora1
from dailies.video.errors import RequestError

__all__ = ["PREFIXES", "create_app", "refusal"]

PREFIXES = ("/v1", "/openai/v1", "")
"""OpenAI's base path, Azure's, and none, as callers of LiteLLM's proxy use it."""

_DESCRIPTION = """\
The videos protocol of OpenAI and of Azure OpenAI. Every path under `/v1` is also served under
`/openai/v1` and without a prefix. A field that is not known is answered by a warning.
"""

_OPERATORS = (
    operations.router,
    admin_videos.router,
    admin_story.router,
    admin_attention.router,
    admin_deployments.router,
    admin_keys.router,
    admin_budgets.router,
    admin_spend.router,
    admin_webhooks.router,
    callbacks.router,
    studio.router,
)

# Fixed paths come before those with an id in the same place.
_ROUTERS = (
    sora1.router,
    models.router,
    usage.router,
    whoami.router,
    characters.router,
    webhooks.router,
    events.router,
    derivatives.router,
    batch_order.router,
    batches.router,
    links.router,
    retry.router,
    content.router,
    create.router,
    videos.router,
)


def create_app() -> FastAPI:
    """The app. Each request brings its ``Context`` in ``scope["state"]["dailies"]``."""
    app = FastAPI(
        title="Dailies",
        summary="Prompts and reference images become finished videos.",
        description=_DESCRIPTION,
        version="1",
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
        redirect_slashes=False,
        # The spans, metrics and logs of a request are the Observer's, and are told once.
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    errors.install(app)
    for middleware in (Head, Observer, RateHeaders, Front):  # from within to without
        app.add_middleware(middleware)
    # Routes are tried in turn, so what is asked most comes first. No other one takes a GET of a
    # path of one segment below /videos.
    for prefix in PREFIXES:
        for first in (events.owner_router, retrieve.router):
            app.include_router(first, prefix=prefix, include_in_schema=prefix == PREFIXES[0])
    for router in _OPERATORS:
        app.include_router(router)
    for prefix in PREFIXES:
        for router in _ROUTERS:
            app.include_router(router, prefix=prefix, include_in_schema=prefix == PREFIXES[0])
    app.openapi = functools.cache(functools.partial(_document, app))  # type: ignore[method-assign] # FastAPI's own way to change the document
    return app


def refusal(error: RequestError) -> ASGIApp:
    """The answer to a request that no route gets to see, with all that every answer has."""
    return Front(Observer(errors.error_response(error)))


def _document(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document, without FastAPI's own form of validation errors: none is ever sent."""
    document = get_openapi(
        title=app.title,
        version=app.version,
        summary=app.summary,
        description=app.description,
        routes=app.routes,
    )
    for path in document["paths"].values():
        for operation in path.values():
            operation["responses"].pop("422", None)
    for name in ("HTTPValidationError", "ValidationError"):
        document["components"]["schemas"].pop(name, None)
    return document
