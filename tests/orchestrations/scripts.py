"""Scripted activities, and the inputs of orchestrations, for the tests of this folder."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from dailies.engine import (
    GENERATE_VIDEO,
    Doing,
    GenerateInput,
    QuotaRequest,
    Release,
    Step,
    done,
    hold,
    wait,
)
from tests.orchestrations.replay import Activity, Engine, Fault

__all__ = [
    "FAULT",
    "QUOTA",
    "VIDEO",
    "engine",
    "fill",
    "generate",
    "life",
    "names",
    "rendered",
    "rendering",
    "script",
    "submitted",
    "video",
]

FAULT = Fault("storage did not answer")
VIDEO = "video_019aa5e1c0de0123456789abcdef0123"
QUOTA: QuotaRequest = {
    "deployment": "azure-sora-2",
    "per_window": 2,
    "window_seconds": 60.0,
    "concurrent": 2,
    "typical_seconds": 60.0,
    "lease_seconds": 5400.0,
}
STEPS_BEFORE_V4 = (
    "prepare_reference",
    "submit_video",
    "check_video",
    "archive_video",
    "finish_video",
    "publish_events",
)


def script(*answers: Any, then: Any = None) -> Activity:
    """An activity that gives these answers in turn, and then always the last, or ``then``."""
    waiting = list(answers)
    last = answers[-1] if then is None else then

    def activity(payload: Any) -> Any:
        answer = waiting.pop(0) if waiting else last
        if isinstance(answer, Exception):
            raise answer
        return answer(payload) if callable(answer) else answer

    return activity


def engine(activities: Mapping[str, Activity] | None = None) -> Engine:
    """An engine whose steps are all done at once, but for those given."""
    steps = {name: script(done()) for name in (*STEPS_BEFORE_V4, "advance_video")}
    return Engine({**steps, "submit_video": script(submitted()), **(activities or {})})


def life(*answers: Any) -> Engine:
    """An engine whose video is advanced with these answers, and then is over."""
    return engine({"advance_video": script(*answers, done())})


def rendering(seconds: float = 0.0, attempt: int = 0) -> Step:
    """The video has its job, to be looked at after so many seconds."""
    return {**hold(seconds), "doing": Doing.RENDERING, "attempt": attempt}


def rendered(deployment: str = QUOTA["deployment"], took: float = 60.0) -> Step:
    """The video's job has ended, and holds no place any more."""
    release: Release = {"deployment": deployment, "took": took}
    return {**wait(0), "doing": Doing.ARCHIVING, "attempt": 0, "release": release}


def submitted(after: float = 0.0, deployment: str = QUOTA["deployment"]) -> Step:
    """What the step answers that has got the video its job."""
    return {**done(after), "deployment": deployment}


def fill(hub: Engine, quota: QuotaRequest) -> None:
    """Let others have sent as much as the quota allows for now; nothing of it runs any more."""
    others = range(quota["per_window"] or 0)
    state = {"sent": [hub.now - number for number in others], "leases": {}, "queue": []}
    hub.entity_states[f"@quota@{quota['deployment']}"] = json.dumps(state)


def video(
    *,
    video_id: str = VIDEO,
    restarts: int = 0,
    has_reference: bool = False,
    quota: QuotaRequest | None = None,
    sent: bool = False,
) -> GenerateInput:
    """The input of a video's orchestration."""
    return {
        "id": video_id,
        "owner": "alice",
        "restarts": restarts,
        "retry_seconds": 5.0,
        "has_reference": has_reference,
        "quota": quota,
        "sent": sent,
    }


def generate(hub: Engine, *, orchestrator: str = GENERATE_VIDEO, **changes: Any) -> Any:
    """Run a video's orchestration to its end."""
    payload = video(**changes)
    return hub.run(orchestrator, payload, payload["id"])


def names(calls: Iterable[Any]) -> list[str]:
    """What was called, in order."""
    return [call.name for call in calls]
