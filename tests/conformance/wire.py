"""Requests as bytes, since no client of HTTP sends what these tests do."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

from tests.stack import RunningStack

__all__ = ["Answer", "ask", "connect", "head", "read_answer"]

_PATIENCE = 60.0


@dataclass(frozen=True)
class Answer:
    """The first answer on a connection that then ended."""

    status: int
    headers: bytes
    body: bytes


def connect(stack: RunningStack) -> socket.socket:
    """A connection to the app."""
    at = urlsplit(stack.base_url)
    return socket.create_connection((str(at.hostname), at.port or 80), timeout=_PATIENCE)


def head(target: str, *lines: str, method: str = "GET", host: str = "x") -> bytes:
    """The head of a request; the connection is to be closed after its answer."""
    first = (f"{method} {target} HTTP/1.1", f"Host: {host}", "Connection: close")
    return "\r\n".join((*first, *lines, "", "")).encode("latin-1")


def ask(stack: RunningStack, sent: bytes) -> Answer:
    """Send bytes, and read until the other side closes the connection."""
    with connect(stack) as connection:
        connection.sendall(sent)
        return read_answer(connection)


def read_answer(connection: socket.socket) -> Answer:
    """Read until the other side closes the connection."""
    received = b""
    try:
        while piece := connection.recv(65_536):
            received += piece
    except ConnectionResetError:
        pass  # it has not read all that was sent to it
    headers, _, body = received.partition(b"\r\n\r\n")
    first = headers.split(b" ", 2)
    assert len(first) > 1, f"no answer: {received!r}"
    return Answer(int(first[1]), headers.lower(), body)
