"""What Kestrel, the server of the real host, takes in a request and what it refuses.

It takes what h11 does not: vertical tab and form feed pass in a header's value. The real host then
invokes the function, and it is the worker's server that refuses the request: nothing here may be a
guard in front of that. It refuses what h11 takes: folded headers, a second ``Content-Length``, odd
hosts, and heads above its limits, each with an empty answer and the end of the connection.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import h11
from h11 import _abnf, _headers, _readers
from starlette.responses import Response
from starlette.types import Scope
from uvicorn.protocols.http.h11_impl import STATUS_PHRASES, H11Protocol

from .paths import BadPathError, decoded

__all__ = [
    "HEAD_BYTES",
    "IDLE_SECONDS",
    "KestrelProtocol",
    "behave_as_kestrel",
    "closing",
    "refusal_of_head",
]

IDLE_SECONDS = 130
"""For how long a connection without a request is kept, ``KeepAliveTimeout``."""
HEAD_BYTES = 1024 * 1024
"""What is read of a head before it is judged: far above each limit."""
_LINE_BYTES = 8 * 1024
"""``MaxRequestLineSize``, the line's end included."""
_HEADERS_BYTES = 32 * 1024
"""``MaxRequestHeadersTotalSize``."""
_HEADERS = 100
"""``MaxRequestHeaderCount``."""
_HOST = re.compile(rb"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9!$&'()\-._~%;=,+*]*)(?::[0-9]*)?")
_VALUE_CHARACTER = r"[^\x00\t\n\r ]"


def behave_as_kestrel() -> None:
    """Change h11's rules in this process, which the worker does not share."""
    _readers.header_field_re = _widened(_abnf.header_field)
    _headers._field_value_re = _widened(_abnf.field_value)
    _readers._decode_header_lines = _header_lines


def _widened(pattern: str) -> re.Pattern[bytes]:
    return re.compile(pattern.replace(_abnf.field_vchar, _VALUE_CHARACTER).encode("ascii"))


def _header_lines(lines: Iterable[bytes]) -> Iterator[tuple[bytes, bytes]]:
    has_length = False
    for line in lines:
        found = _readers.header_field_re.fullmatch(line)
        if found is None:  # a folded one begins with a space
            raise h11.LocalProtocolError("illegal header line")
        name, value = found["field_name"], found["field_value"]
        if name.lower() == b"content-length":
            if has_length:
                raise h11.LocalProtocolError("a second Content-Length")
            has_length = True
        yield name, value


class KestrelProtocol(H11Protocol):
    """One connection; what is no HTTP is answered without a word."""

    def send_400_response(self, msg: str) -> None:
        """Answer 400 and close."""
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            headers = [("content-length", "0"), ("connection", "close")]
            event = h11.Response(status_code=400, headers=headers, reason=STATUS_PHRASES[400])
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()


def refusal_of_head(scope: Scope) -> Response | None:
    """What Kestrel answers to a request that it refuses by its head."""
    line = f"{scope['method']}  HTTP/{scope['http_version']}\r\n"
    query: bytes = scope["query_string"]
    target = len(scope["raw_path"].partition(b"?")[0]) + (len(query) + 1 if query else 0)
    if len(line) + target > _LINE_BYTES:
        return closing(414)
    headers: list[tuple[bytes, bytes]] = scope["headers"]
    size = sum(len(name) + len(value) + len(": \r\n") for name, value in headers)
    if len(headers) > _HEADERS or size > _HEADERS_BYTES:
        return closing(431)
    if not all(_HOST.fullmatch(value) for name, value in headers if name == b"host"):
        return closing(400)
    try:
        for _, value in headers:
            value.decode("utf-8")
        decoded(scope["raw_path"].partition(b"?")[0])
    except (UnicodeDecodeError, BadPathError):
        return closing(400)
    return None


def closing(status: int) -> Response:
    """An empty answer after which the connection is closed."""
    return Response(status_code=status, headers={"Connection": "close"})
