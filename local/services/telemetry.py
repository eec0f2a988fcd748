"""An OTLP receiver: what the app tells of itself, kept to be looked at.

Speaks OTLP/HTTP in its JSON form (``POST /v1/traces``, ``POST /v1/metrics``) and keeps the newest
spans and the latest value of each metric in memory, for as long as the process lives. Source: the
OpenTelemetry Protocol specification, and its protocol buffers' mapping to JSON.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections import deque
from collections.abc import Iterator
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

_MOST_SPANS = 20_000
_KINDS = ("unspecified", "internal", "server", "client", "producer", "consumer")
_STATUSES = ("unset", "ok", "error")


class MalformedError(Exception):
    """A body that is no OTLP."""


class Telemetry:
    """The receiver and what it has.

    Args:
        expected: an app was told to send here; else an empty answer would mislead, and who asks is
            told why there is nothing.
    """

    def __init__(self, *, expected: bool = True) -> None:
        self._expected = expected
        self._spans: deque[dict[str, Any]] = deque(maxlen=_MOST_SPANS)
        self._points: dict[str, dict[str, Any]] = {}

    def routes(self) -> list[Route]:
        """All of them."""
        return [
            Route("/v1/traces", self._take_traces, methods=["POST"]),
            Route("/v1/metrics", self._take_metrics, methods=["POST"]),
            Route("/_inspect/traces", self._traces, methods=["GET"]),
            Route("/_inspect/metrics", self._metrics, methods=["GET"]),
        ]

    async def _take_traces(self, request: Request) -> Response:
        try:
            spans = list(_spans(await _document(request)))
        except MalformedError as error:
            return _refusal(str(error))
        self._spans.extend(spans)
        self._expected = True
        return JSONResponse({"partialSuccess": {}})

    async def _take_metrics(self, request: Request) -> Response:
        try:
            points = list(_points(await _document(request)))
        except MalformedError as error:
            return _refusal(str(error))
        self._expected = True
        for point in points:
            key = [point["name"], point["attributes"], point["resource"]]
            self._points[json.dumps(key, sort_keys=True)] = point
        return JSONResponse({"partialSuccess": {}})

    async def _traces(self, request: Request) -> Response:
        if not self._expected:
            return _not_collected()
        wanted = request.query_params.get("trace_id")
        video = request.query_params.get("video")
        traces: dict[str, list[dict[str, Any]]] = {}
        for span in self._spans:
            traces.setdefault(span["trace_id"], []).append(span)
        return JSONResponse(
            [
                {"trace_id": trace_id, "spans": sorted(spans, key=lambda span: span["start"])}
                for trace_id, spans in traces.items()
                if wanted in (None, trace_id) and (video is None or _tells_of(spans, video))
            ]
        )

    async def _metrics(self, _request: Request) -> Response:
        if not self._expected:
            return _not_collected()
        return JSONResponse(sorted(self._points.values(), key=lambda point: str(point["name"])))


def _tells_of(spans: list[dict[str, Any]], video: str) -> bool:
    return any(span["attributes"].get("dailies.video.id") == video for span in spans)


def _spans(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    try:
        for resource in document["resourceSpans"]:
            about = _attributes(resource.get("resource", {}))
            for scope in resource["scopeSpans"]:
                for span in scope["spans"]:
                    yield _span(span, about)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise MalformedError(f"no OTLP traces: {type(error).__name__} {error}") from None


def _span(span: dict[str, Any], resource: dict[str, Any]) -> dict[str, Any]:
    start, end = int(span["startTimeUnixNano"]), int(span["endTimeUnixNano"])
    return {
        "trace_id": span["traceId"],
        "span_id": span["spanId"],
        "parent_id": span.get("parentSpanId") or None,
        "name": span["name"],
        "kind": _KINDS[span.get("kind", 0)],
        "start": start / 1e9,
        "seconds": round((end - start) / 1e9, 6),
        "status": _STATUSES[span.get("status", {}).get("code", 0)],
        "attributes": _attributes(span),
        "events": [event["name"] for event in span.get("events", [])],
        "links": [link["traceId"] for link in span.get("links", [])],
        "resource": resource,
    }


def _points(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    try:
        for resource in document["resourceMetrics"]:
            about = _attributes(resource.get("resource", {}))
            for scope in resource["scopeMetrics"]:
                for metric in scope["metrics"]:
                    yield from _metric(metric, about)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise MalformedError(f"no OTLP metrics: {type(error).__name__} {error}") from None


def _metric(metric: dict[str, Any], resource: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for kind in ("sum", "gauge", "histogram"):
        for point in metric.get(kind, {}).get("dataPoints", []):
            yield {
                "name": metric["name"],
                "unit": metric.get("unit", ""),
                "kind": kind,
                "attributes": _attributes(point),
                **_amount(point),
                "resource": resource,
            }


def _amount(point: dict[str, Any]) -> dict[str, Any]:
    if "count" in point:
        return {"count": int(point["count"]), "sum": float(point.get("sum", 0))}
    return {"value": float(point.get("asDouble", point.get("asInt", 0)))}


def _attributes(holder: dict[str, Any]) -> dict[str, Any]:
    return {item["key"]: _value(item["value"]) for item in holder.get("attributes", [])}


def _value(value: dict[str, Any]) -> Any:
    """OTLP's AnyValue; 64-bit integers are texts in JSON."""
    for name, given in value.items():
        match name:
            case "intValue":
                return int(given)
            case "arrayValue":
                return [_value(item) for item in given.get("values", [])]
            case _:
                return given
    return None


async def _document(request: Request) -> dict[str, Any]:
    body = await request.body()
    if not request.headers.get("content-type", "").startswith("application/json"):
        raise MalformedError("send OTLP as JSON: OTEL_EXPORTER_OTLP_PROTOCOL=http/json")
    try:
        if request.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        document = json.loads(body)
    except (ValueError, OSError, EOFError, zlib.error) as error:
        raise MalformedError(f"the body is no JSON: {error}") from None
    if not isinstance(document, dict):
        raise MalformedError("the body is no JSON object")
    return document


def _not_collected() -> JSONResponse:
    message = (
        "The app's traces and metrics are not collected. Start the stack with --telemetry: "
        'make start ARGS="--telemetry".'
    )
    return JSONResponse({"error": {"message": message}}, status_code=404)


def _refusal(message: str) -> JSONResponse:
    return JSONResponse({"code": 3, "message": message}, status_code=400)
