"""The spans that the app makes.

A video's trace begins in the request, or the dropped image, that asked for it. Everything later is
a child of the context that its record keeps: each step, in it the calls to providers, the files
that are stored and the events that are published.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ClassVar
from urllib.parse import SplitResult, urlsplit

from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from opentelemetry.util.types import AttributeValue

from dailies.telemetry import tracecontext
from dailies.telemetry.providers import tracer

__all__ = [
    "Attributes",
    "RequestTrace",
    "SpanKind",
    "note",
    "note_answer",
    "note_response",
    "past_span",
    "provider_span",
    "publish_span",
    "request_span",
    "span",
]

Attributes = Mapping[str, AttributeValue | None]


@contextmanager
def span(
    name: str,
    *,
    kind: SpanKind = SpanKind.INTERNAL,
    parent: str | None = None,
    attributes: Attributes | None = None,
) -> Iterator[Span]:
    """Work inside a span: a child of ``parent`` (a ``traceparent``), else of the current span.

    An exception that passes is noted by its type alone: its text may hold what a trace must not.
    """
    with tracer().start_as_current_span(
        name,
        context=tracecontext.context_of(parent),
        kind=kind,
        attributes=_present(attributes or {}),
        record_exception=False,
        set_status_on_exception=False,
    ) as made:
        try:
            yield made
        except BaseException as error:
            made.set_attribute("error.type", type(error).__qualname__)
            made.set_status(Status(StatusCode.ERROR))
            raise


def past_span(
    name: str,
    *,
    kind: SpanKind,
    parent: str | None,
    began: float,
    ended: float,
    attributes: Attributes,
    error: str | None = None,
) -> None:
    """Tell of what lies behind as one span, of times in Unix seconds.

    Args:
        error: a code, where it went wrong.
    """
    made = tracer().start_span(
        name,
        context=tracecontext.context_of(parent),
        kind=kind,
        attributes=_present({**attributes, "error.type": error}),
        start_time=_nanoseconds(began),
    )
    if error is not None:
        made.set_status(Status(StatusCode.ERROR))
    made.end(_nanoseconds(max(began, ended)))


def _nanoseconds(at: float) -> int:
    return int(at * 1_000_000) * 1000


def note(attributes: Attributes) -> None:
    """Add to the current span; attributes that are None are left out."""
    current = trace.get_current_span()
    if current.is_recording():
        current.set_attributes(_present(attributes))


# -- requests


@dataclass(frozen=True, slots=True)
class RequestTrace:
    """The trace that a request is part of; ``scope["state"]`` may hold it under ``KEY``.

    Attributes:
        parent: a ``traceparent``.
        reported: whether the Functions host tells of the request where our own spans go.
    """

    KEY: ClassVar[str] = "dailies_trace"

    parent: str | None = None
    reported: bool = False


@contextmanager
def request_span(method: str, trace: RequestTrace | None) -> Iterator[Span]:
    """A request to the API, by OpenTelemetry's conventions for HTTP servers.

    One that the host has reported is a part of the host's span and no request of its own: it would
    be counted twice.
    """
    given = trace or RequestTrace()
    kind = SpanKind.INTERNAL if given.reported else SpanKind.SERVER
    attributes = {"http.request.method": method}
    with span(method, kind=kind, parent=given.parent, attributes=attributes) as made:
        yield made


def note_response(made: Span, method: str, route: str | None, status: int | None) -> None:
    """A request was answered. Only the route's template is told: a path is the caller's words."""
    if route is not None:
        made.update_name(f"{method} {route}")
    made.set_attributes(_present({"http.route": route, "http.response.status_code": status}))
    if status is None or status >= 500:
        made.set_attribute("error.type", str(status or "no_answer"))
        made.set_status(Status(StatusCode.ERROR))


# -- what steps do


@contextmanager
def provider_span(call: str, method: str, url: str, *, model: str) -> Iterator[Span]:
    """A request to a provider, by OpenTelemetry's conventions for HTTP clients.

    The address is told without its query and without credentials. ``model`` is the provider's name
    for it. In the conventions for generative AI a video is told as one span of its own, at its end
    (``dailies.pipeline.generation``): marked here as well, it would count twice.
    """
    parts = urlsplit(url)
    attributes: dict[str, AttributeValue | None] = {
        "http.request.method": method,
        "server.address": parts.hostname,
        "server.port": parts.port or (443 if parts.scheme == "https" else 80),
        "url.full": _bare(parts),
        "dailies.provider.call": call,
        "gen_ai.request.model": model,
    }
    with span(f"{method} {call}", kind=SpanKind.CLIENT, attributes=attributes) as made:
        yield made


def note_answer(made: Span, status: int, request_id: str | None) -> None:
    """The head of a provider's answer has come."""
    attributes = {"http.response.status_code": status, "dailies.provider.request_id": request_id}
    made.set_attributes(_present(attributes))
    if status >= 400:
        made.set_attribute("error.type", str(status))
        made.set_status(Status(StatusCode.ERROR))


@contextmanager
def publish_span(
    event_id: str, event_type: str, subject: str, *, parent: str | None
) -> Iterator[Span]:
    """An event on its way to the topic, by the conventions for messaging and for CloudEvents.

    ``parent`` is the trace that the event tells of: where a span of another trace is open (of the
    request that deletes a video), it is only linked.
    """
    attributes = {
        "messaging.system": "eventgrid",
        "messaging.operation.type": "send",
        "messaging.operation.name": "publish",
        "messaging.message.id": event_id,
        "cloudevents.event_id": event_id,
        "cloudevents.event_type": event_type,
        "cloudevents.event_subject": subject,
    }
    inside = tracecontext.current()
    with span(
        f"publish {event_type}",
        kind=SpanKind.PRODUCER,
        parent=None if inside else parent,
        attributes=attributes,
    ) as made:
        other = tracecontext.trace_id_of(parent) != tracecontext.trace_id_of(inside)
        if inside and other and (context := tracecontext.context_of(parent)) is not None:
            made.add_link(trace.get_current_span(context).get_span_context())
        yield made


def _bare(parts: SplitResult) -> str:
    """An address without query, fragment and credentials."""
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()


def _present(attributes: Attributes) -> dict[str, AttributeValue]:
    return {name: value for name, value in attributes.items() if value is not None}
