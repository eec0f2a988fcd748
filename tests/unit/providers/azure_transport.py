"""A network for Azure's clients that is a function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from azure.core.pipeline.transport import AsyncHttpTransport

__all__ = ["FakeTransport"]


class FakeTransport(AsyncHttpTransport[Any, Any]):
    """The transport of azure-core: each request is kept, and answered with a status and JSON.

    Args:
        answer: gives them for a request.
    """

    def __init__(self, answer: Callable[[Any], tuple[int, bytes]]) -> None:
        self.answer = answer
        self.requests: list[Any] = []

    async def send(self, request: Any, **_: Any) -> Any:
        self.requests.append(request)
        return _Answer(request, *self.answer(request))

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def __aexit__(self, *_: object) -> None: ...


class _Answer:
    content_type = "application/json"
    reason = ""
    block_size = 4096

    def __init__(self, request: Any, status: int, body: bytes) -> None:
        self.request = request
        self.status_code = status
        self.headers = {"Content-Type": "application/json"}
        self._body = body

    async def read(self) -> bytes:
        return self._body

    def body(self) -> bytes:
        return self._body

    def text(self, encoding: str | None = None) -> str:
        return self._body.decode(encoding or "utf-8")
