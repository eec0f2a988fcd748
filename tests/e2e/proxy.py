"""A proxy between a client and the app that loses what it is told to lose."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import httpx

__all__ = ["LosingProxy", "losing_proxy"]

COUNT = "x-stainless-retry-count"
_NOT_PASSED_ON = ("connection", "content-length", "host", "transfer-encoding")


@dataclass
class LosingProxy:
    """What the proxy does to the next POST requests, in the order in which they come.

    Attributes:
        losses: for each a word: ``answer`` (it is lost), ``request`` (it never arrives), ``slow``
            (half of its body arrives, the rest after ``go_on`` is set).
        counts: how often the client said it had sent each request before.
        then: called when an answer has come that is to be lost, before it is.
    """

    url: str = ""
    losses: list[str] = field(default_factory=list)
    counts: list[str | None] = field(default_factory=list)
    go_on: threading.Event = field(default_factory=threading.Event)
    then: Callable[[], None] = lambda: None
    slow_ones: list[threading.Thread] = field(default_factory=list)
    late: list[bytes] = field(default_factory=list)


@contextmanager
def losing_proxy(target: str) -> Iterator[LosingProxy]:
    """Run a proxy in front of ``target``, the base URL of an app."""
    proxy = LosingProxy()
    with httpx.Client(base_url=target, timeout=60, trust_env=False) as upstream:

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self._pass_on(b"")

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                proxy.counts.append(self.headers.get(COUNT))
                match proxy.losses.pop(0) if proxy.losses else "":
                    case "request":
                        self._hang_up()
                    case "answer":
                        upstream.post(self.path, content=body, headers=self._headers())
                        proxy.then()
                        self._hang_up()
                    case "slow":
                        sender = threading.Thread(target=self._send_slowly, args=[body])
                        proxy.slow_ones.append(sender)
                        sender.start()
                        self._hang_up()
                    case _:
                        self._pass_on(body)

            def _pass_on(self, body: bytes) -> None:
                try:
                    answer = upstream.request(
                        self.command, self.path, content=body, headers=self._headers()
                    )
                except httpx.TransportError:  # nobody is there
                    self._hang_up()
                    return
                self.send_response(answer.status_code)
                for name, value in answer.headers.items():
                    if name.lower() not in _NOT_PASSED_ON:
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer.content)))
                self.end_headers()
                self.wfile.write(answer.content)

            def _send_slowly(self, body: bytes) -> None:
                half = len(body) // 2
                address = urlsplit(target)
                with socket.create_connection((address.hostname, address.port)) as connection:
                    headers = {**self._headers(), "Host": address.netloc, "Connection": "close"}
                    # One with a length would reach the app only at its end, as a request of then.
                    headers["Transfer-Encoding"] = "chunked"
                    lines = [f"POST {self.path} HTTP/1.1"]
                    lines += [f"{name}: {value}" for name, value in headers.items()]
                    head = "\r\n".join([*lines, "", ""]).encode()
                    connection.sendall(head + b"%x\r\n%b\r\n" % (half, body[:half]))
                    proxy.go_on.wait()
                    rest = body[half:]
                    connection.sendall(b"%x\r\n%b\r\n0\r\n\r\n" % (len(rest), rest))
                    received = b""
                    while piece := connection.recv(65536):
                        received += piece
                    proxy.late.append(received)

            def _headers(self) -> dict[str, str]:
                return {
                    name: value
                    for name, value in self.headers.items()
                    if name.lower() not in _NOT_PASSED_ON
                }

            def _hang_up(self) -> None:
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)

            def log_message(self, *_: Any) -> None:
                """Nothing is logged."""

        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            proxy.url = f"http://127.0.0.1:{server.server_port}"
            thread = threading.Thread(target=server.serve_forever)
            thread.start()
            try:
                yield proxy
            finally:
                proxy.go_on.set()
                for sender in proxy.slow_ones:
                    sender.join()
                server.shutdown()
                thread.join()
