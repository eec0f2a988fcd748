"""Counts requests and carries faults out, around the whole application."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from local.services import connection
from local.services.faults import Fault, Faults
from local.services.routing import Target, target_of

_TRICKLE = 20  # pieces of content in a slow answer


class RequestCounter:
    """How often each route was called, in all and for each job."""

    def __init__(self) -> None:
        self._routes: Counter[str] = Counter()
        self._jobs: dict[str, Counter[str]] = {}

    def count(self, target: Target) -> None:
        """One more request."""
        self._routes[target.route] += 1
        if target.id is not None:
            self._jobs.setdefault(target.id, Counter())[target.route] += 1

    def report(self) -> dict[str, Any]:
        """``{route: count, …, "by_job": {id: {route: count}}}``, since the process began."""
        jobs = {name: dict(counts) for name, counts in self._jobs.items()}
        return {**self._routes, "by_job": jobs}


class FaultMiddleware:
    """``prompt_of`` gives the prompt of a job or generation by its id; ``upstreams`` are the routes
    of the providers beside Sora."""

    def __init__(
        self,
        app: ASGIApp,
        faults: Faults,
        counter: RequestCounter,
        prompt_of: Callable[[str], str | None],
        upstreams: Sequence[Route] = (),
    ) -> None:
        self._app = app
        self._upstreams = tuple(upstreams)
        self._faults = faults
        self._counter = counter
        self._prompt_of = prompt_of

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, perhaps badly."""
        target = None
        if scope["type"] == "http":
            target = target_of(scope["method"], scope["path"], self._upstreams)
        if target is None:
            await self._app(scope, receive, send)
            return
        self._counter.count(target)
        text = ""
        if target.id is not None:
            text = self._prompt_of(target.id) or ""
        if target.route in ("create", "events") and self._faults.waits_for_text(target.route):
            messages = await _read_all(receive)
            text = _text_of(messages)
            receive = _replay(messages, receive)
        fault = self._faults.strike(target, lambda wanted: wanted in text)
        if fault is None:
            await self._app(scope, receive, send)
        else:
            await self._carry_out(fault, target, scope, receive, send)

    async def _carry_out(
        self, fault: Fault, target: Target, scope: Scope, receive: Receive, send: Send
    ) -> None:
        match fault.kind:
            case "status":
                await _answer(fault, receive, send)
            case "reset":
                # Read first, so that the client is always the one who waits for an answer.
                await _read_all(receive)
                connection.reset(scope)
                await connection.wait_for_disconnect(receive)
            case "hold":
                await _pause(fault)
                await self._app(scope, receive, send)
            case "lost":
                await self._app(scope, receive, _swallow)
                connection.reset(scope)
                await connection.wait_for_disconnect(receive)
            case "timeout":
                await self._app(scope, receive, _swallow)
                await _until_lifted_or_gone(fault, receive)
                connection.reset(scope)
            case "truncate":
                await _Truncation(self._app).run(scope, receive, send)
            case "slow":
                await _Slowness(fault, target.route == "content").run(
                    self._app, scope, receive, send
                )


class _Truncation:
    """Lets half of the body through."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._left = 0
        self._cut = asyncio.Event()

    async def run(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def pass_half(message: Message) -> None:
            if self._cut.is_set():
                return
            if message["type"] == "http.response.start":
                self._left = _content_length(message["headers"]) // 2
                await send(message)
                return
            body = message.get("body", b"")[: self._left]
            self._left -= len(body)
            await send({"type": "http.response.body", "body": body, "more_body": True})
            if self._left <= 0:
                self._cut.set()

        serving = asyncio.create_task(self._app_coroutine(scope, receive, pass_half))
        cutting = asyncio.create_task(self._cut.wait())
        await asyncio.wait({serving, cutting}, return_when=asyncio.FIRST_COMPLETED)
        for task in (serving, cutting):
            task.cancel()
        await asyncio.gather(serving, cutting, return_exceptions=True)
        connection.close(scope)
        await connection.wait_for_disconnect(receive)

    async def _app_coroutine(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)


class _Slowness:
    """Delays an answer, or spreads content over the time."""

    def __init__(self, fault: Fault, trickle: bool) -> None:
        self._fault = fault
        self._trickle = trickle
        self._piece = 0

    async def run(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        async def slow(message: Message) -> None:
            if message["type"] == "http.response.start":
                if self._trickle:
                    self._piece = max(1, _content_length(message["headers"]) // _TRICKLE)
                else:
                    await _pause(self._fault)
                await send(message)
            elif self._trickle:
                await self._send_in_pieces(message, send)
            else:
                await send(message)

        await app(scope, receive, slow)

    async def _send_in_pieces(self, message: Message, send: Send) -> None:
        body, more = message.get("body", b""), message.get("more_body", False)
        for start in range(0, len(body), self._piece):
            piece = body[start : start + self._piece]
            await _pause(self._fault, len(piece) / self._piece / _TRICKLE)
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        if not more:
            await send({"type": "http.response.body", "body": b""})


async def _answer(fault: Fault, receive: Receive, send: Send) -> None:
    await _read_all(receive)
    body = fault.body
    headers = {"content-type": "application/json"}
    if body is None:
        error = {"code": str(fault.status), "message": f"Simulated fault: {fault.status}."}
        body = json.dumps({"error": error}).encode()
    headers.update({name.lower(): value for name, value in fault.headers.items()})
    headers.setdefault("content-length", str(len(body)))
    raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": fault.status, "headers": raw})
    await send({"type": "http.response.body", "body": body})


async def _swallow(_message: Message) -> None:
    """Take an answer and send nothing."""


async def _pause(fault: Fault, share: float = 1.0) -> None:
    """Wait the fault's seconds, or until the faults are deleted."""
    try:
        async with asyncio.timeout(fault.seconds * share):
            await fault.lifted.wait()
    except TimeoutError:
        return


async def _until_lifted_or_gone(fault: Fault, receive: Receive) -> None:
    lifted = asyncio.create_task(fault.lifted.wait())
    gone = asyncio.create_task(connection.wait_for_disconnect(receive))
    await asyncio.wait({lifted, gone}, return_when=asyncio.FIRST_COMPLETED)
    for task in (lifted, gone):
        task.cancel()
    await asyncio.gather(lifted, gone, return_exceptions=True)


async def _read_all(receive: Receive) -> list[Message]:
    messages: list[Message] = []
    while True:
        message = await receive()
        messages.append(message)
        if message["type"] != "http.request" or not message.get("more_body", False):
            return messages


def _replay(messages: list[Message], receive: Receive) -> Receive:
    queue = list(messages)

    async def again() -> Message:
        return queue.pop(0) if queue else await receive()

    return again


def _text_of(messages: list[Message]) -> str:
    """The prompt in a body; for a form or an event, all of it that is text."""
    raw = b"".join(message.get("body", b"") for message in messages)
    try:
        parsed = json.loads(raw)
    except ValueError:
        return raw.decode(errors="ignore")
    if isinstance(parsed, dict) and isinstance(parsed.get("prompt"), str):
        return str(parsed["prompt"])
    return json.dumps(parsed, ensure_ascii=False)


def _content_length(headers: Iterable[tuple[bytes, bytes]]) -> int:
    for name, value in headers:
        if name.lower() == b"content-length":
            return int(value)
    return 2
