"""What Application Insights was sent by Microsoft's Functions host with this app on it.

``seen.jsonl`` has one envelope of each kind, cut to what queries may look at; names of earlier
versions of the orchestrators are in it. Here it becomes rows of the tables, as Azure makes them.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

__all__ = ["ENVELOPES", "Envelope", "Row", "like", "names", "row_of"]

Envelope = dict[str, Any]
Row = dict[str, Any]

ENVELOPES: tuple[Envelope, ...] = tuple(
    json.loads(line)
    for line in (Path(__file__).parent / "seen.jsonl").read_text(encoding="utf-8").splitlines()
)

_SEVERITIES = ("Verbose", "Information", "Warning", "Error", "Critical")
_TAGS = {
    "ai.operation.id": "operation_Id",
    "ai.operation.parentId": "operation_ParentId",
    "ai.operation.name": "operation_Name",
    "ai.cloud.role": "cloud_RoleName",
}


def like(kind: str, **base: Any) -> Envelope:
    """A copy of the first envelope of a kind whose base data has these values."""
    for envelope in ENVELOPES:
        data = envelope["baseData"]
        if envelope["baseType"] == kind and all(data.get(k) == v for k, v in base.items()):
            return copy.deepcopy(envelope)
    raise LookupError(f"no {kind} with {base} was seen")


def row_of(envelope: Envelope) -> tuple[str, Row]:
    """The table, and the row in it."""
    data = envelope["baseData"]
    table, own = _MAKERS[envelope["baseType"]](data)
    tags = {_TAGS[name]: value for name, value in envelope["tags"].items()}
    dimensions = data.get("properties", {})
    return table, {"timestamp": envelope["time"], "customDimensions": dimensions, **tags, **own}


def _trace(data: Mapping[str, Any]) -> tuple[str, Row]:
    severity = _SEVERITIES.index(data["severityLevel"])
    return "traces", {
        "itemType": "trace",
        "message": data["message"],
        "severityLevel": severity,
    }


def _request(data: Mapping[str, Any]) -> tuple[str, Row]:
    return "requests", {
        "itemType": "request",
        **{name: data.get(name) for name in ("id", "name", "url", "success")},
        "resultCode": data["responseCode"],
        "duration": _milliseconds(data["duration"]),
    }


def _dependency(data: Mapping[str, Any]) -> tuple[str, Row]:
    names = ("id", "name", "target", "type", "data", "success", "resultCode")
    return "dependencies", {
        "itemType": "dependency",
        **{name: data.get(name) for name in names},
        "duration": _milliseconds(data["duration"]),
    }


def _exception(data: Mapping[str, Any]) -> tuple[str, Row]:
    outer = data["exceptions"][0]
    return "exceptions", {
        "itemType": "exception",
        "type": outer["typeName"],
        "outerType": outer["typeName"],
        "outerMessage": outer["message"],
    }


def _metric(data: Mapping[str, Any]) -> tuple[str, Row]:
    (metric,) = data["metrics"]
    return "customMetrics", {
        "itemType": "customMetric",
        "name": metric["name"],
        "value": metric["value"],
        "valueSum": metric["value"],
        "valueCount": metric.get("count", 1),
        "valueMin": metric.get("min"),
        "valueMax": metric.get("max"),
    }


_MAKERS = {
    "MessageData": _trace,
    "RequestData": _request,
    "RemoteDependencyData": _dependency,
    "ExceptionData": _exception,
    "MetricData": _metric,
}


def _milliseconds(span: str) -> float:
    """Of ``[days.]hours:minutes:seconds``."""
    hours, minutes, seconds = span.split(":")
    days, _, hours = hours.rpartition(".")
    return ((int(days or 0) * 24 + int(hours)) * 3600 + int(minutes) * 60 + float(seconds)) * 1000


def names() -> Iterator[str]:
    """Every category, operation, metric and dimension that was seen."""
    for envelope in ENVELOPES:
        data = envelope["baseData"]
        properties = data.get("properties", {})
        yield from properties
        yield properties.get("Category", "")
        yield data.get("name", "")
        yield from (metric["name"] for metric in data.get("metrics", ()))
