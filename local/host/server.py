"""The host: puts its parts together and runs them until it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from .admin import AdminApi, given_key
from .config import load_config
from .durable_links import client_binding
from .functions import FunctionTable
from .http_proxy import AnswerBrokenError
from .http_triggers import HttpTriggers
from .kestrel import (
    HEAD_BYTES,
    IDLE_SECONDS,
    KestrelProtocol,
    behave_as_kestrel,
    refusal_of_head,
)
from .keys import load_keys
from .listeners import Listeners
from .management import ManagementApi
from .paths import decoded
from .status import StatusFile
from .taskhub.client import HubClient
from .taskhub.hub import TaskHub
from .taskhub.pace import Pace
from .worker_process import WorkerProcess

__all__ = ["Host", "HostOptions"]

_log = logging.getLogger("host")

_WEBHOOKS = "/runtime/webhooks"
_DURABLE = f"{_WEBHOOKS}/durabletask"
_GRACE_S = 5
"""How long requests in flight may take once the host is told to stop."""


@dataclass(frozen=True)
class HostOptions:
    """What the command line says."""

    app_dir: Path
    state_dir: Path
    bind: str
    port: int
    status_file: Path | None
    speed: float = 1.0
    """Simulated seconds per second: timers fire early by less than a simulated one."""
    like_azure: bool = False
    """Also as slow: see ``Pace``."""


class _Server(uvicorn.Server):
    """A server that leaves the signals of the process to the host."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Host:
    """One function app, served."""

    def __init__(self, options: HostOptions) -> None:
        """Open the port and the state.

        :raises ConfigurationError: ``host.json`` cannot be used.
        :raises OSError: the port or the state directory cannot be used.
        """
        options.state_dir.mkdir(parents=True, exist_ok=True)
        self._config = load_config(options.app_dir)
        self._keys = load_keys(options.state_dir)
        behave_as_kestrel()
        self._public = _listen(options.bind, options.port)
        self._rpc = _listen("127.0.0.1", 0)
        port = self._public.getsockname()[1]
        self.status = StatusFile(options.status_file, port)
        self._worker = WorkerProcess(
            options.app_dir, self.status, self._on_index, self._config.function_timeout_s
        )
        self._left_in_order = options.state_dir / "left-in-order"
        self.hub = TaskHub(
            options.state_dir / "taskhub.db",
            self._worker,
            name=self._config.hub_name,
            max_activities=self._config.max_activities,
            max_orchestrators=self._config.max_orchestrators,
            pace=Pace(
                options.speed,
                options.like_azure,
                self._config.queue_polling_s,
                self._config.queue_visibility_s,
            ),
            left_in_order=self._left_in_order.exists(),
        )
        host_name = "127.0.0.1" if options.bind in ("0.0.0.0", "::") else options.bind
        binding, links = client_binding(
            hub_name=self._config.hub_name,
            connection="Storage",
            base_url=f"{_origin(f'{host_name}:{port}')}{_DURABLE}",
            rpc_base_url=f"http://127.0.0.1:{self._rpc.getsockname()[1]}/",
            system_key=self._keys.system["durabletask_extension"],
        )
        self._listeners = Listeners(self._worker, options.state_dir, self._keys)
        self._management = ManagementApi(HubClient(self.hub), links)
        self._worker.client_binding = binding
        self._http = HttpTriggers(self._worker, self._keys, self._config.route_prefix)
        self._admin = AdminApi(self._keys, self._worker, self._listeners, FunctionTable([]))

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until `stop` is set, then end the worker and close everything."""
        self._left_in_order.unlink(missing_ok=True)
        public = _server(self._answer)
        rpc = _server(self._management.router)
        try:
            async with asyncio.TaskGroup() as group:
                serving = [
                    group.create_task(public.serve([self._public])),
                    group.create_task(rpc.serve([self._rpc])),
                ]
                working = [
                    group.create_task(self._worker.run()),
                    group.create_task(self.hub.run()),
                    group.create_task(self._listeners.run()),
                ]
                await stop.wait()
                _log.info("stopping")
                self._worker.is_stopping = True
                public.should_exit = True
                await serving[0]
                for task in working:
                    task.cancel()
                rpc.should_exit = True
                if self._config.stops_gracefully:
                    self._left_in_order.touch()
        finally:
            self.hub.close()
            self._listeners.close()
            await self._http.close()

    async def _on_index(self, table: FunctionTable) -> None:
        self._http.index(table.enabled("httpTrigger"))
        self.hub.functions.table = table
        self._listeners.index(table)
        self._admin.table = table
        for function in table.all:
            state = "disabled" if function.disabled else function.trigger_type
            _log.info("function %s: %s", function.name, state)

    # -- requests --------------------------------------------------------------------------

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        response = refusal_of_head(scope) or await self._respond(scope, receive)
        try:
            await response(scope, receive, send)
        except AnswerBrokenError as broken:
            # Left incomplete, which makes the server close the connection.
            _log.warning("the answer to a request broke off: %s", broken)

    async def _respond(self, scope: Scope, receive: Receive) -> ASGIApp:
        request = Request(scope, receive)
        path = decoded(scope["raw_path"].partition(b"?")[0])
        known = path.lower()  # those of the host itself ignore case
        if known.startswith("/admin/"):
            response = await self._admin.answer(request, known)
            return response or await self._http.handle(request)
        if not known.startswith(f"{_WEBHOOKS}/"):
            return await self._http.handle(request)
        if (refusal := await self._http.wait_for_worker()) is not None:
            return refusal
        rest = path[len(_WEBHOOKS) + 1 :]
        if rest.partition("/")[0].lower() == "durabletask":
            return self._manage(request, rest[len("durabletask") :])
        return await self._answer_webhook(request, known.rpartition("/")[2])

    def _manage(self, request: Request, path: str) -> ASGIApp:
        if not self._keys.allows_system("durabletask_extension", given_key(request)):
            return Response(status_code=401)

        async def answer(scope: Scope, receive: Receive, send: Send) -> None:
            inner = {**scope, "path": path, "root_path": ""}
            await self._management.router(inner, receive, send)

        return answer

    async def _answer_webhook(self, request: Request, name: str) -> Response:
        if name == "blobs":
            return await self._listeners.answer_blobs(request)
        if name == "eventgrid":
            return await self._listeners.answer_event_grid(request)
        return Response(status_code=404)


def _origin(address: str) -> str:
    """Where callers find the app: by the name that App Service gives it, if it has one."""
    name = os.environ.get("WEBSITE_HOSTNAME")
    return f"http://{address}" if name is None else f"https://{name}"


def _server(app: ASGIApp) -> _Server:
    config = uvicorn.Config(
        app,
        interface="asgi3",
        http=KestrelProtocol,
        h11_max_incomplete_event_size=HEAD_BYTES,
        timeout_keep_alive=IDLE_SECONDS,
        lifespan="off",
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=_GRACE_S,
        server_header=False,
        proxy_headers=False,  # a caller can't say where it asks from
    )
    return _Server(config)


def _listen(address: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    # Without the protocol's name asyncio does not switch Nagle's algorithm off, and an answer on a
    # connection that is kept waits 40 ms for the client's delayed acknowledgement.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((address, port))
    except OSError as error:
        listener.close()
        raise OSError(error.errno, f"cannot listen on {address}:{port}: {error.strerror}") from None
    listener.listen(2048)
    return listener
