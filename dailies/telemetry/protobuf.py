"""OTLP as protobuf, made of its JSON form and without the package ``protobuf``.

Azure's worker has a ``protobuf`` of its own loaded, and a second one beside it can take all
functions away. OTLP needs little of the format: messages, texts, numbers. Source: the ``.proto``
files of opentelemetry-proto 1.x, whose field numbers never change, and the encoding's description
(protobuf.dev/programming-guides/encoding). ``tests/unit/telemetry/test_protobuf.py`` reads it back
with Google's own package.
"""

from __future__ import annotations

import base64
import struct
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

__all__ = ["METRICS", "TRACES", "encode"]

TRACES = "ExportTraceServiceRequest"
METRICS = "ExportMetricsServiceRequest"

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_WORD = 1 << 64


def encode(message: str, document: Mapping[str, Any]) -> bytes:
    """A message in OTLP's JSON form as protobuf.

    Args:
        message: ``TRACES`` or ``METRICS``.

    Raises:
        KeyError: it has a field that is not known here.
    """
    fields = _MESSAGES[message]
    return b"".join(
        part
        for name, value in document.items()
        for part in _field(fields[name][0], fields[name][1], value)
    )


def _field(number: int, kind: str, value: Any) -> Iterable[bytes]:
    if kind.startswith("packed "):
        _, scalar = _SCALARS[kind.removeprefix("packed ")]
        packed = b"".join(scalar(item) for item in value)
        yield _tag(number, _BYTES) + _varint(len(packed)) + packed
        return
    for item in value if isinstance(value, list) else [value]:
        if kind in _SCALARS:
            wire, scalar = _SCALARS[kind]
            yield _tag(number, wire) + scalar(item)
        else:
            inner = encode(kind, item)
            yield _tag(number, _BYTES) + _varint(len(inner)) + inner


def _tag(number: int, wire: int) -> bytes:
    return _varint(number << 3 | wire)


def _varint(value: int | str) -> bytes:
    left, out = int(value) % _WORD, bytearray()
    while left > 0x7F:
        out.append(left & 0x7F | 0x80)
        left >>= 7
    out.append(left)
    return bytes(out)


def _zigzag(value: int | str) -> bytes:
    number = int(value)
    return _varint(number << 1 if number >= 0 else ~number << 1 | 1)


def _with_length(read: Callable[[str], bytes], value: str) -> bytes:
    data = read(value)
    return _varint(len(data)) + data


def _number(form: str, read: Callable[[Any], float], value: Any) -> bytes:
    return struct.pack(form, read(value))


_SCALARS: Mapping[str, tuple[int, Callable[[Any], bytes]]] = {
    "int": (_VARINT, _varint),  # and unsigned ones, enumerations and booleans
    "sint": (_VARINT, _zigzag),
    "fixed64": (_FIXED64, partial(_number, "<Q", int)),
    "sfixed64": (_FIXED64, partial(_number, "<q", int)),
    "fixed32": (_FIXED32, partial(_number, "<I", int)),
    "double": (_FIXED64, partial(_number, "<d", float)),
    "text": (_BYTES, partial(_with_length, str.encode)),
    "id": (_BYTES, partial(_with_length, bytes.fromhex)),  # OTLP writes ids as hex in JSON
    "bytes": (_BYTES, partial(_with_length, base64.b64decode)),
}

_Fields = Mapping[str, tuple[int, str]]

_POINT: _Fields = {"startTimeUnixNano": (2, "fixed64"), "timeUnixNano": (3, "fixed64")}
_GROUP: _Fields = {"schemaUrl": (3, "text")}

_MESSAGES: Mapping[str, _Fields] = {
    TRACES: {"resourceSpans": (1, "ResourceSpans")},
    "ResourceSpans": {"resource": (1, "Resource"), "scopeSpans": (2, "ScopeSpans"), **_GROUP},
    "ScopeSpans": {"scope": (1, "Scope"), "spans": (2, "Span"), **_GROUP},
    "Span": {
        "traceId": (1, "id"),
        "spanId": (2, "id"),
        "traceState": (3, "text"),
        "parentSpanId": (4, "id"),
        "name": (5, "text"),
        "kind": (6, "int"),
        "startTimeUnixNano": (7, "fixed64"),
        "endTimeUnixNano": (8, "fixed64"),
        "attributes": (9, "KeyValue"),
        "droppedAttributesCount": (10, "int"),
        "events": (11, "Event"),
        "droppedEventsCount": (12, "int"),
        "links": (13, "Link"),
        "droppedLinksCount": (14, "int"),
        "status": (15, "Status"),
        "flags": (16, "fixed32"),
    },
    "Event": {
        "timeUnixNano": (1, "fixed64"),
        "name": (2, "text"),
        "attributes": (3, "KeyValue"),
        "droppedAttributesCount": (4, "int"),
    },
    "Link": {
        "traceId": (1, "id"),
        "spanId": (2, "id"),
        "traceState": (3, "text"),
        "attributes": (4, "KeyValue"),
        "droppedAttributesCount": (5, "int"),
        "flags": (6, "fixed32"),
    },
    "Status": {"message": (2, "text"), "code": (3, "int")},
    # -- what both have
    "Resource": {"attributes": (1, "KeyValue"), "droppedAttributesCount": (2, "int")},
    "Scope": {
        "name": (1, "text"),
        "version": (2, "text"),
        "attributes": (3, "KeyValue"),
        "droppedAttributesCount": (4, "int"),
    },
    "KeyValue": {"key": (1, "text"), "value": (2, "AnyValue")},
    "AnyValue": {
        "stringValue": (1, "text"),
        "boolValue": (2, "int"),
        "intValue": (3, "int"),
        "doubleValue": (4, "double"),
        "arrayValue": (5, "ArrayValue"),
        "kvlistValue": (6, "KeyValueList"),
        "bytesValue": (7, "bytes"),
    },
    "ArrayValue": {"values": (1, "AnyValue")},
    "KeyValueList": {"values": (1, "KeyValue")},
    # -- metrics
    METRICS: {"resourceMetrics": (1, "ResourceMetrics")},
    "ResourceMetrics": {"resource": (1, "Resource"), "scopeMetrics": (2, "ScopeMetrics"), **_GROUP},
    "ScopeMetrics": {"scope": (1, "Scope"), "metrics": (2, "Metric"), **_GROUP},
    "Metric": {
        "name": (1, "text"),
        "description": (2, "text"),
        "unit": (3, "text"),
        "gauge": (5, "Gauge"),
        "sum": (7, "Sum"),
        "histogram": (9, "Histogram"),
        "exponentialHistogram": (10, "ExponentialHistogram"),
        "metadata": (12, "KeyValue"),
    },
    "Gauge": {"dataPoints": (1, "NumberPoint")},
    "Sum": {
        "dataPoints": (1, "NumberPoint"),
        "aggregationTemporality": (2, "int"),
        "isMonotonic": (3, "int"),
    },
    "Histogram": {"dataPoints": (1, "HistogramPoint"), "aggregationTemporality": (2, "int")},
    "ExponentialHistogram": {
        "dataPoints": (1, "ExponentialPoint"),
        "aggregationTemporality": (2, "int"),
    },
    "NumberPoint": {
        **_POINT,
        "asDouble": (4, "double"),
        "exemplars": (5, "Exemplar"),
        "asInt": (6, "sfixed64"),
        "attributes": (7, "KeyValue"),
        "flags": (8, "int"),
    },
    "HistogramPoint": {
        **_POINT,
        "count": (4, "fixed64"),
        "sum": (5, "double"),
        "bucketCounts": (6, "packed fixed64"),
        "explicitBounds": (7, "packed double"),
        "exemplars": (8, "Exemplar"),
        "attributes": (9, "KeyValue"),
        "flags": (10, "int"),
        "min": (11, "double"),
        "max": (12, "double"),
    },
    "ExponentialPoint": {
        **_POINT,
        "attributes": (1, "KeyValue"),
        "count": (4, "fixed64"),
        "sum": (5, "double"),
        "scale": (6, "sint"),
        "zeroCount": (7, "fixed64"),
        "positive": (8, "Buckets"),
        "negative": (9, "Buckets"),
        "flags": (10, "int"),
        "exemplars": (11, "Exemplar"),
        "min": (12, "double"),
        "max": (13, "double"),
        "zeroThreshold": (14, "double"),
    },
    "Buckets": {"offset": (1, "sint"), "bucketCounts": (2, "packed int")},
    "Exemplar": {
        "timeUnixNano": (2, "fixed64"),
        "asDouble": (3, "double"),
        "spanId": (4, "id"),
        "traceId": (5, "id"),
        "asInt": (6, "sfixed64"),
        "filteredAttributes": (7, "KeyValue"),
    },
}
