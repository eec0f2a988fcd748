"""Around every request: its id, a line in the log, and an answer whatever goes wrong.

What is logged is who asked for what and how it ended: no prompt, no key, no path that a caller
made up.
"""

from __future__ import annotations

import json
import logging
import re
import secrets
import time
from typing import Any

from fastapi import Request
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dailies.telemetry.logs import log_event
from dailies.telemetry.spans import RequestTrace, note_response, request_span

__all__ = ["Observer", "note"]

_GIVEN_ID = re.compile(r"^[A-Za-z0-9._:/+=-]{1,128}$")
_STATE = "dailies_request"
_UNTRACED = frozenset({"/health"})


def note(request: Request, **fields: Any) -> None:
    """Add fields to the line that will be logged about this request."""
    getattr(request.state, _STATE, {}).update(fields)


class Observer:
    """Middleware that gives requests their id, logs them, and turns a fault into an answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        fields: dict[str, Any] = {}
        state = scope.setdefault("state", {})
        state[_STATE] = fields
        if scope["path"] in _UNTRACED:
            await self._serve(scope, receive, send)
            return
        method = scope["method"]
        with request_span(method, state.get(RequestTrace.KEY)) as span:
            status = await self._serve(scope, receive, send)
            note_response(span, method, _route(scope), status)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> int | None:
        """Let the app answer; gives the status of its answer."""
        seen = _Seen(scope)

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                seen.status = message["status"]
                MutableHeaders(scope=message)["x-request-id"] = seen.request_id
            elif message.get("more_body"):
                # The invocation ends when a long answer has begun, and the host ignores what is
                # logged after it.
                seen.log()
            await send(message)

        try:
            await self._app(scope, receive, send_with_id)
        except Exception as error:  # noqa: BLE001 - the last resort of every request; it is logged
            log_event(
                "request_fault",
                level=logging.ERROR,
                fault=error,
                request_id=seen.request_id,
                route=_route(scope),
            )
            if seen.status is None:
                await _answer_fault(send_with_id, seen.request_id)
        finally:
            seen.log()
        return seen.status


class _Seen:
    """What is known of a request, for its line in the log."""

    def __init__(self, scope: Scope) -> None:
        self.request_id = _request_id(scope)
        self.status: int | None = None
        self._scope = scope
        self._method = scope["method"]  # a HEAD may go on as a GET
        self._started = time.monotonic()
        self._logged = False

    def log(self) -> None:
        """Write the line, once; the latency is that of the answer's first piece."""
        if self._logged:
            return
        self._logged = True
        log_event(
            "request",
            request_id=self.request_id,
            method=self._method,
            route=_route(self._scope),
            status=self.status,
            latency_ms=round((time.monotonic() - self._started) * 1000, 1),
            **self._scope["state"][_STATE],
        )


def _request_id(scope: Scope) -> str:
    """The caller's own id where it is fit to be repeated, else a new one."""
    for name, value in scope["headers"]:
        if name.lower() == b"x-request-id":
            text = value.decode("latin-1")
            if _GIVEN_ID.match(text):
                return str(text)
    return f"req_{secrets.token_hex(16)}"


def _route(scope: Scope) -> str | None:
    return getattr(scope.get("route"), "path", None)


async def _answer_fault(send: Send, request_id: str) -> None:
    error = {
        "message": f"Something went wrong on our side. The log says what, under {request_id}.",
        "type": "server_error",
        "param": None,
        "code": "internal_error",
    }
    body = json.dumps({"error": error}).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
    ]
    await send({"type": "http.response.start", "status": 500, "headers": headers})
    await send({"type": "http.response.body", "body": body})
