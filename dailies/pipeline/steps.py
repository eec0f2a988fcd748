"""What crosses the border between orchestrations and activities: small JSON objects.

Durable Functions hands an orchestrator only the text of an activity's exception, so what can be
expected comes back as a ``Step``; an exception is a fault worth an automatic retry.
"""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict

from dailies.videos import VideoError

__all__ = ["QuotaRequest", "Step", "VideoRef", "done", "hold", "stop", "wait"]


class QuotaRequest(TypedDict):
    """What the quota entity of a deployment needs to know; times are seconds."""

    deployment: str
    per_window: int | None
    window_seconds: float
    concurrent: int | None
    typical_seconds: float
    lease_seconds: float


class VideoRef(TypedDict):
    """A video, by name. ``traceparent`` is the trace that it was created in; ``attempt`` counts the
    calls of a repeated step, from 0; ``woken`` says that its pause was cut short, so that no quota
    was asked for; ``waiting`` that it was asked for and had no place."""

    id: str
    owner: str
    traceparent: NotRequired[str | None]
    attempt: NotRequired[int]
    woken: NotRequired[bool]
    waiting: NotRequired[bool]


class Step(TypedDict):
    """What a step came to.

    ``done``: go on, after ``seconds``. ``wait``: call it again after ``seconds``. ``stop``: the
    video ends with ``error``. ``holds``: the quota that was granted serves the next call too.
    """

    kind: Literal["done", "wait", "stop"]
    seconds: NotRequired[float]
    error: NotRequired[dict[str, str]]
    holds: NotRequired[bool]


def done(next_after: float = 0.0) -> Step:
    """The step is complete; the next one need not begin before ``next_after`` seconds."""
    return {"kind": "done", "seconds": next_after}


def wait(seconds: float) -> Step:
    """Nothing is wrong; call the step again after so many seconds."""
    return {"kind": "wait", "seconds": max(0.0, seconds)}


def hold(seconds: float) -> Step:
    """As ``wait``; what was granted is still under way, so no new place in the quota is needed."""
    return {**wait(seconds), "holds": True}


def stop(error: VideoError) -> Step:
    """The video can't go on."""
    return {"kind": "stop", "error": {"code": error.code, "message": error.message}}
