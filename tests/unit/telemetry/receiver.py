"""An HTTP server on this machine that keeps what is sent to it."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass(frozen=True)
class Sent:
    """A request that has come. The names of headers are in small letters."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        assert self.headers["content-type"] == "application/json"
        return json.loads(self.body)

    @property
    def spans(self) -> list[dict[str, Any]]:
        """Those of an OTLP request of either form, as JSON has them."""
        if self.headers["content-type"] == "application/x-protobuf":
            document = MessageToDict(ExportTraceServiceRequest.FromString(self.body))
        else:
            document = self.json
        return [
            span
            for resource in document["resourceSpans"]
            for scope in resource["scopeSpans"]
            for span in scope["spans"]
        ]

    @property
    def metrics(self) -> list[dict[str, Any]]:
        """Those of an OTLP request in protobuf."""
        assert self.headers["content-type"] == "application/x-protobuf"
        document = MessageToDict(ExportMetricsServiceRequest.FromString(self.body))
        return [
            metric
            for resource in document["resourceMetrics"]
            for scope in resource["scopeMetrics"]
            for metric in scope["metrics"]
        ]


@dataclass
class Receiver:
    """``statuses`` are answered first, then always 200."""

    url: str
    taken: list[Sent] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)

    def at(self, path: str) -> list[Sent]:
        return [sent for sent in self.taken if sent.path == path]


@contextmanager
def receiver() -> Iterator[Receiver]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.headers.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            headers = {name.lower(): value for name, value in self.headers.items()}
            found.taken.append(Sent(self.path, headers, body))
            self.send_response(found.statuses.pop(0) if found.statuses else 200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        found = Receiver(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield found
        server.shutdown()
        thread.join()


def attributes_of(span: dict[str, Any]) -> dict[str, Any]:
    """A span's attributes as plain values; 64-bit integers are texts in JSON."""
    return {
        item["key"]: int(value) if kind == "intValue" else value
        for item in span["attributes"]
        for kind, value in item["value"].items()
    }
