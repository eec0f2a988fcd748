"""Serving the application over http and https on loopback, until a signal ends it."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import ssl
from collections.abc import Iterator

import uvicorn
from starlette.types import ASGIApp

from local.services.app import Services, build
from local.services.connection import ExposingProtocol
from local.services.settings import Options

_HOST = "127.0.0.1"
_KEEP_ALIVE = 75  # seconds; shorter than a client's pool expects makes it meet closed connections
_GRACE = 2  # seconds that open answers have when the process ends


class _Server(uvicorn.Server):
    """Two of these run in one loop, so neither may take the process's signals."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals alone."""
        yield


async def serve(options: Options) -> None:
    """Run until SIGTERM or SIGINT.

    Raises:
        OSError: a port is taken.
        ssl.SSLError: the certificate or its key is no good.
    """
    plain, secure = _listen(options.port), _listen(options.tls_port)
    services = build(options)
    servers = [_server(services.app, None), _server(services.app, options)]
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    services.start()
    tasks = [
        asyncio.create_task(server.serve([listener]))
        for server, listener in zip(servers, (plain, secure), strict=True)
    ]
    stopping = asyncio.create_task(stop.wait())
    try:
        # Both sockets listen already: whoever connects from now on is served.
        http, https = plain.getsockname()[1], secure.getsockname()[1]
        print(f"services ready on http://{_HOST}:{http} and https://{_HOST}:{https}", flush=True)
        await asyncio.wait([*tasks, stopping], return_when=asyncio.FIRST_COMPLETED)
    finally:
        await _stop(services, servers, tasks, stopping)
        plain.close()
        secure.close()


async def _stop(
    services: Services,
    servers: list[_Server],
    tasks: list[asyncio.Task[None]],
    stopping: asyncio.Task[bool],
) -> None:
    stopping.cancel()
    services.faults.clear()  # or held requests would use up the grace
    for server in servers:
        server.should_exit = True
    try:
        await asyncio.gather(*tasks)
    finally:
        await services.close()


def _server(app: ASGIApp, tls: Options | None) -> _Server:
    config = uvicorn.Config(
        app,
        http=ExposingProtocol,
        ws="none",
        loop="asyncio",
        lifespan="off",
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE,
        timeout_graceful_shutdown=_GRACE,
        ssl_certfile=str(tls.tls_cert) if tls else None,
        ssl_keyfile=str(tls.tls_key) if tls else None,
        ssl_version=ssl.PROTOCOL_TLS_SERVER,
    )
    config.load()
    return _Server(config)


def _listen(port: int) -> socket.socket:
    # The protocol by its name: only then does asyncio switch Nagle's algorithm off.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((_HOST, port))
        listener.listen(512)
        listener.setblocking(False)
    except OSError:
        listener.close()
        raise
    return listener
