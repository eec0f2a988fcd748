"""Dailies' HTTP function, on a worker whose coordinator is not the one that it knows."""

import sys
from typing import Any

import azure.durable_functions as df

from triggers.http import blueprint

if sys.version_info >= (3, 13):  # the app is in Microsoft's own worker
    from azure_functions_runtime.http_v2 import http_coordinator
else:
    from local.host.worker.coordinator import http_coordinator

_known = http_coordinator.get_http_request_async


async def get_http_request_async(invoc_id: str, patience: float | None = None) -> Any:
    """As a later version might have it."""
    return await _known(invoc_id)


http_coordinator.get_http_request_async = get_http_request_async  # type: ignore[method-assign]

app = df.DFApp()
app.register_functions(blueprint)
