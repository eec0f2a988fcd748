"""Who makes spans and counts in this process.

The app keeps its own providers instead of OpenTelemetry's global ones: those can be set only once,
and Azure's worker may have set them for itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from opentelemetry.metrics import Meter, MeterProvider, NoOpMeterProvider
from opentelemetry.trace import NoOpTracerProvider, Tracer, TracerProvider

__all__ = ["install", "meter", "tracer"]

_SCOPE = "dailies"


@dataclass(slots=True)
class _Installed:
    tracer: Tracer = field(default_factory=lambda: NoOpTracerProvider().get_tracer(_SCOPE))
    meter: Meter = field(default_factory=lambda: NoOpMeterProvider().get_meter(_SCOPE))


_installed = _Installed()


def install(traces: TracerProvider | None, metrics: MeterProvider | None) -> None:
    """Put providers there; None is for one that does nothing."""
    _installed.tracer = (traces or NoOpTracerProvider()).get_tracer(_SCOPE)
    _installed.meter = (metrics or NoOpMeterProvider()).get_meter(_SCOPE)


def tracer() -> Tracer:
    """Makes the app's spans."""
    return _installed.tracer


def meter() -> Meter:
    """Makes the app's instruments."""
    return _installed.meter
