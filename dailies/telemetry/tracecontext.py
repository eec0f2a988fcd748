"""W3C trace contexts as text: ``00-<trace id>-<span id>-<flags>`` (the header ``traceparent``).

A record keeps the trace that it was created in, and everything that happens to the video later is
part of that trace, in whatever process and however much later. Source: W3C Trace Context, level 1.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import SpanContext
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

__all__ = ["context_of", "current", "headers", "starting", "trace_id_of", "within"]

_HEADER = "traceparent"
_LONGEST = 256
"""Characters. Version 00 has 55; later ones may have more behind them."""
_PROPAGATOR = TraceContextTextMapPropagator()


def context_of(traceparent: str | None) -> Context | None:
    """The context that a span is a child in; None when the text is missing or malformed."""
    if not traceparent or len(traceparent) > _LONGEST:
        return None
    context = _PROPAGATOR.extract({_HEADER: traceparent}, Context())
    return context if _span_context(context).is_valid else None


def trace_id_of(traceparent: str | None) -> str | None:
    """The trace's id, 32 hex digits."""
    context = context_of(traceparent)
    return None if context is None else trace.format_trace_id(_span_context(context).trace_id)


def current() -> str | None:
    """The context of the span that is being worked in."""
    return headers().get(_HEADER)


def headers() -> Mapping[str, str]:
    """What a request that leaves now carries, so that its receiver joins the trace."""
    carrier: dict[str, str] = {}
    _PROPAGATOR.inject(carrier)
    return carrier


def starting(given: str | None = None) -> str:
    """The trace that something accepted now belongs to, never empty.

    It is the one being worked in, else the caller's (``given``), else a new one.
    """
    found = current()
    if found is not None:
        return found
    if given is not None and context_of(given) is not None:
        return given
    return f"00-{os.urandom(16).hex()}-{os.urandom(8).hex()}-01"


@contextmanager
def within(traceparent: str | None) -> Iterator[None]:
    """Whatever is sent inside is part of this trace, also where no span is made."""
    context = context_of(traceparent)
    if context is None:
        yield
        return
    token = otel_context.attach(context)
    try:
        yield
    finally:
        otel_context.detach(token)


def _span_context(context: Context) -> SpanContext:
    return trace.get_current_span(context).get_span_context()
