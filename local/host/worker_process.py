"""The host's side of the worker: start it, watch it, restart it, call functions in it."""

from __future__ import annotations

import asyncio
import importlib.util
import logging
import os
import socket
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .functions import Function, FunctionTable
from .invocation import (
    FunctionFault,
    Invocation,
    InvocationResult,
    WorkerLostError,
    WorkerNotReadyError,
    new_traceparent,
)
from .status import StatusFile
from .worker.channel import Channel, ChannelClosedError

__all__ = [
    "FunctionFault",
    "Invocation",
    "InvocationResult",
    "WorkerLostError",
    "WorkerNotReadyError",
    "WorkerProcess",
]

_log = logging.getLogger("host.worker")

PACKAGES = Path(".python_packages/lib/site-packages")
"""Where an app that was built for deployment has its packages."""
_STEADY_S = 10.0
"""A worker that lived this long did not crash at its start: the next restart is immediate."""
_LONGEST_BACKOFF_S = 5.0
_INDEX_RETRY_S = 5.0
_ENDS_IN_S = 3.0
"""How long a worker whose channel is closed may take to exit before it is killed."""


@dataclass(frozen=True)
class _Execution:
    call: Invocation
    answer: asyncio.Future[InvocationResult]
    began: float = field(default_factory=time.monotonic)


@dataclass
class _Worker:
    process: asyncio.subprocess.Process
    channel: Channel
    http_uri: str | None = None
    executing: dict[int, _Execution] = field(default_factory=dict)


class WorkerProcess:
    """Keeps one worker alive and calls functions in it.

    :param on_index: called with the functions each time a worker has indexed the app.
    :param timeout_s: an invocation that takes longer kills the worker, as in Azure.
    """

    def __init__(
        self,
        app_dir: Path,
        status: StatusFile,
        on_index: Callable[[FunctionTable], Awaitable[None]],
        timeout_s: float | None,
    ) -> None:
        self._app_dir = app_dir
        self._status = status
        self._on_index = on_index
        self._timeout_s = timeout_s
        self._worker: _Worker | None = None
        self._ready = asyncio.Event()
        self._next_id = 0
        self.client_binding = ""
        """The JSON text that a ``durableClient`` parameter of any function receives."""
        self.index_error: str | None = None
        """Why the app cannot be served, while that is so."""
        self.is_stopping = False
        """Set when the host stops: a worker that ends now is not missed."""

    async def run(self) -> None:
        """Keep a worker running until cancelled."""
        backoff = 0.0
        while True:
            started = time.monotonic()
            failure = await self._one_life()
            self._ready.clear()
            if self.is_stopping:
                return
            self.index_error = failure
            if failure is not None:
                self._status.change("error", None, failure)
                _log.error("indexing is tried again in %g s", _INDEX_RETRY_S)
                await asyncio.sleep(_INDEX_RETRY_S)
                continue
            lived = time.monotonic() - started
            backoff = 0.0 if lived > _STEADY_S else min(_LONGEST_BACKOFF_S, backoff * 2 or 0.1)
            self._status.change("starting", None, "the worker died and is being restarted")
            if backoff:
                _log.warning("restarting the worker in %g s", backoff)
                await asyncio.sleep(backoff)

    @property
    def http_uri(self) -> str | None:
        """Where the worker takes requests itself, if the app has HTTP streams."""
        return None if self._worker is None else self._worker.http_uri

    async def wait_ready(self) -> None:
        """Wait until a worker can take calls."""
        await self._ready.wait()

    def _with_client(self, call: Invocation) -> Mapping[str, Mapping[str, Any]]:
        """The inputs of a call; every kind of function may also have a durable client."""
        if (client := call.function.client_parameter) is None:
            return call.inputs
        return {**call.inputs, client: {"type": "string", "value": self.client_binding}}

    def executing(self) -> list[dict[str, Any]]:
        """The invocations that have not ended: ``id``, ``function`` and ``seconds`` of each."""
        now = time.monotonic()
        return [
            {"id": e.call.id, "function": e.call.function.name, "seconds": round(now - e.began, 3)}
            for e in (self._worker.executing.values() if self._worker else ())
        ]

    async def invoke(
        self, call: Invocation, until: asyncio.Event | None = None
    ) -> InvocationResult:
        """Call a function and wait for its result.

        :param until: the invocation goes on until this is set, whatever the function does.
        :raises WorkerNotReadyError: no worker is ready.
        :raises WorkerLostError: the worker died before it answered.
        """
        worker = self._worker
        if worker is None or not self._ready.is_set():
            raise WorkerNotReadyError(self._status.current.error or "the worker is starting")
        self._next_id += 1
        identity = self._next_id
        header = {
            "kind": "invoke",
            "id": identity,
            "function": call.function.name,
            "invocation_id": call.id,
            "inputs": self._with_client(call),
            "metadata": call.metadata,
            "traceparent": call.traceparent or new_traceparent(),
            "tracestate": call.tracestate,
        }
        answer: asyncio.Future[InvocationResult] = asyncio.get_running_loop().create_future()
        worker.executing[identity] = _Execution(call, answer)
        try:
            await worker.channel.send(header, call.payload)
            async with asyncio.timeout(self._timeout_s):
                result = await answer
                if until is not None:
                    await until.wait()
                return result
        except ChannelClosedError as gone:
            if self._worker is worker:
                self._ready.clear()
            raise WorkerLostError("the worker process died") from gone
        except TimeoutError:
            _log.error(
                "function %s ran longer than functionTimeout (%g s): killing the worker",
                call.function.name,
                self._timeout_s,
            )
            _kill(worker.process)
            raise WorkerLostError("the function timed out and its worker was killed") from None
        finally:
            worker.executing.pop(identity, None)

    async def _one_life(self) -> str | None:
        """Start a worker and serve until it is gone.

        :returns: why the app cannot be indexed; None when the worker died for another reason.
        """
        ours, theirs = socket.socketpair()
        with theirs:
            options, environment = _isolation(self._app_dir)
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *options,
                "-m",
                "local.host.worker",
                str(self._app_dir),
                str(theirs.fileno()),
                str(os.getpid()),
                cwd=self._app_dir,
                env={**os.environ, **environment},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=sys.stderr,
                pass_fds=(theirs.fileno(),),
            )
        worker = _Worker(process, await Channel.open(ours))
        self._worker = worker
        self._status.change("starting", process.pid)
        failure: str | None = None
        try:
            failure = await self._serve(worker)
        except ChannelClosedError:
            pass
        finally:
            self._worker = None
            self._ready.clear()
            for execution in worker.executing.values():
                if not execution.answer.done():
                    execution.answer.set_exception(WorkerLostError("the worker process died"))
            worker.channel.close()
            await _end(process)
        if failure is None and not self.is_stopping:
            _log.error("the worker (pid %d) ended with code %s", process.pid, process.returncode)
        return failure

    async def _serve(self, worker: _Worker) -> str | None:
        header, _ = await worker.channel.receive()
        if header["kind"] == "failed":
            _log.error("the app cannot be indexed: %s", header["error"])
            for line in str(header["traceback"]).rstrip().splitlines():
                _log.error("  %s", line)
            return str(header["error"])
        try:
            functions = [Function.from_listing(entry) for entry in header["functions"]]
            await self._on_index(FunctionTable(functions))
        except ValueError as error:
            _log.error("the app cannot be indexed: %s", error)
            return str(error)
        self.index_error = None
        worker.http_uri = header["http_uri"]
        self._ready.set()
        self._status.change("ready", worker.process.pid)
        while True:
            header, payload = await worker.channel.receive()
            execution = worker.executing.get(header["id"])
            if execution is not None and not execution.answer.done():
                fault = None if header["ok"] else FunctionFault(**header["error"])
                execution.answer.set_result(InvocationResult(header.get("return"), payload, fault))


async def _end(process: asyncio.subprocess.Process) -> None:
    """Wait for a worker whose channel is closed; kill it if it does not exit by itself."""
    try:
        async with asyncio.timeout(_ENDS_IN_S):
            await process.wait()
    except TimeoutError:
        _kill(process)
        await process.wait()


def _kill(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.kill()


def _isolation(app_dir: Path) -> tuple[list[str], dict[str, str]]:
    """Options of the worker's interpreter, and where it finds ``local`` and what else it needs.

    An app that brings its packages, as one that was built for deployment does, has them alone: the
    interpreter's own are left out.
    """
    root = str(Path(__file__).resolve().parents[2])
    packages = app_dir / PACKAGES
    if packages.is_dir():
        found = importlib.util.find_spec("azure_functions_runtime")
        beside = found.submodule_search_locations if found else None
        runtime = {"LOCAL_HOST_RUNTIME": beside[0]} if beside else {}
        return ["-S"], {"PYTHONPATH": os.pathsep.join((str(packages), root)), **runtime}
    path = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH", ""))))
    return [], {"PYTHONPATH": path}
