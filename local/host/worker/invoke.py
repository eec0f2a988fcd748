"""Run functions: synchronous ones in a thread pool, asynchronous ones on the one shared loop."""

from __future__ import annotations

import asyncio
import os
import threading
import traceback
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import azure.functions as func
from azure.functions import _abc

from . import bindings
from .http_streams import HttpStreams, streams_enabled
from .indexing import LoadedFunction, load_app
from .logs import invocation, invocation_in_thread

__all__ = ["Invoker", "OwnWorker"]


class _TraceContext(_abc.TraceContext):
    def __init__(self, parent: str, state: str) -> None:
        self._parent = parent
        self._state = state

    # The library names these once in capitals and once not; apps read both.
    @property
    def Traceparent(self) -> str:
        return self._parent

    @property
    def Tracestate(self) -> str:
        return self._state

    @property
    def trace_parent(self) -> str:
        return self._parent

    @property
    def trace_state(self) -> str:
        return self._state

    @property
    def attributes(self) -> dict[str, str]:
        return {}


class _Context(func.Context):
    """What a function's ``context`` parameter receives."""

    _local = threading.local()

    def __init__(self, function: LoadedFunction, header: Mapping[str, Any]) -> None:
        self._function = function
        self._invocation_id: str = header["invocation_id"]
        self._trace = _TraceContext(header.get("traceparent", ""), header.get("tracestate", ""))

    @property
    def invocation_id(self) -> str:
        return self._invocation_id

    @property
    def thread_local_storage(self) -> Any:
        return self._local

    @property
    def function_name(self) -> str:
        return self._function.name

    @property
    def function_directory(self) -> str:
        return self._function.directory

    @property
    def trace_context(self) -> _abc.TraceContext:
        return self._trace

    @property
    def retry_context(self) -> Any:
        return None


def _thread_count() -> int:
    """Azure's default is that of ThreadPoolExecutor; PYTHON_THREADPOOL_THREAD_COUNT overrides."""
    configured = os.environ.get("PYTHON_THREADPOOL_THREAD_COUNT", "")
    return (
        int(configured)
        if configured.isdigit() and int(configured) > 0
        else (min(32, (os.cpu_count() or 1) + 4))
    )


class Invoker:
    """Runs the functions of one app."""

    def __init__(self, functions: list[LoadedFunction], streams: HttpStreams | None) -> None:
        self._functions = {function.name: function for function in functions}
        self._streams = streams
        self._pool = ThreadPoolExecutor(_thread_count(), thread_name_prefix="function")

    async def invoke(
        self, header: Mapping[str, Any], payload: bytes
    ) -> tuple[dict[str, Any], bytes]:
        """Run one invocation.

        :returns: the ``result`` frame. What the function raises is part of it, not raised here.
        """
        with invocation(header["invocation_id"]):
            return await self._reply(header, payload)

    async def _reply(
        self, header: Mapping[str, Any], payload: bytes
    ) -> tuple[dict[str, Any], bytes]:
        reply: dict[str, Any] = {"kind": "result", "id": header["id"], "ok": True}
        streams: HttpStreams | None = None
        try:
            function = self._functions[header["function"]]
            streams = self._streams if function.streamed else None
            if streams is not None:
                entry, content = await self._stream(streams, function, header)
            else:
                entry, content = await self._run(function, header, payload)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever an app raises is its result
            if streams is not None:
                # Microsoft's worker does so here too: what this raises leaves it without a reply.
                streams.answer(header["invocation_id"], _as_exception(error))
            reply["ok"] = False
            reply["error"] = {
                "type": type(error).__name__,
                "message": str(error),
                "stack": "".join(traceback.format_exception(error)),
            }
            return reply, b""
        reply["return"] = entry
        return reply, content

    async def _stream(
        self, streams: HttpStreams, function: LoadedFunction, header: Mapping[str, Any]
    ) -> tuple[dict[str, Any] | None, bytes]:
        """Run a function whose request and answer go by the worker's HTTP server."""
        identity = header["invocation_id"]
        assert function.streamed is not None
        arguments = self._inputs(function, header, b"")
        parameters = header["inputs"][function.streamed]["value"]["params"]
        arguments[function.streamed] = await streams.request(identity, parameters)
        result = await self._called(function, _Context(function, header), arguments)
        if result is None:
            raise ValueError("no HTTP response was returned")
        streams.answer(identity, result)
        return None, b""

    @staticmethod
    def _inputs(
        function: LoadedFunction, header: Mapping[str, Any], payload: bytes
    ) -> dict[str, Any]:
        metadata = header.get("metadata")
        return {
            name: bindings.decode(
                function.inputs[name],
                value,
                payload,
                metadata if name in function.triggers else None,
            )
            for name, value in header["inputs"].items()
            if name != function.streamed
        }

    async def _called(
        self, function: LoadedFunction, context: _Context, arguments: dict[str, Any]
    ) -> Any:
        if function.requires_context:
            arguments["context"] = context
        if function.is_async:
            return await function.call(**arguments)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, self._call, function, context, arguments)

    async def _run(
        self, function: LoadedFunction, header: Mapping[str, Any], payload: bytes
    ) -> tuple[dict[str, Any] | None, bytes]:
        arguments = self._inputs(function, header, payload)
        outs = {name: _Out() for name in function.outputs}
        arguments.update(outs)
        result = await self._called(function, _Context(function, header), arguments)
        if function.returns is None:
            if result is not None:
                raise RuntimeError(
                    f"function {function.name!r} has no $return binding but returned a value"
                )
            return self._only_output(function, outs)
        return bindings.encode(function.returns, result)

    @staticmethod
    def _call(function: LoadedFunction, context: _Context, arguments: dict[str, Any]) -> Any:
        context.thread_local_storage.invocation_id = context.invocation_id
        with invocation_in_thread(context.invocation_id):
            return function.call(**arguments)

    @staticmethod
    def _only_output(
        function: LoadedFunction, outs: Mapping[str, _Out]
    ) -> tuple[dict[str, Any] | None, bytes]:
        """An HTTP function may answer through ``Out`` in place of a return value."""
        for name, out in outs.items():
            if out.get() is not None:
                return bindings.encode(function.outputs[name], out.get())
        return None, b""


class OwnWorker:
    """Serves one app, as Microsoft's worker does, with nothing of it: for Python before 3.13."""

    def __init__(self, functions: list[LoadedFunction], streams: HttpStreams | None) -> None:
        self._invoker = Invoker(functions, streams)
        self.listing = [{"name": f.name, "bindings": f.bindings} for f in functions]
        self.http_uri: str | None = None

    @classmethod
    async def start(cls, app_dir: Path) -> OwnWorker:
        """Load the app, index its functions and start its HTTP server, if it has one.

        :raises IndexingError: as ``load_app``.
        """
        functions = load_app(app_dir)
        streams = HttpStreams() if streams_enabled() else None
        worker = cls(functions, streams)
        worker.http_uri = await streams.start() if streams else None
        return worker

    async def invoke(
        self, header: Mapping[str, Any], payload: bytes
    ) -> tuple[dict[str, Any], bytes]:
        """Run one invocation; gives the ``result`` frame, as ``Invoker.invoke``."""
        return await self._invoker.invoke(header, payload)


def _as_exception(error: BaseException) -> Exception:
    return error if isinstance(error, Exception) else RuntimeError(type(error).__name__)


class _Out(func.Out[Any]):
    """The sink behind a ``func.Out`` parameter."""

    def __init__(self) -> None:
        self._value: Any = None

    def set(self, val: Any) -> None:
        self._value = val

    def get(self) -> Any:
        return self._value
