"""The orchestration engine as the library sees it: names, what crosses its borders, its client.

What crosses the border between orchestrations and activities are small JSON objects. Durable
Functions hands an orchestrator only the text of an activity's exception, so what can be expected
comes back as a ``Step``; an exception is a fault worth an automatic retry.

The triggers give the durable client in the form of ``Orchestrations``; nothing here knows Azure
Functions.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal, NotRequired, Protocol, TypedDict

from dailies.video.basics import VideoError

if TYPE_CHECKING:  # an orchestrator is loaded without the record, and what that is made of
    from dailies.video.record import VideoRecord

__all__ = [
    "ACCEPT_BATCH",
    "ACCEPT_DROP",
    "COURIER",
    "DELIVER_WEBHOOKS",
    "GENERATE_VIDEO",
    "RUN_BATCH",
    "WAKE_EVENT",
    "BatchInput",
    "BatchRef",
    "BatchStep",
    "DeliverInput",
    "Doing",
    "FinishRequest",
    "GenerateInput",
    "InstanceState",
    "Orchestrations",
    "QuotaRequest",
    "Release",
    "Step",
    "VideoRef",
    "ask",
    "done",
    "hold",
    "step_instance_id",
    "stop",
    "wait",
    "wake_courier",
    "wake_video",
]

GENERATE_VIDEO = "generate_video_v4"
"""The orchestrator that new videos are started with. A changed sequence of yields is a new version;
the old one stays registered until its instances have drained."""

ACCEPT_DROP = "accept_drop_v2"
"""The orchestrator of one dropped image."""

DELIVER_WEBHOOKS = "deliver_webhooks_v1"
"""The orchestrator of all deliveries to webhooks, of which there is one instance: ``COURIER``."""
COURIER = "webhooks"

ACCEPT_BATCH = "accept_batch_v1"
"""The orchestrator of one dropped batch."""

RUN_BATCH = "run_batch_v1"
"""The orchestrator of one batch of videos."""

_STEPS_THAT_WAIT = ("submit_video", "check_video", "archive_video")
"""Activities that sub-orchestrations of ``generate_video_v1`` to ``v3`` repeat, with pauses."""

WAKE_EVENT = "wake"
"""The external event that cuts a video's pause short."""


class Doing(StrEnum):
    """What an orchestration is about, as operators see it in its custom status."""

    PREPARING = "preparing"
    SUBMITTING = "submitting"
    RENDERING = "rendering"
    ARCHIVING = "archiving"
    JUDGING = "judging"
    FINISHING = "finishing"


class InstanceState(StrEnum):
    """What became of an orchestration instance."""

    MISSING = "missing"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    TERMINATED = "terminated"


class QuotaRequest(TypedDict):
    """What the quota entity of a deployment needs to know; times are seconds.

    Since there are lanes: ``owner``, whose videos share a turn; ``weight``, of that owner's share;
    ``priority`` among the owner's own videos; ``expires_at``, Unix seconds from which on the video
    is let through to its end.
    """

    deployment: str
    per_window: int | None
    window_seconds: float
    concurrent: int | None
    typical_seconds: float
    lease_seconds: float
    owner: NotRequired[str]
    weight: NotRequired[float]
    priority: NotRequired[str]
    expires_at: NotRequired[float]


class VideoRef(TypedDict):
    """A video, by name. ``traceparent`` is the trace that it was created in; ``doing`` what it is
    about, and ``attempt`` how often that was tried before; ``woken`` says that its pause was cut
    short, so that no quota was asked for; ``waiting`` that it was asked for and had no place;
    ``place`` (since version 3) at which deployment it has one, None for nowhere."""

    id: str
    owner: str
    traceparent: NotRequired[str | None]
    doing: NotRequired[Doing]
    attempt: NotRequired[int]
    woken: NotRequired[bool]
    waiting: NotRequired[bool]
    place: NotRequired[str | None]


class GenerateInput(VideoRef):
    """The input of the orchestration: small, and without the prompt. ``quota``: where to ask for a
    place first. ``sent`` (since version 2): its request has left, or may have, so that the next
    step needs no place."""

    restarts: int
    retry_seconds: float
    has_reference: bool
    quota: QuotaRequest | None
    sent: NotRequired[bool]


class BatchRef(TypedDict):
    """A batch, by name; ``traceparent`` is the trace that it was ordered in."""

    id: str
    owner: str
    traceparent: str | None


class BatchInput(BatchRef):
    """The input of a batch's orchestration."""

    retry_seconds: float


class BatchStep(TypedDict):
    """What a turn at a batch came to: ``wait`` so many ``seconds`` for the next one, unless woken;
    or it is at ``rest``: it has ended, or is paused with nothing under way."""

    kind: Literal["wait", "rest"]
    seconds: NotRequired[float]


class FinishRequest(VideoRef):
    """The video to end; with ``error`` it failed, without it is complete."""

    error: NotRequired[dict[str, str] | None]


class DeliverInput(TypedDict):
    """What the courier is told: how often it failed in a row."""

    faults: int


class Release(TypedDict):
    """A job has left its deployment; ``took`` is for how many seconds it rendered, None where it
    gave no video."""

    deployment: str
    took: float | None


class Step(TypedDict):
    """What a step came to.

    ``done``: go on, after ``seconds``. ``wait``: call it again after ``seconds``. ``stop``: the
    video ends with ``error``. ``holds``: the quota that was granted serves the next call too.
    ``place``: where to ask for a place before that, None for nowhere; without it, where it was
    asked before. ``deployment``: whose quota the video's job holds until it has ended.

    Of the whole video (``advance_video``): ``done`` is its end, with ``error`` or without;
    ``doing`` is what comes next, and ``attempt`` how often that was tried; ``release`` is the place
    to give back now.
    """

    kind: Literal["done", "wait", "stop"]
    seconds: NotRequired[float]
    error: NotRequired[dict[str, str]]
    holds: NotRequired[bool]
    place: NotRequired[QuotaRequest | None]
    deployment: NotRequired[str | None]
    doing: NotRequired[Doing]
    attempt: NotRequired[int]
    release: NotRequired[Release]


def done(next_after: float = 0.0) -> Step:
    """The step is complete; the next one need not begin before ``next_after`` seconds."""
    return {"kind": "done", "seconds": next_after}


def wait(seconds: float) -> Step:
    """Nothing is wrong; call the step again after so many seconds."""
    return {"kind": "wait", "seconds": max(0.0, seconds)}


def ask(place: QuotaRequest | None) -> Step:
    """The step can be done once there is a place for it; at once where it needs none."""
    return {**wait(0), "place": place}


def hold(seconds: float) -> Step:
    """As ``wait``; what was granted is still under way, so no new place in the quota is needed."""
    return {**wait(seconds), "holds": True}


def stop(error: VideoError) -> Step:
    """The video can't go on."""
    return {"kind": "stop", "error": {"code": error.code, "message": error.message}}


class Orchestrations(Protocol):
    """The engine, as the API, the drop trigger and the sweeper use it."""

    async def start(self, name: str, instance_id: str, payload: Mapping[str, Any]) -> None:
        """Start an instance; an instance of that id that runs is left alone."""
        ...

    async def raise_event(self, instance_id: str, event: str) -> None:
        """Raise an external event; nothing happens when no such instance runs."""
        ...

    async def state(self, instance_id: str) -> InstanceState:
        """What became of the instance."""
        ...

    async def release_quota(self, deployment: str, video_id: str) -> None:
        """Give back what an ended video still holds of its deployment's quota."""
        ...

    async def lane(self, deployment: str) -> Mapping[str, Any] | None:
        """The state of a deployment's lane; None where nobody has used it."""
        ...

    async def purge_finished(self, before: datetime) -> int:
        """Forget the instances that were created before this time and have ended, failed ones and
        their histories included; gives their number."""
        ...

    def check_status(self, instance_id: str) -> Mapping[str, str]:
        """Durable's management addresses. They carry a key to the whole task hub: for operators
        only."""
        ...


async def wake_courier(orchestrations: Orchestrations) -> None:
    """Have what is due for webhooks delivered now."""
    if await orchestrations.state(COURIER) is not InstanceState.RUNNING:
        await orchestrations.start(DELIVER_WEBHOOKS, COURIER, {})
    await orchestrations.raise_event(COURIER, WAKE_EVENT)


def step_instance_id(video_id: str, activity: str, restarts: int) -> str:
    """The id of the sub-orchestration that repeats a step, up to version 3; a restarted video has
    new ones."""
    return f"{video_id}-{activity}-{restarts}"


async def wake_video(orchestrations: Orchestrations, record: VideoRecord) -> None:
    """Cut short whatever pause the video's orchestration is in, so that it sees the record anew."""
    await orchestrations.raise_event(record.id, WAKE_EVENT)
    for activity in _STEPS_THAT_WAIT:
        instance_id = step_instance_id(record.id, activity, record.restarts)
        await orchestrations.raise_event(instance_id, WAKE_EVENT)
