"""HTTP: one catch-all trigger in front of the FastAPI app."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import azure.durable_functions as df
import azure.functions as func

from dailies.runtime import services
from triggers.durable import DurableOrchestrations

blueprint = df.Blueprint()

Scope = MutableMapping[str, Any]
AsgiApp = Callable[[Scope, Any, Any], Awaitable[None]]

_METHODS = [func.HttpMethod(name) for name in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")]


# Anonymous to the host, because an openai client can send a key only as a Bearer token or api-key:
# the API authenticates every route but /health itself.
@blueprint.route(route="{*path}", methods=_METHODS, auth_level=func.AuthLevel.ANONYMOUS)
@blueprint.durable_client_input(client_name="client")
async def http_api(
    req: func.HttpRequest, context: func.Context, client: df.DurableOrchestrationClient
) -> func.HttpResponse:
    """Hand the request to the FastAPI app, with the durable client beside it."""
    middleware = func.AsgiMiddleware(_with_context(client))
    return await middleware.handle_async(req, context)


@functools.cache
def _app() -> AsgiApp:
    # Imported at the first request: FastAPI takes a good part of a second.
    from dailies.api.app import create_app

    return create_app()


def _with_context(client: df.DurableOrchestrationClient) -> AsgiApp:
    """The app for one request: its scope carries what the routes need."""
    from dailies.api.context import Context

    async def serve(scope: Scope, receive: Any, send: Any) -> None:
        context = Context(services(), DurableOrchestrations(client))
        state = {**(scope.get("state") or {}), "dailies": context}
        await _app()({**scope, "state": state}, receive, send)

    return serve
