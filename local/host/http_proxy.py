"""Passes requests on to the worker's own HTTP server, and its answers back, as streams.

Source: ``DefaultHttpProxyService`` of the real host, which uses YARP's forwarder: path, query and
headers go through as they are, the ``Host`` header among them; nothing is held whole on the way.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
from multidict import CIMultiDict
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from yarl import URL

from .request_body import RequestBody
from .worker.http_streams import INVOCATION_HEADER

__all__ = ["AnswerBrokenError", "HttpProxy", "UpstreamLostError"]

_IDLE_S = 240.0
"""How long either side may be silent, YARP's ``ActivityTimeout`` in the real host."""
_KEPT_S = 3.0
"""How long an idle connection is kept: less than the 5 s after which the worker closes it."""
_PER_CONNECTION = frozenset(
    {
        "connection",
        "expect",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
_OWN = frozenset({"date", "server"})
"""Headers that this side's server adds itself."""
_NOT_ADDED = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")


class UpstreamLostError(Exception):
    """The worker's server cannot be reached, or ended before it answered."""


class AnswerBrokenError(Exception):
    """The worker's answer ended before it was complete; so must the caller's connection."""


class HttpProxy:
    """The connections to the worker's server."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def forward(self, request: Request, uri: str, invocation_id: str) -> Response:
        """Send a request to the server at `uri`; the answer follows as the worker makes it.

        :raises UpstreamLostError: there is no answer.
        """
        try:
            headers = _request_headers(request)
        except UnicodeDecodeError:
            return Response(status_code=400)
        headers[INVOCATION_HEADER] = invocation_id
        body = RequestBody(request)
        if body.refusal is not None:
            return body.refusal
        try:
            upstream = await self._open().request(
                request.method,
                URL(uri + _target(request), encoded=True),
                headers=headers,
                data=body.chunks() if body.is_sent else None,
                allow_redirects=False,
                skip_auto_headers=_NOT_ADDED,
            )
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            if body.refusal is not None:
                return body.refusal
            raise UpstreamLostError(str(error) or type(error).__name__) from error
        return _Forwarded(upstream)

    async def close(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=_KEPT_S),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=_IDLE_S),
                auto_decompress=False,
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=False,
            )
        return self._session


class _Forwarded(StreamingResponse):
    """The worker's answer; its connection is given up when the caller leaves."""

    def __init__(self, upstream: aiohttp.ClientResponse) -> None:
        super().__init__(_content(upstream), upstream.status)
        dropped = _PER_CONNECTION | _OWN
        self.raw_headers = [
            (name.lower(), value)
            for name, value in upstream.raw_headers
            if name.lower().decode("latin-1") not in dropped
        ]


async def _content(upstream: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    try:
        async for chunk in upstream.content.iter_any():
            yield chunk
    except (aiohttp.ClientError, TimeoutError) as error:
        raise AnswerBrokenError(type(error).__name__) from error
    finally:
        upstream.close()  # one that was read to its end has given its connection back


def _request_headers(request: Request) -> CIMultiDict[str]:
    """The headers to pass on.

    :raises UnicodeDecodeError: one is not UTF-8, which the real host answers with a 400.
    """
    named = {
        name.strip().lower() for name in request.headers.get("connection", "").split(",") if name
    }
    dropped = _PER_CONNECTION | named | {INVOCATION_HEADER}
    if "transfer-encoding" in request.headers:
        dropped |= {"content-length"}  # RFC 9112, 6.3: of the two, the encoding counts
    headers: CIMultiDict[str] = CIMultiDict()
    for raw_name, raw_value in request.headers.raw:
        name = raw_name.decode("ascii")
        if name.lower() not in dropped:
            headers.add(name, raw_value.decode("utf-8"))
    return headers


def _target(request: Request) -> str:
    """Path and query as they were asked for, still encoded."""
    path: bytes = request.scope["raw_path"].partition(b"?")[0]
    query: bytes = request.scope["query_string"]
    raw = (b"" if path.startswith(b"/") else b"/") + path + (b"?" + query if query else b"")
    return "".join(chr(byte) if 0x20 < byte < 0x7F else f"%{byte:02X}" for byte in raw)
