"""Keeps web pages away from ``/_inspect``, which takes no credential.

A browser on this machine may have any page open, and a page can send requests to any port, also
under a name of its own that leads here (DNS rebinding). Programs send none of what is refused.
"""

from __future__ import annotations

import ipaddress

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

__all__ = ["NoPages"]

_GUARDED = "/_inspect"
_OF_NO_PAGE = ("none", "same-origin")


class NoPages:
    """Middleware that answers 403 where a page of a browser asks."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith(_GUARDED):
            problem = _problem(Headers(scope=scope))
            if problem is not None:
                refusal = JSONResponse({"error": {"message": problem}}, status_code=403)
                await refusal(scope, receive, send)
                return
        await self._app(scope, receive, send)


def _problem(headers: Headers) -> str | None:
    if "origin" in headers or headers.get("sec-fetch-site", "none") not in _OF_NO_PAGE:
        return "no page may ask here: leave out Origin and Sec-Fetch-Site"
    if not _is_loopback(headers.get("host", "")):
        return "ask by an address of this machine itself, such as 127.0.0.1"
    return None


def _is_loopback(host: str) -> bool:
    name = host.rpartition(":")[0] if not host.endswith("]") and ":" in host else host
    if name.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return False
