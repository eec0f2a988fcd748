"""HTTP: one catch-all trigger in front of the FastAPI app.

Requests and answers are streams (``triggers.http_streams``): a body is read as it arrives and sent
as it is made, and neither host nor worker holds it whole.
"""

from __future__ import annotations

import functools
import os

import azure.durable_functions as df
import azure.functions as func
from starlette.types import ASGIApp, Receive, Scope, Send

from dailies.app.runtime import host_trace, services, start_work
from dailies.telemetry.spans import RequestTrace
from dailies.video.errors import SettingsError
from durable_client import DurableOrchestrations
from triggers import arrival_guard
from triggers.http_streams import Request, Response

blueprint = df.Blueprint()

_METHODS = [func.HttpMethod(name) for name in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")]


# Anonymous to the host, because an openai client can send a key only as a Bearer token or api-key:
# the API authenticates every route but /health itself.
@blueprint.route(route="{*path}", methods=_METHODS, auth_level=func.AuthLevel.ANONYMOUS)
@blueprint.durable_client_input(client_name="client")
async def http_api(
    req: Request, context: func.Context, client: df.DurableOrchestrationClient
) -> Response:
    """Hand the request to the FastAPI app, with the durable client beside it."""
    from dailies.api.asgi import respond

    arrival_guard.report()
    app = _with_context(client, _trace(req, context))
    return await respond(app, req, seconds=_longest())


@functools.cache
def _app() -> ASGIApp:
    # Imported at the first request: the routes and their models take a good part of a second.
    from dailies.api.app import create_app

    return create_app()


def _trace(req: Request, context: func.Context) -> RequestTrace:
    """The trace that the request is part of: the host's, else the caller's."""
    try:
        start_work()
        host = host_trace(context.trace_context.trace_parent)
    except SettingsError:
        return RequestTrace()  # the app answers what is wrong
    return RequestTrace(host or req.headers.get("traceparent"), reported=host is not None)


def _longest() -> float:
    """The seconds that a request may take, until its answer is sent."""
    try:
        return services().settings.request_seconds
    except SettingsError:
        from dailies.settings import REQUEST_SECONDS

        return REQUEST_SECONDS  # the app answers what is wrong


def _with_context(client: df.DurableOrchestrationClient, trace: RequestTrace) -> ASGIApp:
    """The app for one request: its scope carries what the routes need."""
    from dailies.api.context import Context
    from dailies.app.doubts import doubtful_settings

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        # A function, so that a wrong setting is answered by the app, in its envelope.
        state = {
            "dailies": lambda: Context(
                services(),
                DurableOrchestrations(client),
                lambda: doubtful_settings(os.environ),
            ),
            RequestTrace.KEY: trace,
        }
        await _app()({**scope, "state": state}, receive, send)

    return serve
