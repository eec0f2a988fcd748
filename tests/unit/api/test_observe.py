"""When a request is logged: as soon as its answer begins, and once."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from dailies.api.observe import Observer


class Log:
    """The lines of requests so far."""

    def __init__(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.INFO, "dailies")
        self._caplog = caplog

    @property
    def lines(self) -> list[dict[str, Any]]:
        found = [json.loads(r.message) for r in self._caplog.records if r.name == "dailies"]
        return [line for line in found if line["event"] == "request"]


def scope() -> Scope:
    return {"type": "http", "method": "GET", "path": "/health", "headers": []}


async def receive() -> Message:
    return {"type": "http.request"}


async def test_a_long_answer_is_logged_before_its_first_piece_is_on_its_way(
    caplog: pytest.LogCaptureFixture,
) -> None:
    log = Log(caplog)
    logged: list[int] = []

    async def long(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 206, "headers": []})
        await send({"type": "http.response.body", "body": b"one", "more_body": True})
        await send({"type": "http.response.body", "body": b"two", "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    async def send(message: Message) -> None:
        logged.append(len(log.lines))

    await Observer(long)(scope(), receive, send)
    assert logged == [0, 1, 1, 1]
    assert [line["status"] for line in log.lines] == [206]


async def test_a_short_answer_is_logged_when_the_app_has_ended(
    caplog: pytest.LogCaptureFixture,
) -> None:
    log = Log(caplog)
    logged: list[int] = []

    async def short(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"all"})

    async def send(message: Message) -> None:
        logged.append(len(log.lines))

    await Observer(short)(scope(), receive, send)
    assert logged == [0, 0]
    assert len(log.lines) == 1
