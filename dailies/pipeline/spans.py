"""The spans of steps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.trace import Span, Status, StatusCode

from dailies.engine import Step, VideoRef
from dailies.telemetry.spans import Attributes, note, span

__all__ = ["drop_span", "end_step", "inner_span", "step_span"]


@contextmanager
def step_span(name: str, video: VideoRef) -> Iterator[Span]:
    """One call of an activity, in the video's own trace."""
    attributes: Attributes = {
        "dailies.video.id": video["id"],
        "dailies.attempt": video.get("attempt", 0),
    }
    with span(name, parent=video.get("traceparent"), attributes=attributes) as made:
        yield made


@contextmanager
def inner_span(name: str, video: VideoRef) -> Iterator[Span]:
    """One of the steps that an activity runs: a child of the activity's span."""
    attributes: Attributes = {
        "dailies.video.id": video["id"],
        "dailies.attempt": video.get("attempt", 0),
    }
    with span(name, attributes=attributes) as made:
        yield made


def end_step(step: Step) -> None:
    """Note in the current span what a step came to. To wait is no error."""
    code = step["error"]["code"] if step["kind"] == "stop" and "error" in step else None
    note(
        {
            "dailies.step": step["kind"],
            "dailies.step.pause": step.get("seconds") if step["kind"] == "wait" else None,
            "error.type": code,
        }
    )
    if code is not None:
        trace.get_current_span().set_status(Status(StatusCode.ERROR))


@contextmanager
def drop_span(name: str, drop: Mapping[str, object]) -> Iterator[Span]:
    """Work on a dropped image (``dailies.drops.accept.Drop``), in its own trace."""
    parent = drop.get("traceparent")
    attributes = {"dailies.blob": str(drop["blob"])}
    given = parent if isinstance(parent, str) else None
    with span(name, parent=given, attributes=attributes) as made:
        yield made
