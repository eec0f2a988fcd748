"""Requests with bodies, as the server hands them over."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from fastapi import Request
from starlette.types import Message

from dailies.api.bodies import open_body
from dailies.video.errors import RequestError

__all__ = ["FORM", "JSON", "LIMIT", "MULTIPART", "part", "refusal", "request"]

LIMIT = 3 * 1024**2
JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=b"


def request(
    content_type: str, *pieces: bytes, then: str = "", headers: dict[str, str] | None = None
) -> Request:
    """A request whose body comes in pieces; ``then`` is ``leaves`` or ``waits``, or nothing."""
    messages: list[Message] = [
        {"type": "http.request", "body": piece, "more_body": bool(then) or number < len(pieces)}
        for number, piece in enumerate(pieces, 1)
    ]

    async def receive() -> Message:
        if messages:
            return messages.pop(0)
        if then == "waits":
            await asyncio.sleep(60)
        return {"type": "http.disconnect"}

    return _request({"content-type": content_type, **(headers or {})}, receive)


def _request(headers: dict[str, str], receive: Callable[[], Awaitable[Message]]) -> Request:
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": "POST", "headers": raw, "app": object()}
    return Request(scope, receive)


def part(name: str, value: bytes, filename: str | None = None) -> bytes:
    file = f'; filename="{filename}"' if filename else ""
    head = f'--b\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'
    return head.encode() + value + b"\r\n"


async def refusal(given: Request, *, max_inline_bytes: int = LIMIT) -> RequestError:
    with pytest.raises(RequestError) as caught:
        async with open_body(given, max_inline_bytes=max_inline_bytes):
            pass
    return caught.value
