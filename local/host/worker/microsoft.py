"""The app in Microsoft's own worker code, from Python 3.13 on.

``azure-functions-runtime`` is what Azure's worker itself indexes, loads and invokes functions with
there. It takes its protocol's messages as an argument, so that plain objects do for those of gRPC.
The package is internal to Microsoft and pinned; here is all that knows it. Older versions of Python
have the same in ``indexing``, ``invoke`` and ``http_streams``.
"""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import json
import os
import sys
from collections.abc import Mapping
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from .indexing import IndexingError, put_on_path
from .logs import invocation, threads_as_told_by

__all__ = ["MicrosoftWorker", "is_there"]

_RUNTIME = "azure_functions_runtime"
RUNTIME_SETTING = "LOCAL_HOST_RUNTIME"
"""Where the runtime lies, for a worker whose path has only what the app brings."""
_LOOPBACK = "127.0.0.1"
_STARTS_IN_S = 10.0


def is_there() -> bool:
    """Whether this Python runs apps in Microsoft's code; its package is in the locks for 3.13."""
    return sys.version_info >= (3, 13)


class _Message:
    """A message of the protocol: it has what it was made with."""

    def __init__(self, **fields: Any) -> None:
        self.__dict__.update(fields)


class _TypedData(_Message):
    def WhichOneof(self, group: str) -> str | None:
        """The name of the one field that is set."""
        return next(iter(vars(self)), None)


class _StatusResult(_Message):
    Failure, Success, Cancelled = range(3)


class _BindingInfo(_Message):
    out, inout, undefined = 1, 2, 0


class _SameSite:
    Lax, Strict, ExplicitNone = 1, 2, 3


setattr(_SameSite, "None", 0)


class _RpcHttpCookie(_Message):
    SameSite = _SameSite


class _Messages:
    """What the runtime makes its messages of; most are only handed back to us."""

    TypedData = _TypedData
    StatusResult = _StatusResult
    BindingInfo = _BindingInfo
    RpcHttpCookie = _RpcHttpCookie

    def __getattr__(self, name: str) -> type[_Message]:
        return _Message


class MicrosoftWorker:
    """Serves one app; has what the worker process needs of one."""

    def __init__(self, runtime: Any, listing: list[dict[str, Any]], http_uri: str | None) -> None:
        self._runtime = runtime
        self._ids = {entry["name"]: entry.pop("function_id") for entry in listing}
        self.listing = listing
        self.http_uri = http_uri

    @classmethod
    async def start(cls, app_dir: Path) -> MicrosoftWorker:
        """Load the app, index its functions and start its HTTP server, if it has one.

        :raises IndexingError: as the runtime says.
        """
        put_on_path(app_dir)
        runtime = _runtime()
        contexts = importlib.import_module(f"{_RUNTIME}.bindings.context")
        threads_as_told_by(contexts._invocation_id_local)
        runtime.start_threadpool_executor()
        start = _Message(capabilities={}, function_app_directory=str(app_dir))
        started = await runtime.worker_init_request(
            _Message(
                request=_Message(worker_init_request=start),
                properties={"protos": _Messages(), "host": _LOOPBACK},
            )
        )
        if started.result.status != _StatusResult.Success:
            raise _failure(started.result.exception)
        told = await runtime.functions_metadata_request(_Message())
        if not told.function_metadata_results:
            raise IndexingError(f"there is no function_app.py with functions in {app_dir}")
        listing = [
            {
                "name": entry.name,
                "bindings": [json.loads(raw) for raw in entry.raw_bindings],
                "function_id": entry.function_id,
            }
            for entry in told.function_metadata_results
        ]
        http_uri: str | None = started.capabilities.get("HttpUri")
        if http_uri is not None:
            await _accepts(http_uri)
        return cls(runtime, listing, http_uri)

    async def invoke(
        self, header: Mapping[str, Any], payload: bytes
    ) -> tuple[dict[str, Any], bytes]:
        """Run one invocation.

        :returns: the ``result`` frame. What the function raises is part of it, not raised here.
        """
        reply: dict[str, Any] = {"kind": "result", "id": header["id"], "ok": True}
        request = _Message(invocation_request=self._request(header, payload))
        try:
            with invocation(header["invocation_id"]):
                answer = await self._runtime.invocation_request(_Message(request=request))
        except SystemExit as error:  # of the function's own; the runtime lets it pass
            return {**reply, "ok": False, "error": _error(f"SystemExit: {error}", "")}, b""
        if answer.result.status != _StatusResult.Success:
            raised = answer.result.exception
            failed = _error(raised.message, raised.stack_trace)
            return {**reply, "ok": False, "error": failed}, b""
        value = answer.return_value
        if value is None and answer.output_data:
            value = answer.output_data[0].data
        reply["return"], content = (None, b"") if value is None else _result(value)
        return reply, content

    def _request(self, header: Mapping[str, Any], payload: bytes) -> _Message:
        trace = _Message(
            trace_parent=header.get("traceparent", ""),
            trace_state=header.get("tracestate", ""),
            attributes={},
        )
        return _Message(
            invocation_id=header["invocation_id"],
            function_id=self._ids[header["function"]],
            input_data=[
                _Message(name=name, data=_data(value, payload), WhichOneof=lambda _: "data")
                for name, value in header["inputs"].items()
            ],
            trigger_metadata={
                name: _TypedData(string=item)
                if isinstance(item, str)
                else _TypedData(json=json.dumps(item))
                for name, item in (header.get("metadata") or {}).items()
            },
            trace_context=trace,
            retry_context=_Message(retry_count=0, max_retry_count=0, exception=None),
        )


def _runtime() -> Any:
    """The runtime, which is not an app's to bring: like Azure's worker, we have it beside it."""
    if (beside := os.environ.get(RUNTIME_SETTING)) is not None:
        spec = importlib.util.spec_from_file_location(_RUNTIME, Path(beside) / "__init__.py")
        assert spec is not None
        assert spec.loader is not None
        sys.modules[_RUNTIME] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[_RUNTIME])
    return importlib.import_module(_RUNTIME)


def _data(value: Mapping[str, Any], payload: bytes) -> _TypedData:
    kind: str = value["type"]
    if kind == "http":
        request = {"method": "", "url": "", "headers": {}, "query": {}, **value["value"]}
        return _TypedData(http=_Message(**request, body=_TypedData(bytes=payload)))
    if kind == "bytes":
        return _TypedData(bytes=payload)
    return _TypedData(**{kind: value["value"] if "value" in value else payload.decode()})


def _result(data: _TypedData) -> tuple[dict[str, Any] | None, bytes]:
    """A header entry and a payload for the channel, as ``bindings.encode`` makes them."""
    kind = data.WhichOneof("data")
    value = None if kind is None else getattr(data, kind)
    if kind is None or value is None:
        return None, b""
    if kind == "http":
        entry = {
            "type": "http",
            "status": int(value.status_code),
            "headers": value.headers,
            "cookies": [_cookie(cookie) for cookie in value.cookies or ()],
        }
        return entry, b"" if value.body is None else _result(value.body)[1]
    return {"type": kind}, value if isinstance(value, bytes) else str(value).encode()


def _cookie(cookie: Any) -> str:
    """A cookie as its header has it."""
    jar: SimpleCookie = SimpleCookie({cookie.name: cookie.value})
    morsel = jar[cookie.name]
    for name in ("domain", "path", "secure", "max_age"):
        if (told := getattr(cookie, name, None)) is not None and told.value:
            value = int(told.value) if name == "max_age" else told.value
            morsel[name.replace("_", "-")] = value
    if (http_only := getattr(cookie, "http_only", None)) is not None and http_only.value:
        morsel["httponly"] = True
    sites = {_SameSite.Lax: "Lax", _SameSite.Strict: "Strict", _SameSite.ExplicitNone: "None"}
    if cookie.same_site in sites:
        morsel["samesite"] = sites[cookie.same_site]
    return morsel.OutputString()


def _error(message: str, stack: str) -> dict[str, str]:
    kind, _, text = message.partition(": ")
    return {"type": kind, "message": text, "stack": stack}


def _failure(raised: Any) -> IndexingError:
    error = IndexingError(raised.message)
    error.add_note(raised.stack_trace)
    return error


async def _accepts(http_uri: str) -> None:
    """Wait until the app's server takes connections; the runtime does not.

    :raises TimeoutError: it does not.
    """
    parts = urlsplit(http_uri)
    async with asyncio.timeout(_STARTS_IN_S):
        while True:
            try:
                _, writer = await asyncio.open_connection(parts.hostname, parts.port)
            except OSError:
                await asyncio.sleep(0.01)
            else:
                writer.close()
                return
