"""From the settings to exporters: Application Insights, any OTLP endpoint, the terminal.

The SDK and the exporters are imported here and only when one is wanted: an app without telemetry
pays nothing for it, and indexing the functions never touches them. OTLP is spoken as JSON over
HTTP, or as protobuf of our own making: the protobuf exporters would bring a ``protobuf`` into a
process whose worker has another one loaded.

What OpenTelemetry's own variables say beyond the settings (``OTEL_SERVICE_NAME``,
``OTEL_RESOURCE_ATTRIBUTES``, ``OTEL_BSP_…``, ``OTEL_METRIC_EXPORT_INTERVAL``, certificates,
timeouts, compression, temporality) is read by the SDK from the environment.
"""

from __future__ import annotations

import logging
import os
import sys
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING

from dailies.settings import OtlpProtocol, Settings, Telemetry
from dailies.telemetry import providers
from dailies.telemetry.logs import log_event

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics.export import MetricExporter, MetricReader
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
    from opentelemetry.sdk.trace.export import SpanExporter

__all__ = ["start"]


def start(settings: Settings) -> Callable[[], None] | None:
    """Begin to make and send what the settings ask for; call it once in a process.

    Returns:
        A function that sends what is left and ends it; None when nothing is wanted, or when it
        can't be had. Then the log says why: no video waits for its telemetry.
    """
    if not settings.exports_telemetry:
        return None
    try:
        return _started(settings)
    except (ImportError, ValueError, OSError) as error:
        # A package that was left out, a connection string that is none: the settings' affair.
        missing = error.name if isinstance(error, ImportError) else None
        log_event("telemetry_off", level=logging.ERROR, fault=error, missing=missing)
        return None


def _started(settings: Settings) -> Callable[[], None]:
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.sampling import TraceIdRatioBased

    resource = _resource()
    # By the trace's id and nothing else: all processes decide alike for a video. The flag of the
    # caller's context does not count, as Azure's host hands out contexts that say "not sampled".
    traces = TracerProvider(resource=resource, sampler=TraceIdRatioBased(settings.trace_ratio))
    for processor in _processors(settings):
        traces.add_span_processor(processor)
    metrics = MeterProvider(resource=resource, metric_readers=list(_readers(settings)))
    providers.install(traces, metrics)

    def end() -> None:
        providers.install(None, None)
        traces.shutdown()
        metrics.shutdown()

    return end


def _resource() -> Resource:
    from opentelemetry.sdk.resources import Resource

    found = Resource.create()
    # Each process counts from zero: without an id of its own its sums would mix with the others'.
    ours = Resource({"service.instance.id": str(uuid.uuid4())})
    if str(found.attributes.get("service.name", "")).startswith("unknown_service"):
        # In Azure the app's own name, under which the host tells of it too.
        ours = ours.merge(
            Resource({"service.name": os.environ.get("WEBSITE_SITE_NAME", "dailies")})
        )
    return found.merge(ours)


def _processors(settings: Settings) -> list[SpanProcessor]:
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor

    made: list[SpanProcessor] = [
        BatchSpanProcessor(exporter) for exporter in _span_exporters(settings)
    ]
    made += _video_logs(settings)
    if settings.telemetry is Telemetry.CONSOLE:
        from opentelemetry.sdk.trace.export import ConsoleSpanExporter

        exporter = ConsoleSpanExporter(out=sys.stderr, formatter=_one_line)
        made.append(SimpleSpanProcessor(exporter))
    return made


def _one_line(span: ReadableSpan) -> str:
    return str(span.to_json(indent=None)) + "\n"


def _keep_to_ourselves() -> None:
    """The exporter tells its maker how it is used, and asks there for settings, unless told not to.

    It takes that from the environment alone, as it is imported.
    """
    for name in ("STATSBEAT_DISABLED_ALL", "SDKSTATS_DISABLED", "CONTROLPLANE_DISABLED"):
        os.environ.setdefault(f"APPLICATIONINSIGHTS_{name}", "true")


def _span_exporters(settings: Settings) -> list[SpanExporter]:
    made: list[SpanExporter] = []
    if settings.applicationinsights is not None:
        _keep_to_ourselves()
        from azure.monitor.opentelemetry.exporter import AzureMonitorTraceExporter

        made.append(
            AzureMonitorTraceExporter(
                connection_string=settings.applicationinsights.get_secret_value()
            )
        )
    if settings.otlp_traces_url is not None:
        made.append(_otlp_spans(settings, settings.otlp_traces_url))
    return made


def _otlp_spans(settings: Settings, url: str) -> SpanExporter:
    headers = _otlp_headers(settings)
    if (settings.otlp_traces_protocol or settings.otlp_protocol) is OtlpProtocol.PROTOBUF:
        from dailies.app.otlp import PROTOBUF, ProtobufSpanExporter

        return ProtobufSpanExporter(endpoint=url, headers={**headers, **PROTOBUF})
    from opentelemetry.exporter.otlp.json.http import OTLPSpanExporter

    return OTLPSpanExporter(endpoint=url, headers=headers)


def _video_logs(settings: Settings) -> list[SpanProcessor]:
    """What gets one log for each video."""
    if settings.helicone_key is None and settings.log_webhook_url is None:
        return []
    from dailies.app.video_logs import HeliconeExporter, VideoLogProcessor, WebhookExporter

    made: list[SpanProcessor] = []
    if settings.helicone_key is not None:
        helicone = HeliconeExporter(settings.helicone_endpoint, settings.helicone_key)
        made.append(VideoLogProcessor(helicone))
    if settings.log_webhook_url is not None and settings.log_webhook_secret is not None:
        webhook = WebhookExporter(settings.log_webhook_url, settings.log_webhook_secret)
        made.append(VideoLogProcessor(webhook))
    return made


def _readers(settings: Settings) -> list[MetricReader]:
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader

    made: list[MetricReader] = []
    if settings.applicationinsights is not None:
        _keep_to_ourselves()
        from azure.monitor.opentelemetry.exporter import AzureMonitorMetricExporter

        made.append(
            PeriodicExportingMetricReader(
                AzureMonitorMetricExporter(
                    connection_string=settings.applicationinsights.get_secret_value()
                )
            )
        )
    if settings.otlp_metrics_url is not None:
        exporter = _otlp_metrics(settings, settings.otlp_metrics_url)
        made.append(PeriodicExportingMetricReader(exporter))
    return made


def _otlp_metrics(settings: Settings, url: str) -> MetricExporter:
    headers = _otlp_headers(settings)
    if (settings.otlp_metrics_protocol or settings.otlp_protocol) is OtlpProtocol.PROTOBUF:
        from dailies.app.otlp import PROTOBUF, ProtobufMetricExporter

        return ProtobufMetricExporter(endpoint=url, headers={**headers, **PROTOBUF})
    from opentelemetry.exporter.otlp.json.http import OTLPMetricExporter

    return OTLPMetricExporter(endpoint=url, headers=headers)


def _otlp_headers(settings: Settings) -> dict[str, str]:
    from opentelemetry.util.re import parse_env_headers

    if settings.otlp_headers is None:
        return {}
    return dict(parse_env_headers(settings.otlp_headers.get_secret_value(), liberal=True))
