"""What the operator's log tells of a provider's answer, and of a video that stops.

A caller is told what a caller can change; what only an operator can change stands in the log.
"""

from __future__ import annotations

import logging
from typing import Any

from dailies.engine import Step, stop
from dailies.providers.error_text import readable
from dailies.providers.outcomes import Kind, Outcome
from dailies.telemetry.logs import log_event
from dailies.video.basics import VideoError
from dailies.video.record import VideoRecord

__all__ = ["answer_fields", "stop_for_operator"]


def answer_fields(outcome: Outcome, prompt: str | None = None) -> dict[str, Any]:
    """An answer for the log: what it means and, where it is a refusal or a fault, the provider's id
    of the call, and why in its own words.

    Args:
        prompt: of the video, which providers repeat in what they refuse.
    """
    fields: dict[str, Any] = {
        "outcome": outcome.kind,
        "code": outcome.code,
        "http_status": outcome.http_status,
    }
    if outcome.kind is not Kind.ACCEPTED:
        fields |= {
            "provider_request_id": outcome.request_id,
            "param": outcome.param,
            "message": readable(outcome.detail or outcome.message or "", prompt) or None,
            "remedy": outcome.remedy,
        }
    return fields


def stop_for_operator(record: VideoRecord, error: VideoError, remedy: str) -> Step:
    """The video can't go on, for a reason that only the operator can do something about."""
    log_event(
        "video_stopped",
        level=logging.WARNING,
        video_id=record.id,
        code=error.code,
        deployment=record.submit.deployment,
        remedy=remedy,
    )
    return stop(error)
