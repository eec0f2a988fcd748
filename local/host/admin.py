"""The host's own routes for operators: ``/admin/…``, with the master key but for the two pings."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from .functions import Function, FunctionTable
from .keys import Keys
from .listeners import Listeners
from .worker_process import WorkerProcess

__all__ = ["AdminApi", "given_key"]

_OPEN = ("/admin/host/ping", "/admin/instance/http-health")
_VERSION = "4.1037.0"
"""The release of the real host that this one is like."""

Handler = Callable[[Request, list[str]], Awaitable[Response]]


def given_key(request: Request) -> str:
    """The key that a request brings, empty for none."""
    return request.headers.get("x-functions-key") or request.query_params.get("code") or ""


@dataclass
class AdminApi:
    """What ``/admin/…`` has here; any other path is the app's, as it is on the real host.

    Attributes:
        table: the functions of the app.
    """

    keys: Keys
    worker: WorkerProcess
    listeners: Listeners
    table: FunctionTable

    def __post_init__(self) -> None:
        self._began = time.monotonic()

    async def answer(self, request: Request, path: str) -> Response | None:
        """Answer a request for a path in lower case; None where there is no such route."""
        path = path.rstrip("/")
        if path in _OPEN:
            return Response(status_code=200)
        handler = self._handler(path.split("/")[2:])
        if handler is None:
            return None
        if not self.keys.allows_admin(given_key(request)):
            return Response(status_code=401)
        return await handler(request, path.split("/")[2:])

    def _handler(self, parts: list[str]) -> Handler | None:
        match parts:
            case ["host", "status"]:
                return self._status
            case ["host", "invocations"]:
                return self._invocations
            case ["host", "keys" | "functionkeys" | "systemkeys"]:
                return self._list_keys
            case ["host", "keys" | "functionkeys" | "systemkeys", _]:
                return self._key
            case ["functions"]:
                return self._functions
            case ["functions", _]:
                return self._function
        return None

    async def _status(self, _: Request, __: list[str]) -> Response:
        # Of an app that cannot be indexed it says nothing, as the real one.
        uptime = int(1000 * (time.monotonic() - self._began))
        document = {"state": "Running", "version": _VERSION, "processUptime": uptime}
        return JSONResponse(document)

    async def _invocations(self, _: Request, __: list[str]) -> Response:
        return JSONResponse(self.worker.executing())

    async def _list_keys(self, _: Request, parts: list[str]) -> Response:
        listed = [{"name": name, "value": value} for name, value in self._of(parts[1]).items()]
        return JSONResponse({"keys": listed})

    async def _key(self, _: Request, parts: list[str]) -> Response:
        keys = {"_master": self.keys.master, **self._of(parts[1])}
        value = keys.get(parts[2])
        if value is None:
            return Response(status_code=404)
        return JSONResponse({"name": parts[2], "value": value})

    def _of(self, kind: str) -> dict[str, str]:
        return self.keys.system if kind == "systemkeys" else {"default": self.keys.function}

    async def _functions(self, _: Request, __: list[str]) -> Response:
        return JSONResponse([_told(function) for function in self.table.all])

    async def _function(self, request: Request, parts: list[str]) -> Response:
        found = [f for f in self.table.all if f.name.lower() == parts[1]]
        if not found:
            return Response(status_code=404)
        if request.method != "POST":
            return JSONResponse(_told(found[0]))
        if not self.listeners.run_now(found[0].name):
            return JSONResponse("The local functions host runs timers only when asked.", 501)
        return Response(status_code=202)


def _told(function: Function) -> dict[str, Any]:
    return {
        "name": function.name,
        "isDisabled": function.disabled,
        "config": {"bindings": function.bindings},
    }
