"""HTTP triggers: routes, keys, limits, and the way of a request through the worker."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from .functions import Function
from .http_proxy import Forwarding, ForwardingError, HttpProxy
from .keys import Keys
from .paths import decoded
from .request_body import BodyRefusedError, RequestBody
from .routes import RouteTable, RouteTemplate
from .worker_process import (
    FunctionFault,
    Invocation,
    InvocationResult,
    WorkerLostError,
    WorkerNotReadyError,
    WorkerProcess,
)

__all__ = ["HttpTriggers"]

_log = logging.getLogger("host.http")

ANSWER_LIMIT_S = 230.0
"""The load balancer in front of an app gives up after this time."""
_RESERVED = "admin"
"""What no route may begin with."""
_WORKER_WAIT_S = 30.0
"""How long a request waits for a worker that is being started."""


class HttpTriggers:
    """Serves the HTTP-triggered functions of the app."""

    def __init__(
        self,
        worker: WorkerProcess,
        keys: Keys,
        route_prefix: str,
        answer_limit_s: float = ANSWER_LIMIT_S,
    ) -> None:
        self._worker = worker
        self._keys = keys
        self._prefix = route_prefix
        self._answer_limit_s = answer_limit_s
        self._routes: RouteTable[Function] = RouteTable()
        self._proxy = HttpProxy()
        self._streaming: set[asyncio.Task[InvocationResult]] = set()

    async def close(self) -> None:
        """Close the connections to the worker."""
        await self._proxy.close()

    def index(self, functions: list[Function]) -> None:
        """Serve these functions and no others, in the order of their names, as the real host does.

        :raises RouteTemplateError: a route is not understood.
        """
        routes: RouteTable[Function] = RouteTable()
        for function in sorted(functions, key=lambda function: function.name.lower()):
            route = str(function.trigger.get("route") or function.name).strip("/")
            path = "/".join(filter(None, (self._prefix, route)))
            if path.lower().startswith(_RESERVED):
                _log.error("function %s will never run: its route is the host's", function.name)
                continue
            methods = function.trigger.get("methods") or None
            routes.add(RouteTemplate.parse(path), methods, function)
        self._routes = routes

    async def handle(self, request: Request) -> Response:
        """Answer one request."""
        path = decoded(request.scope["raw_path"].partition(b"?")[0])
        refusal = await self.wait_for_worker()
        if refusal is not None:
            return _unserved(path) if self._worker.index_error else refusal
        found = self._routes.find(request.method, path.removeprefix("/"))
        if found is None:
            return _unserved(path)
        function, parameters = found
        if not self._is_allowed(function, request):
            return Response(status_code=401)
        body = RequestBody(request)
        try:
            # Before there is an invocation, also where the request is then forwarded.
            content = await body.whole()
        except BodyRefusedError:
            return body.refusal or Response(status_code=400)
        if (uri := self._worker.http_uri) is not None:
            return await self._stream(function, request, parameters, (body, content), uri)
        call = self._invocation(function, request, parameters, content)
        return await self._call(call, is_head=request.method == "HEAD")

    async def wait_for_worker(self) -> Response | None:
        """Wait until functions can be called; the answer to give when they cannot.

        To a caller an app that cannot be indexed is one without functions, as there: the reason is
        in the host's log and status, and in the terminal of a stack.
        """
        if self._worker.index_error is not None:
            return Response(status_code=404)
        try:
            async with asyncio.timeout(_WORKER_WAIT_S):
                await self._worker.wait_ready()
        except TimeoutError:
            return PlainTextResponse("Function host is not running.", 503)
        return None

    def _is_allowed(self, function: Function, request: Request) -> bool:
        level = str(function.trigger.get("authLevel") or "function").lower()
        key = request.headers.get("x-functions-key") or request.query_params.get("code") or ""
        if level == "anonymous":
            return True
        if level == "admin":
            return self._keys.allows_admin(key)
        return self._keys.allows_function(key)

    def _invocation(
        self, function: Function, request: Request, parameters: dict[str, str], body: bytes
    ) -> Invocation:
        value = {
            "method": request.method,
            "url": _url(request),
            "headers": _joined(request.headers.items()),
            "query": _joined(parse_qsl(request.url.query, keep_blank_values=True)),
            "params": parameters,
        }
        return _call_of(function, request, value, body)

    async def _call(self, call: Invocation, *, is_head: bool) -> Response:
        try:
            async with asyncio.timeout(self._answer_limit_s):
                result = await self._worker.invoke(call)
        except (WorkerLostError, WorkerNotReadyError, TimeoutError) as error:
            return _unanswered(call, error)
        _log_fault(call, result.fault)
        if result.fault is not None:
            return Response(status_code=500)
        return _response(result, is_head=is_head)

    async def _stream(
        self,
        function: Function,
        request: Request,
        parameters: dict[str, str],
        read: tuple[RequestBody, bytes],
        uri: str,
    ) -> Response:
        """Pass the request on to the worker's own server, beside the invocation.

        The invocation goes on until the worker has replied and nothing is forwarded any more.
        """
        call = _call_of(function, request, {"params": parameters})
        forwarding = self._proxy.forward(request, *read, uri, call.id)
        running = asyncio.create_task(self._worker.invoke(call, until=forwarding.ended))
        self._streaming.add(running)
        running.add_done_callback(lambda done: self._ended(call, done))
        try:
            async with asyncio.timeout(self._answer_limit_s):
                return await self._forwarded(call, forwarding, running)
        except (WorkerLostError, WorkerNotReadyError, TimeoutError) as error:
            forwarding.give_up()
            return _unanswered(call, error)

    @staticmethod
    async def _forwarded(
        call: Invocation, forwarding: Forwarding, running: asyncio.Task[InvocationResult]
    ) -> Response:
        answering = asyncio.create_task(forwarding.answer())
        try:
            await asyncio.wait((answering, running), return_when=asyncio.FIRST_COMPLETED)
            if not answering.done():
                running.result()
            return await answering
        except ForwardingError as error:
            _log.warning(
                "the request of function %s was not forwarded: %s", call.function.name, error
            )
            # The real host, too, answers when the invocation has ended, whoever waits for that.
            await asyncio.wait((running,))
            running.result()
            return Response(status_code=500)
        finally:
            answering.cancel()

    def _ended(self, call: Invocation, done: asyncio.Task[InvocationResult]) -> None:
        self._streaming.discard(done)
        if not done.cancelled() and done.exception() is None:
            _log_fault(call, done.result().fault)


def _call_of(
    function: Function, request: Request, value: Mapping[str, object], body: bytes = b""
) -> Invocation:
    return Invocation(
        function,
        {str(function.trigger["name"]): {"type": "http", "value": value}},
        body,
        traceparent=request.headers.get("traceparent", ""),
        tracestate=request.headers.get("tracestate", ""),
    )


def _unserved(path: str) -> Response:
    """The answer where no function has the route; ``/`` is then the host's own page."""
    return Response(status_code=200 if path == "/" else 404)


def _unanswered(call: Invocation, error: Exception) -> Response:
    """The answer when the worker gave none."""
    if isinstance(error, WorkerNotReadyError):
        return PlainTextResponse(f"Not ready: {error}.\n", 503, {"Retry-After": "1"})
    if isinstance(error, TimeoutError):
        _log.error("function %s did not answer in time", call.function.name)
        return PlainTextResponse("The function did not answer in time.\n", 504)
    return Response(status_code=500)


def _log_fault(call: Invocation, fault: FunctionFault | None) -> None:
    if fault is None:
        return
    _log.error("function %s failed: %s", call.function.name, fault.type)
    for line in fault.stack.rstrip().splitlines():
        _log.error("  %s", line)


def _response(result: InvocationResult, *, is_head: bool) -> Response:
    value = result.value
    if value is None:
        return Response(status_code=204)
    if value["type"] != "http":
        return Response(result.content, 200, media_type="text/plain")
    has_no_body = value["status"] in (204, 304)
    response = Response(b"" if has_no_body else result.content, value["status"])
    for name, text in value["headers"].items():
        if is_head and name.lower() == "content-length":
            # What a GET would have, which only the function knows.
            response.headers[name] = text
        elif name.lower() not in ("content-length", "transfer-encoding", "connection"):
            response.headers[name] = text
    for cookie in value["cookies"]:
        response.headers.append("set-cookie", cookie)
    return response


def _url(request: Request) -> str:
    """The address as it was asked for, still encoded."""
    query = f"?{request.url.query}" if request.url.query else ""
    path = request.scope["raw_path"].partition(b"?")[0].decode("latin-1")
    return f"{request.url.scheme}://{request.url.netloc}{path}{query}"


def _joined(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Repeated names become one value, joined by commas, as Azure hands them to a worker."""
    joined: dict[str, str] = {}
    for name, value in pairs:
        joined[name] = f"{joined[name]},{value}" if name in joined else value
    return joined
