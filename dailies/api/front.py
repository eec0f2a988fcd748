"""What holds for every request and answer, before and after any route."""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["Front", "Head", "serves"]


class Front:
    """Middleware around everything else.

    A path is the same with a slash at its end. A redirect to the other spelling would have to name
    an address, and what reaches the app, ``Host`` among it, is the host's own or made up by the
    caller.

    No cache keeps an answer, and no browser takes it for what its type does not say.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path: str = scope["path"]
        scope["path"] = path[:-1] if path.endswith("/") and len(path) > 1 else path

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.setdefault("Cache-Control", "no-store")
                headers["X-Content-Type-Options"] = "nosniff"
            await send(message)

        await self._app(scope, receive, send_guarded)


class _Enough(OSError):
    """A HEAD has its answer."""


class Head:
    """Middleware that answers a HEAD as the GET of its path, without the body, where no route of
    its own does; to be put next to the routes."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD" or not _only_get(scope):
            await self._app(scope, receive, send)
            return
        ended = False

        async def send_head(message: Message) -> None:
            nonlocal ended
            if message["type"] != "http.response.body":
                await send(message)
            else:
                if not ended:
                    ended = True
                    await send({"type": "http.response.body"})
                if message.get("more_body"):
                    # As ASGI 2.4 tells that nobody takes more: a stream may have no end.
                    raise _Enough

        scope["method"] = "GET"
        try:
            await self._app(scope, receive, send_head)
        except (ClientDisconnect, _Enough):  # what comes of it hangs on the server's ASGI version
            if not ended:
                raise


def _only_get(scope: Scope) -> bool:
    """Whether the path has a route for GET and none for HEAD."""
    return not serves(scope, "HEAD") and serves(scope, "GET")


def serves(scope: Scope, method: str) -> bool:
    """Whether the app has a route for the request's path and ``method``."""
    asked = {**scope, "method": method}
    return any(route.matches(asked)[0] is Match.FULL for route in scope["app"].routes)
