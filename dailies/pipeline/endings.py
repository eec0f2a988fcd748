"""The ends of a video that nobody but the operator can do something about, and what the log tells.

A caller is told what a caller can change; what only an operator can change stands in the log.
"""

from __future__ import annotations

import logging
from typing import Any

from dailies.engine import Step, stop
from dailies.providers.error_text import readable
from dailies.providers.outcomes import Kind, Outcome
from dailies.services import Services
from dailies.telemetry.logs import log_event
from dailies.video.basics import VideoError
from dailies.video.record import VideoRecord

__all__ = [
    "CANCELLED",
    "answer_fields",
    "deployment_removed",
    "has_expired",
    "no_slot",
    "nothing_left",
    "tell_operator",
    "timed_out",
    "unresolved",
    "why_nothing_left",
]

CANCELLED = VideoError("cancelled", "The video was cancelled on request.")


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
        "retry_after": outcome.retry_after,
    }
    if outcome.kind is not Kind.ACCEPTED:
        fields |= {
            "provider_request_id": outcome.request_id,
            "param": outcome.param,
            "message": readable(outcome.detail or outcome.message or "", prompt) or None,
            "remedy": outcome.remedy,
        }
    return fields


def _stop(record: VideoRecord, error: VideoError, remedy: str) -> Step:
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


def has_expired(services: Services, record: VideoRecord) -> bool:
    """Whether the video was not sent for as long as its owner let it wait."""
    return record.expires_at is not None and services.clock() >= record.expires_at


def no_slot(services: Services, record: VideoRecord) -> Step:
    """The provider took no request for as long as a video may wait."""
    if has_expired(services, record):
        # What its owner asked for: nobody has to do anything.
        return stop(
            VideoError(
                "expired",
                f"The video waited for {record.request.expires_after:,} seconds, as long as its "
                "'expires_after' allows. Nothing was made. Create it again with a higher "
                "'expires_after', or without one.",
            )
        )
    hours = services.settings.submit_deadline_seconds / 3600
    return _stop(
        record,
        VideoError(
            "submit_timeout",
            f"The provider took no request for {hours:.3g} hours. Nothing was made. Create the "
            "video again when fewer are waiting.",
        ),
        remedy="Ask the provider for more quota, or raise DAILIES_SUBMIT_DEADLINE_SECONDS.",
    )


def nothing_left(record: VideoRecord, *, retired: bool) -> Step:
    """No deployment serves the request, or all that did are retired."""
    error = why_nothing_left(record, retired=retired)
    if retired:
        return _stop(
            record,
            error,
            remedy="Add a deployment or a fallback to models.yaml, or take the model out.",
        )
    return _stop(
        record,
        error,
        remedy="No deployment in models.yaml serves the request that was accepted before.",
    )


def why_nothing_left(record: VideoRecord, *, retired: bool) -> VideoError:
    """What its owner is told of that."""
    if retired:
        return VideoError(
            "model_retired",
            f"The provider has retired the model behind '{record.request.model}', and nothing "
            "here serves in its place. Use another model.",
        )
    return VideoError(
        "model_unavailable",
        f"The model '{record.request.model}' is not offered at this size and length any more. "
        "Use another size, length or model.",
    )


def tell_operator(record: VideoRecord, why: str) -> None:
    """Whether the provider took a request is for an operator to find out: the log asks for it."""
    log_event(
        "video_unresolved",
        level=logging.ERROR,
        video_id=record.id,
        deployment=record.submit.deployment,
        reason=f"The provider did not say whether it took the request, and {why}.",
        remedy="Look for the job at the provider, then POST /v1/admin/videos/{id}/resolve: adopt "
        "its job, allow another create, or end the video.",
    )


def unresolved(record: VideoRecord, why: str) -> Step:
    """Nobody can say whether the provider took the request, and it is not sent again."""
    return _stop(
        record,
        VideoError(
            "submit_unresolved",
            f"The provider did not say whether it took the request, and {why}. Nothing was sent "
            "again: no video is paid twice. Create the video again if it may be paid twice.",
        ),
        remedy="Look for the job at the provider. Whether a request of which no job was found is "
        "sent again is DAILIES_UNRESOLVED_SUBMIT.",
    )


def timed_out(services: Services, record: VideoRecord) -> Step:
    """The render takes longer than it may."""
    seconds = services.settings.video_deadline_seconds
    return _stop(
        record,
        VideoError(
            "timeout", f"The render did not end within {seconds:.0f} seconds. Create it again."
        ),
        remedy="If renders need longer, raise DAILIES_VIDEO_DEADLINE_SECONDS.",
    )


def deployment_removed(record: VideoRecord) -> Step:
    """Its deployment left the catalogue before the video had its files."""
    has_job = record.submit.job_id is not None
    lost = "" if has_job else ", so nobody can say whether it was made"
    was = "ordered" if not has_job else "rendered" if record.rendered_at else "being rendered"
    return _stop(
        record,
        VideoError(
            "deployment_removed",
            f"The place where the video was {was} is not offered any more{lost}. Create it again, "
            "with another model.",
        ),
        remedy="Put the deployment back into the catalogue, or look for the job at the provider.",
    )
