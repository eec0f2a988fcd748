"""Our protobuf, read by Google's package and OpenTelemetry's own descriptions of the messages."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict
from opentelemetry.exporter.otlp.json.common.metrics_encoder import encode_metrics
from opentelemetry.exporter.otlp.json.common.trace_encoder import encode_spans
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.metrics import Histogram, MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceState

from dailies.telemetry.protobuf import METRICS, TRACES, encode

RESOURCE = Resource({"service.name": "dailies"})
_IDS = ("traceId", "spanId", "parentSpanId")


def _as_protobuf_writes_json(document: Any) -> Any:
    """OTLP's JSON in the words of protobuf's general one: ids in base64, enumerations by name."""
    if isinstance(document, list):
        return [_as_protobuf_writes_json(item) for item in document]
    if not isinstance(document, dict):
        return document
    return {
        name: base64.b64encode(bytes.fromhex(value)).decode()
        if name in _IDS
        else _as_protobuf_writes_json(value)
        for name, value in document.items()
    }


def _read(message: Any, data: bytes) -> Any:
    read = message.FromString(data)
    return MessageToDict(read, use_integers_for_enums=True)


def test_spans_come_back_as_they_were() -> None:
    kept = InMemorySpanExporter()
    provider = TracerProvider(resource=RESOURCE, shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(kept))
    state = TraceState([("vendor", "x")])
    other = SpanContext(0xAB << 120, 0xCD << 56, is_remote=True, trace_state=state)
    tracer = provider.get_tracer("dailies", "1.2", attributes={"of": "scope"})
    with (
        tracer.start_as_current_span("outer"),
        tracer.start_as_current_span(
            "Drachen über dem Strand 🪁",
            kind=SpanKind.CLIENT,
            links=[Link(other, {"a": 1})],
            attributes={
                "text": "x" * 300,
                "empty": "",
                "true": True,
                "false": False,
                "zero": 0,
                "below": -7,
                "large": 2**62,
                "float": -0.25,
                "texts": ["a", "b"],
                "numbers": [1, -1],
            },
        ) as span,
    ):
        span.add_event("happened", {"at": 3}, timestamp=1_795_262_400_000_000_001)
        span.set_status(Status(StatusCode.ERROR, "broken"))
    document = encode_spans(kept.get_finished_spans()).to_dict()
    read = _read(ExportTraceServiceRequest, encode(TRACES, document))
    assert read == _as_protobuf_writes_json(document)
    assert len(read["resourceSpans"][0]["scopeSpans"][0]["spans"]) == 2


def test_metrics_come_back_as_they_were() -> None:
    reader = InMemoryMetricReader(
        preferred_aggregation={Histogram: ExponentialBucketHistogramAggregation()}
    )
    plain = InMemoryMetricReader()
    provider = MeterProvider([reader, plain], resource=RESOURCE, shutdown_on_exit=False)
    meter = provider.get_meter("dailies")

    def look(_: CallbackOptions) -> list[Observation]:
        return [Observation(-3, {"of": "now"}), Observation(0.5, {"of": "then"})]

    meter.create_counter("dailies.videos", "{video}", "Videos.").add(3, {"model": "veo"})
    meter.create_up_down_counter("dailies.open").add(-2)
    meter.create_counter("dailies.cost", "{USD}").add(0.4, {"free": False})
    meter.create_observable_gauge("dailies.level", [look])
    lag = meter.create_histogram("dailies.lag", "s", explicit_bucket_boundaries_advisory=[0.5, 1])
    for seconds in (0.1, 0.7, 3.0, 700.0):
        lag.record(seconds, {"at": "x"})
    for source in (reader, plain):
        data = source.get_metrics_data()
        assert data is not None
        document = encode_metrics(data).to_dict()
        read = _read(ExportMetricsServiceRequest, encode(METRICS, document))
        assert read == _as_protobuf_writes_json(document)
    provider.shutdown()


def test_what_is_not_known_is_not_left_out_silently() -> None:
    with pytest.raises(KeyError, match="newField"):
        encode(TRACES, {"resourceSpans": [{"newField": 1}]})
