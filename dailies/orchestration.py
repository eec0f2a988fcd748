"""What the library needs of the orchestration engine, and how a video is handed to it.

The triggers give the durable client in the form of ``Orchestrations``; nothing here knows Azure
Functions.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, NotRequired, Protocol

from dailies.pipeline.steps import QuotaRequest, VideoRef
from dailies.pipeline.submit import quota_of
from dailies.records import VideoRecord
from dailies.services import Services
from dailies.telemetry import tracecontext

__all__ = [
    "ACCEPT_DROP",
    "GENERATE_VIDEO",
    "WAKE_EVENT",
    "GenerateInput",
    "InstanceState",
    "Orchestrations",
    "generate_input",
    "start_video",
    "step_instance_id",
    "wake_video",
]

GENERATE_VIDEO = "generate_video_v2"
"""The orchestrator that new videos are started with. A changed sequence of yields is a new version;
the old one stays registered until its instances have drained."""

ACCEPT_DROP = "accept_drop_v2"
"""The orchestrator of one dropped image."""

_STEPS_THAT_WAIT = ("submit_video", "check_video", "archive_video")
"""Activities that a sub-orchestration repeats, with pauses."""

WAKE_EVENT = "wake"
"""The external event that cuts a waiting step's pause short."""


class InstanceState(StrEnum):
    """What became of an orchestration instance."""

    MISSING = "missing"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    TERMINATED = "terminated"


class GenerateInput(VideoRef):
    """The input of the orchestration: small, and without the prompt. ``sent`` (since version 2):
    its request has left, or may have, so that the next step needs no place in the quota."""

    restarts: int
    retry_seconds: float
    has_reference: bool
    quota: QuotaRequest | None
    sent: NotRequired[bool]


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

    async def purge_finished(self, before: datetime) -> int:
        """Forget the instances that were created before this time and have ended, failed ones and
        their histories included; gives their number."""
        ...

    def check_status(self, instance_id: str) -> Mapping[str, str]:
        """Durable's management addresses. They carry a key to the whole task hub: for operators
        only."""
        ...


def generate_input(services: Services, record: VideoRecord) -> GenerateInput:
    """What ``generate_video_v2`` needs to know of a video."""
    submit = record.submit
    return {
        "id": record.id,
        "owner": record.owner,
        "traceparent": record.traceparent,
        "restarts": record.restarts,
        "retry_seconds": services.settings.retry_seconds,
        "has_reference": record.request.needs_preparing,
        "quota": quota_of(services, record),
        "sent": submit.job_id is not None or submit.sending_since is not None,
    }


def step_instance_id(video_id: str, activity: str, restarts: int) -> str:
    """The id of the sub-orchestration that repeats a step; a restarted video has new ones."""
    return f"{video_id}-{activity}-{restarts}"


async def wake_video(orchestrations: Orchestrations, record: VideoRecord) -> None:
    """Cut short whatever pause the video's orchestration is in, so that it sees the record anew."""
    for activity in _STEPS_THAT_WAIT:
        instance_id = step_instance_id(record.id, activity, record.restarts)
        await orchestrations.raise_event(instance_id, WAKE_EVENT)


async def start_video(
    services: Services, orchestrations: Orchestrations, record: VideoRecord
) -> None:
    """Start the orchestration of an accepted video; its id is the video's own."""
    # Whoever starts it, and however late: the engine's own spans belong to the video's trace.
    with tracecontext.within(record.traceparent):
        await orchestrations.start(GENERATE_VIDEO, record.id, generate_input(services, record))
