"""OTLP's exporters in its protobuf form, for services that take no JSON.

OpenTelemetry's own, which send JSON; only what goes over the wire is another form of the same. See
``dailies.telemetry.protobuf`` for why not those that bring ``protobuf``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from opentelemetry.exporter.otlp.json.common.metrics_encoder import encode_metrics
from opentelemetry.exporter.otlp.json.common.trace_encoder import encode_spans
from opentelemetry.exporter.otlp.json.http import OTLPMetricExporter, OTLPSpanExporter
from opentelemetry.sdk.metrics.export import MetricExportResult, MetricsData
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult

from dailies.telemetry.protobuf import METRICS, TRACES, encode

__all__ = ["PROTOBUF", "ProtobufMetricExporter", "ProtobufSpanExporter"]

PROTOBUF = {"content-type": "application/x-protobuf"}


class ProtobufSpanExporter(OTLPSpanExporter):
    """Takes the arguments of its base; ``PROTOBUF`` must be among the headers."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """See the base."""
        if self._shutdown:
            return SpanExportResult.FAILURE
        sent = self._client.export(encode(TRACES, encode_spans(spans).to_dict()))
        return SpanExportResult.SUCCESS if sent.success else SpanExportResult.FAILURE


class ProtobufMetricExporter(OTLPMetricExporter):
    """As ``ProtobufSpanExporter``."""

    def export(
        self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: Any
    ) -> MetricExportResult:
        """See the base."""
        if self._shutdown:
            return MetricExportResult.FAILURE
        sent = self._client.export(encode(METRICS, encode_metrics(metrics_data).to_dict()))
        return MetricExportResult.SUCCESS if sent.success else MetricExportResult.FAILURE
