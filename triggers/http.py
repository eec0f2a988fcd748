"""HTTP: one catch-all trigger in front of the FastAPI app."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit

import azure.durable_functions as df
import azure.functions as func

from dailies.errors import SettingsError
from dailies.runtime import host_trace, services, start_telemetry
from dailies.telemetry.spans import RequestTrace
from durable_client import DurableOrchestrations

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
    app = _with_context(client, _trace(req, context))
    middleware = func.AsgiMiddleware(app)  # type: ignore[no-untyped-call] # no types in the SDK
    response: func.HttpResponse = await middleware.handle_async(_readable(req), context)
    return response


def _readable(req: func.HttpRequest) -> func.HttpRequest:
    """The request with an address that the middleware can read: it fails on a path that is not
    UTF-8 and on a host that is none, and both are for the caller to write."""
    try:
        parts = urlsplit(req.url)
        unquote_to_bytes(parts.path).decode()
        _ = parts.port
    except ValueError:
        return func.HttpRequest(
            method=req.method,
            url="http://localhost/unreadable-address",
            headers=req.headers,
            params=req.params,
            route_params=req.route_params,
            body=req.get_body(),
        )
    return req


@functools.cache
def _app() -> AsgiApp:
    # Imported at the first request: FastAPI takes a good part of a second.
    from dailies.api.app import create_app

    return create_app()


def _trace(req: func.HttpRequest, context: func.Context) -> RequestTrace:
    """The trace that the request is part of: the host's, else the caller's."""
    try:
        start_telemetry()
        host = host_trace(context.trace_context.trace_parent)
    except SettingsError:
        return RequestTrace()  # the app answers what is wrong
    return RequestTrace(host or req.headers.get("traceparent"), reported=host is not None)


def _with_context(client: df.DurableOrchestrationClient, trace: RequestTrace) -> AsgiApp:
    """The app for one request: its scope carries what the routes need."""
    from dailies.api.context import Context

    async def serve(scope: Scope, receive: Any, send: Any) -> None:
        # A function, so that a wrong setting is answered by the app, in its envelope.
        state = {
            **(scope.get("state") or {}),
            "dailies": lambda: Context(services(), DurableOrchestrations(client)),
            RequestTrace.KEY: trace,
        }
        await _app()({**scope, "state": state}, receive, send)

    return serve
