"""When a request is logged: as soon as its answer begins, and once."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from dailies.api.observe import Observer

START: Message = {"type": "http.response.start", "status": 206, "headers": []}


def piece(body: bytes, *, more: bool) -> Message:
    return {"type": "http.response.body", "body": body, "more_body": more}


def lines(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    found = [json.loads(r.message) for r in caplog.records if r.name == "dailies"]
    return [line for line in found if line["event"] == "request"]


@pytest.mark.parametrize(
    ("messages", "logged_before"),
    [
        # A long answer: before its first piece is on its way.
        (
            [START, piece(b"1", more=True), piece(b"2", more=True), piece(b"", more=False)],
            [0, 1, 1, 1],
        ),
        # A short one: when the app has ended.
        ([START, piece(b"all", more=False)], [0, 0]),
    ],
    ids=["long", "short"],
)
async def test_an_answer_is_logged_once(
    messages: list[Message], logged_before: list[int], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "dailies")
    logged: list[int] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        for message in messages:
            await send(dict(message))

    async def receive() -> Message:
        return {"type": "http.request"}

    async def send(message: Message) -> None:
        logged.append(len(lines(caplog)))

    scope: Scope = {"type": "http", "method": "GET", "path": "/health", "headers": []}
    await Observer(app)(scope, receive, send)
    assert logged == logged_before
    assert [line["status"] for line in lines(caplog)] == [206]
