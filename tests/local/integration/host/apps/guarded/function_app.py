"""A function behind the app's own implementation of HTTP streams."""

import json

import azure.functions as func

from local.host.worker.coordinator import http_coordinator
from triggers.http_streams import Request, Response

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route(route="kept")
async def kept(req: Request) -> Response:
    """Of how many requests the worker keeps something; this one is among them."""
    return Response(json.dumps(len(http_coordinator._context_references)))
