"""The simulated Azure AI Content Safety in this process, and the app's own guard that asks it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
from azure.core.credentials import AccessToken, AccessTokenInfo
from azure.core.pipeline.transport import AsyncHttpTransport
from starlette.applications import Starlette

from dailies.guards.content_safety import ContentSafety
from local.services.content_safety.routes import ContentSafety as SimulatedAccount
from local.services.errors import ServiceError, answer_service_error
from local.services.identity import Tokens
from local.services.settings import Settings

__all__ = ["ContentSafetyAccount"]

ENDPOINT = "https://safety.example"
_NOW = 1_795_262_400.0


class ContentSafetyAccount:
    """An account, by its routes; ``requests`` are those that came.

    ``fault`` answers in its place, with a status and a body, while it is set.
    """

    def __init__(self, folder: Path) -> None:
        self._tokens = Tokens(folder, Settings(), lambda: _NOW)
        self.app = Starlette(
            routes=SimulatedAccount(self._tokens).routes(),
            exception_handlers={ServiceError: answer_service_error},
        )
        self.requests: list[httpx.Request] = []
        self.fault: Callable[[httpx.Request], httpx.Response] | None = None

    def guard(self, **options: Any) -> ContentSafety:
        """The app's guard, with the real SDK, on the way to this account."""
        transport = _AsgiTransport(self)
        options = {"transport": transport, "retry_backoff_factor": 0, **options}
        credential: Any = _Identity(self._tokens)  # has what the SDK asks for
        return ContentSafety(ENDPOINT, credential, **options)

    async def block(self, name: str, *items: str) -> None:
        """Make a list of words."""
        path = f"/contentsafety/text/blocklists/{name}"
        told = {"blocklistItems": [{"text": item} for item in items]}
        async with self._client() as client:
            made = await client.patch(path, json={"description": "for tests"})
            added = await client.post(f"{path}:addOrUpdateBlocklistItems", json=told)
        assert (made.status_code, added.status_code) == (201, 200), added.text

    async def answer(self, request: httpx.Request) -> httpx.Response:
        """Serve a request."""
        self.requests.append(request)
        if self.fault is not None:
            return self.fault(request)
        async with self._client() as client:
            return await client.send(request)

    def _client(self) -> httpx.AsyncClient:
        token = self._tokens.issue("https://cognitiveservices.azure.com", None)["access_token"]
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(self.app),
            base_url=ENDPOINT,
            params={"api-version": "2023-10-01"},
            headers={"Authorization": f"Bearer {token}"},
        )


class _Identity:
    """A credential whose tokens are the account's."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens

    async def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        info = await self.get_token_info(*scopes)
        return AccessToken(info.token, info.expires_on)

    async def get_token_info(self, *scopes: str, **_: Any) -> AccessTokenInfo:
        issued = self._tokens.issue(scopes[0].removesuffix("/.default"), None)
        return AccessTokenInfo(issued["access_token"], int(issued["expires_on"]))


class _AsgiTransport(AsyncHttpTransport[Any, Any]):
    """The transport of azure-core, straight to the account."""

    def __init__(self, account: ContentSafetyAccount) -> None:
        self._account = account

    async def send(self, request: Any, **_: Any) -> Any:
        sent = httpx.Request(
            request.method, request.url, headers=request.headers, content=request.content
        )
        return _Answer(request, await self._account.answer(sent))

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def __aexit__(self, *_: object) -> None: ...


class _Answer:
    """A response as azure-core reads it."""

    reason = ""
    block_size = 4096

    def __init__(self, request: Any, answer: httpx.Response) -> None:
        self.request = request
        self.status_code = answer.status_code
        self.headers = answer.headers
        self.content_type = answer.headers.get("content-type")
        self._body = answer.content

    async def read(self) -> bytes:
        return self._body

    def body(self) -> bytes:
        return self._body

    def text(self, encoding: str | None = None) -> str:
        return self._body.decode(encoding or "utf-8")

    def json(self) -> Any:
        import json

        return json.loads(self._body)
