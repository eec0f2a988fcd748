"""HTTP streams: the worker's own HTTP server, to which the host passes requests on.

An app that imports an implementation of ``azurefunctions.extensions.base`` gets its requests and
gives its answers as streams. The host then sends two things for a request: the invocation, without
a body, over the channel, and the request itself to this server, marked with the invocation's id.
The two meet at the coordinator. Source: ``azure_functions_worker/http_v2.py``; server and types are
the extension's.
"""

from __future__ import annotations

import asyncio
import importlib
import socket
import sys
from collections.abc import Mapping
from typing import Any

from .coordinator import catch_all, http_coordinator

__all__ = [
    "REQUIRED_SETTING",
    "HttpStreams",
    "returns_stream",
    "streams_enabled",
    "takes_stream",
]

REQUIRED_SETTING = "PYTHON_ENABLE_INIT_INDEXING"
"""Without it a worker of Python 3.12 or older indexes too late to tell the host of its server."""

_EXTENSION = "azurefunctions.extensions.base"
_LOOPBACK = "127.0.0.1"
_STARTS_IN_S = 10.0


def streams_enabled() -> bool:
    """Whether the app that was loaded has imported the extension."""
    extension = sys.modules.get(_EXTENSION)
    return extension is not None and bool(extension.HttpV2FeatureChecker.http_v2_enabled())


def takes_stream(annotation: type) -> bool:
    """Whether a parameter of this type can receive a streamed request."""
    return bool(_base().RequestTrackerMeta.check_type(annotation))


def returns_stream(annotation: type) -> bool:
    """Whether a value of this type can be a streamed answer."""
    return bool(_base().ResponseTrackerMeta.check_type(annotation))


def _base() -> Any:
    return importlib.import_module(_EXTENSION)


class HttpStreams:
    """The server of an app's requests."""

    def __init__(self) -> None:
        self._serving: asyncio.Task[None] | None = None

    async def start(self) -> str:
        """Start the server; gives its address once it accepts connections.

        :raises RuntimeError: it does not start.
        """
        base = _base()
        extension = importlib.import_module(base.ModuleTrackerMeta.get_module())
        app = extension.WebApp()
        catch_all.__annotations__["request"] = base.RequestTrackerMeta.get_request_type()
        app.route(catch_all)
        port = _unused_port()
        self._serving = asyncio.create_task(extension.WebServer(_LOOPBACK, port, app).serve())
        await self._wait(port)
        return f"http://{_LOOPBACK}:{port}"

    async def _wait(self, port: int) -> None:
        assert self._serving is not None
        async with asyncio.timeout(_STARTS_IN_S):
            while not self._serving.done():
                try:
                    _, writer = await asyncio.open_connection(_LOOPBACK, port)
                except OSError:
                    await asyncio.sleep(0.01)
                else:
                    writer.close()
                    return
        raise RuntimeError("the worker's HTTP server ended at its start")

    @staticmethod
    async def request(invocation_id: str, parameters: Mapping[str, str]) -> Any:
        """The request of an invocation, with the parameters of its route; waits without a limit."""
        request = await http_coordinator.get_http_request_async(invocation_id)
        _base().RequestTrackerMeta.get_synchronizer().sync_route_params(request, parameters)
        return request

    @staticmethod
    def answer(invocation_id: str, response: Any) -> None:
        """Answer the request of an invocation; an exception is raised where it is served.

        :raises KeyError: the coordinator does not know the invocation.
        """
        http_coordinator.set_http_response(invocation_id, response)


def _unused_port() -> int:
    with socket.socket() as probe:
        probe.bind((_LOOPBACK, 0))
        return int(probe.getsockname()[1])
