"""A function behind the app's own implementation of HTTP streams."""

import json
import sys

import azure.functions as func

from triggers.http_streams import Request, Response

if sys.version_info >= (3, 13):  # the app is in Microsoft's own worker
    from azure_functions_runtime.http_v2 import http_coordinator
else:
    from local.host.worker.coordinator import http_coordinator

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route(route="kept")
async def kept(req: Request) -> Response:
    """Of how many requests the worker keeps something; this one is among them."""
    return Response(json.dumps(len(http_coordinator._context_references)))
