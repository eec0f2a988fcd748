"""HTTP streams of Azure Functions for Python, over Starlette.

The worker looks for a module that implements ``azurefunctions.extensions.base`` and runs its
server; the host passes requests on to that, unread. Microsoft's own implementation puts a FastAPI
app with routes in front of the functions: ``/openapi.json`` and ``/docs`` never reach them, nor
does a path with a line break, whose invocation then waits until the whole worker is ended for it.
Here every request reaches its function.

Needs the app setting ``PYTHON_ENABLE_INIT_INDEXING=1`` with Python 3.12 and older. Importing this
module is what switches the worker over.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any

import uvicorn
from azurefunctions.extensions import base
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from triggers.arrival_guard import UnclaimedError, guard

__all__ = ["Request", "Response", "WebApp", "WebServer"]

Serve = Callable[[Request], Awaitable[Response]]

_IDLE_SECONDS = 75
"""Longer than the minute for which the host keeps an idle connection: one that it is about to use
must not be closed from here."""
_HEADER_BYTES = 64 * 1024
"""Twice what the host takes: what is too much is for it to say."""
_SENT_BYTES = 256 * 1024
"""Of an answer, in the socket's buffer, where the system would let it grow to 4 MB."""


class RouteParameters(base.RequestSynchronizer):
    """Puts the parameters of the function's route into a request."""

    def sync_route_params(self, request: Request, path_params: Mapping[str, Any]) -> None:
        """See ``azurefunctions.extensions.base``."""
        request.scope["path_params"] = dict(path_params)


class RequestType(metaclass=base.RequestTrackerMeta):
    """What a function's request parameter is."""

    request_type = Request
    synchronizer = RouteParameters()


class ResponseType(metaclass=base.ResponseTrackerMeta):
    """What a function may return."""

    label = base.ResponseLabels.STANDARD
    response_type = Response


class WebApp(base.WebApp):
    """Hands every request to the one function that the worker gives."""

    def __init__(self) -> None:
        self._serve: Serve | None = None

    def route(self, func: Serve) -> Serve:
        """Take the worker's function."""
        guard(func)
        self._serve = func
        return func

    def get_app(self) -> ASGIApp:
        """The ASGI app for the server."""
        return self._answer

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or self._serve is None:
            return  # a websocket is then closed
        answer: ASGIApp
        try:
            answer = await self._serve(Request(scope, receive))
        except UnclaimedError:
            answer = _not_invoked()
        await answer(scope, receive, send)


class WebServer(base.WebServer):
    """The server; the worker runs it on the loopback interface, for the host alone."""

    async def serve(self) -> None:
        """Serve until the worker ends."""
        config = uvicorn.Config(
            self.web_app,
            host=self.hostname,
            port=self.port,
            interface="asgi3",
            http=_Protocol,
            lifespan="off",
            log_config=None,
            log_level="warning",
            access_log=False,  # the API logs each request itself, without what a caller made up
            server_header=False,
            proxy_headers=False,  # nothing asks where a request came from
            timeout_keep_alive=_IDLE_SECONDS,
            h11_max_incomplete_event_size=_HEADER_BYTES,
        )
        await _Server(config).serve()


class _Protocol(H11Protocol):
    """HTTP by h11, whatever else is installed beside it, as what that takes is tested.

    Little is held for a slow client: what is still on its way when an answer is broken off counts
    towards ``functionTimeout``.
    """

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
        """See ``asyncio.Protocol``."""
        connection = transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SENT_BYTES)
        super().connection_made(transport)


class _Server(uvicorn.Server):
    """A server that leaves the process's signals to the worker."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _not_invoked() -> ASGIApp:
    """The answer to a request without an invocation, given here as the function never sees it."""
    # Imported where it is needed, which is hardly ever: a worker starts without the API.
    from dailies.api.app import refusal
    from dailies.video.errors import Unavailable

    return refusal(
        Unavailable(
            "The request was not brought to its function, and nothing was done. Send it again, "
            "without a header 'x-ms-invocation-id' if it has one: that is for the host to set.",
            retry_after=1,
            code="not_invoked",
        )
    )
