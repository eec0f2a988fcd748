"""Passes requests on to the worker's own HTTP server, and its answers back, as streams.

Source: ``DefaultHttpProxyService`` of the real host, with YARP's forwarder: query and headers go
through as they are, ``Host`` becomes the server's own, and on the way back nothing is held whole.
What it refuses, and a caller that leaves, end the forwarding and not the invocation.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator

import aiohttp
from multidict import CIMultiDict
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from yarl import URL

from .paths import decoded, encoded
from .request_body import RequestBody
from .worker.coordinator import INVOCATION_HEADER

__all__ = ["AnswerBrokenError", "Forwarding", "ForwardingError", "HttpProxy"]

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
_SET_ANEW = frozenset(
    {
        "forwarded",
        "host",
        "x-forwarded-for",
        "x-forwarded-host",
        "x-forwarded-prefix",
        "x-forwarded-proto",
    }
)
"""Headers that tell of the way: the forwarder drops a caller's own and sets some of them."""
_OWN = frozenset({"date", "server"})
"""Headers that this side's server adds itself."""
_NOT_ADDED = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")
_SENDABLE = re.compile(rb"[\x20-\x7e]*")
"""What Kestrel lets an answer have in a header."""


class ForwardingError(Exception):
    """The request did not reach the worker, or its answer does not reach the caller."""


class AnswerBrokenError(Exception):
    """The worker's answer ended before it was complete; so must the caller's connection."""


class HttpProxy:
    """The connections to the worker's server."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    def forward(
        self, request: Request, body: RequestBody, content: bytes, uri: str, invocation_id: str
    ) -> Forwarding:
        """Begin to send a request to the server at `uri`.

        :param content: the body where it has a length, which has then been read.
        """
        return Forwarding(self._open(), request, body, content, uri, invocation_id)

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


class Forwarding:
    """One request on its way to the worker, and the answer on its way back.

    Attributes:
        ended: set when nothing is on its way any more.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        request: Request,
        body: RequestBody,
        content: bytes,
        uri: str,
        invocation_id: str,
    ) -> None:
        self.ended = asyncio.Event()
        self._session = session
        self._body = body
        self._content = content
        self._asking = asyncio.create_task(self._ask(request, uri, invocation_id))
        self._leaving = asyncio.create_task(self._body.left())

    async def answer(self) -> Response:
        """The answer, which follows as the worker makes it; it is to be sent or given up.

        :raises ForwardingError: there is none, or the caller has left.
        """
        await asyncio.wait((self._asking, self._leaving), return_when=asyncio.FIRST_COMPLETED)
        if not self._asking.done():
            self.give_up()
            raise ForwardingError("the caller has left")
        try:
            return _Forwarded(self, await self._asking)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            self.give_up()
            if self._body.refusal is not None:
                return self._body.refusal
            raise ForwardingError(str(error) or type(error).__name__) from error

    async def caller_left(self) -> None:
        """Wait until the caller has left."""
        await asyncio.wait((self._leaving,))

    def give_up(self) -> None:
        """End it, wherever it is."""
        self._asking.cancel()
        self._leaving.cancel()
        if self._asking.done() and not self._asking.cancelled() and not self._asking.exception():
            self._asking.result().close()
        self.ended.set()

    async def _ask(self, request: Request, uri: str, invocation_id: str) -> aiohttp.ClientResponse:
        """Send the request and wait for the head of the answer.

        :raises ValueError: a header can't be sent on.
        """
        headers = _request_headers(request, invocation_id)
        upstream = await self._session.request(
            request.method,
            URL(uri + _target(request), encoded=True),
            headers=headers,
            data=self._data(),
            allow_redirects=False,
            skip_auto_headers=_NOT_ADDED,
        )
        for name, value in upstream.raw_headers:
            if not _SENDABLE.fullmatch(value):
                upstream.close()
                raise ValueError(f"the answer's {name.decode('latin-1')} is no printable ASCII")
        return upstream

    def _data(self) -> AsyncIterator[bytes] | bytes | None:
        if not self._body.is_sent:
            return None
        return self._content if self._body.has_length else self._body.chunks()


class _Forwarded(Response):
    """The worker's answer; its connection is given up when the caller leaves."""

    def __init__(self, forwarding: Forwarding, upstream: aiohttp.ClientResponse) -> None:
        super().__init__(status_code=upstream.status)
        self._forwarding = forwarding
        self._upstream = upstream
        dropped = _PER_CONNECTION | _OWN
        self.raw_headers = [
            (name.lower(), value)
            for name, value in upstream.raw_headers
            if name.lower().decode("latin-1") not in dropped
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        sending = asyncio.create_task(self._send(send))
        leaving = asyncio.create_task(self._forwarding.caller_left())
        try:
            await asyncio.wait((sending, leaving), return_when=asyncio.FIRST_COMPLETED)
            if sending.done():
                await sending
        finally:
            sending.cancel()
            leaving.cancel()
            self._forwarding.give_up()

    async def _send(self, send: Send) -> None:
        await send(
            {
                "type": "http.response.start",
                "status": self.status_code,
                "headers": self.raw_headers,
            }
        )
        async for chunk in _content(self._upstream):
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _content(upstream: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    try:
        async for chunk in upstream.content.iter_any():
            yield chunk
    except (aiohttp.ClientError, TimeoutError) as error:
        raise AnswerBrokenError(type(error).__name__) from error


def _request_headers(request: Request, invocation_id: str) -> CIMultiDict[str]:
    """The headers to send on.

    :raises ValueError: one is no ASCII, which .NET's client does not send.
    """
    named = {
        name.strip().lower() for name in request.headers.get("connection", "").split(",") if name
    }
    dropped = _PER_CONNECTION | _SET_ANEW | named
    if "transfer-encoding" in request.headers:
        dropped |= {"content-length"}  # RFC 9112, 6.3: of the two, the encoding counts
    headers: CIMultiDict[str] = CIMultiDict()
    for raw_name, raw_value in request.headers.raw:
        name, value = raw_name.decode("ascii").lower(), raw_value.decode("ascii")
        if name in headers:
            headers[name] += ("; " if name == "cookie" else ", ") + value
        elif name not in dropped:
            headers[name] = value
    if request.client is not None:
        headers["x-forwarded-for"] = request.client.host
    headers["x-forwarded-host"] = request.headers.get("host", "")
    headers["x-forwarded-proto"] = str(request.scope["scheme"])
    # As the real host did until April 2025: a caller's own is kept.
    headers.setdefault(INVOCATION_HEADER, invocation_id)
    return headers


def _target(request: Request) -> str:
    """The path as the forwarder writes it, and the query as it was asked for."""
    path: bytes = request.scope["raw_path"].partition(b"?")[0]
    query: bytes = request.scope["query_string"]
    return encoded(decoded(path)) + ("?" + query.decode("ascii") if query else "")
