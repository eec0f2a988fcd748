"""How an answer leaves a function: complete where it is short, in pieces where it is long."""

from __future__ import annotations

import asyncio
import gc
import json
from collections.abc import AsyncIterator

import pytest
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from dailies.api.asgi import respond

app = FastAPI()
ended: list[str] = []
made: list[int] = []


@app.post("/short")
async def short(request: Request) -> JSONResponse:
    return JSONResponse({"bytes": len(await request.body())}, 201)


@app.get("/long")
async def long() -> StreamingResponse:
    async def pieces() -> AsyncIterator[bytes]:
        made.clear()
        for number in range(100):
            made.append(number)
            yield b"x" * 1000

    return StreamingResponse(pieces())


async def watched(scope: Scope, receive: Receive, send: Send) -> None:
    ended.clear()
    try:
        await app(scope, receive, send)
    finally:
        ended.append(scope["path"])


class Caller:
    """The server's side of one connection."""

    def __init__(self, path: str, method: str = "GET", body: bytes = b"") -> None:
        self._body: list[Message] = [{"type": "http.request", "body": body}]
        self.left = asyncio.Event()
        self.messages: list[Message] = []
        self.request = Request(_scope(path, method), self.receive)

    async def receive(self) -> Message:
        if self._body:
            return self._body.pop()
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        self.messages.append(message)

    async def take(self, response: Response) -> None:
        """As the server does once the function has returned."""
        await response(_scope("/", "GET"), self.receive, self.send)

    @property
    def body(self) -> bytes:
        return b"".join(m.get("body", b"") for m in self.messages)


def _scope(path: str, method: str) -> Scope:
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "scheme": "http",
        "headers": [],
        "server": ("x", 80),
        "client": ("x", 1),
        # What the server's own framework has noted does not reach the app.
        "path_params": {"path": "short"},
        "app": object(),
        "router": object(),
    }


async def test_a_short_answer_is_complete_before_it_is_sent() -> None:
    caller = Caller("/short", "POST", b"four")
    response = await respond(app, caller.request, seconds=60)
    assert caller.messages == []
    await caller.take(response)
    assert caller.messages[0]["status"] == 201
    assert caller.body == b'{"bytes":4}'


async def test_a_long_answer_is_made_as_it_is_taken() -> None:
    caller = Caller("/long")
    response = await respond(app, caller.request, seconds=60)
    await asyncio.sleep(0.01)
    assert len(made) < 5
    await caller.take(response)
    assert len(caller.body) == 100_000


async def test_a_caller_that_leaves_ends_the_app() -> None:
    caller = Caller("/long")
    response = await respond(watched, caller.request, seconds=60)
    caller.left.set()
    await caller.take(response)
    assert ended == ["/long"]
    assert len(made) < 5


async def test_a_connection_that_breaks_ends_the_app() -> None:
    caller = Caller("/long")
    response = await respond(watched, caller.request, seconds=60)

    async def broken(message: Message) -> None:
        raise OSError("broken pipe")

    with pytest.raises(OSError, match="broken pipe"):
        await response(_scope("/", "GET"), caller.receive, broken)
    await asyncio.sleep(0.01)
    assert ended == ["/long"]


async def test_a_client_that_is_too_slow_gets_a_part_and_ends_the_app(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caller = Caller("/long")
    response = await respond(watched, caller.request, seconds=0.05)
    sent: list[Message] = []

    async def stuck(message: Message) -> None:
        sent.append(message)
        if len(sent) == 3:
            await asyncio.Event().wait()

    await response(_scope("/", "GET"), caller.receive, stuck)
    assert [m.get("more_body", True) for m in sent] == [True] * 3  # no end: the connection breaks
    (line,) = [json.loads(r.message) for r in caplog.records if r.name == "dailies"]
    assert line["event"] == "answer_broken_off"
    await asyncio.sleep(0.01)
    assert ended == ["/long"]


async def test_an_app_that_does_not_begin_in_time_is_an_error_and_ended() -> None:
    stopped = asyncio.Event()

    async def waits(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()

    with pytest.raises(TimeoutError):
        await respond(waits, Caller("/").request, seconds=0.01)
    await stopped.wait()


async def test_what_the_app_raises_for_a_time_of_its_own_is_raised() -> None:
    async def fails(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise TimeoutError("its own")

    caller = Caller("/")
    response = await respond(fails, caller.request, seconds=60)
    with pytest.raises(TimeoutError, match="its own"):
        await caller.take(response)


async def test_what_the_app_raises_before_it_answers_is_raised() -> None:
    async def fails(scope: Scope, receive: Receive, send: Send) -> None:
        raise LookupError("at once")

    with pytest.raises(LookupError, match="at once"):
        await respond(fails, Caller("/").request, seconds=60)


async def test_what_the_app_raises_in_the_middle_breaks_the_answer() -> None:
    async def fails(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise LookupError("in the middle")

    caller = Caller("/")
    response = await respond(fails, caller.request, seconds=60)
    with pytest.raises(LookupError, match="in the middle"):
        await caller.take(response)
    assert [m["type"] for m in caller.messages] == ["http.response.start"]


async def test_an_app_without_an_answer_is_an_error() -> None:
    async def silent(scope: Scope, receive: Receive, send: Send) -> None:
        return

    with pytest.raises(RuntimeError, match="without an answer"):
        await respond(silent, Caller("/").request, seconds=60)


async def test_a_cancelled_call_takes_the_app_along() -> None:
    stopped = asyncio.Event()

    async def waits(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await asyncio.sleep(60)
        finally:
            stopped.set()

    call = asyncio.create_task(respond(waits, Caller("/").request, seconds=60))
    await asyncio.sleep(0.01)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    await asyncio.wait_for(stopped.wait(), 1)
    gc.collect()  # a stream left open would warn
