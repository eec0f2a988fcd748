"""The video object and the errors that concern a video."""

from __future__ import annotations

from typing import Any

from local.services.errors import ServiceError, openai_error
from local.services.jobs import Job, State
from local.services.studio import Studio

_STATUS = {
    "queued": "queued",
    "running": "in_progress",
    "completed": "completed",
    "failed": "failed",
    "moderated": "failed",
    "cancelled": "cancelled",
    "expired": "expired",
}
_MODERATED = {
    "code": "moderation_blocked",
    "message": "Your request was blocked by our moderation system.",
}
_FAILURES = {"internal_error": "An internal error occurred while generating the video."}


def video_object(studio: Studio, job: Job, state: State | None = None) -> dict[str, Any]:
    """A video as the API shows it."""
    state = state or studio.state(job)
    done = state.phase == "completed"
    video: dict[str, Any] = {
        "id": job.id,
        "object": "video",
        "model": job.deployment,
        "status": _STATUS[state.phase],
        "progress": state.progress,
        "created_at": job.created_at,
        "completed_at": studio.finished_at(job) if done else None,
        "expires_at": studio.expires_at(job) if done else None,
        "seconds": str(job.seconds),
        "size": job.size,
        "remixed_from_video_id": job.source_id if job.kind in ("remix", "edit") else None,
        "error": _error(job, state),
    }
    if not studio.settings.hide_prompts:
        video["prompt"] = job.prompt
    return video


def not_found(video_id: str) -> ServiceError:
    """No video has this id: it never existed, was deleted, or its 24 hours are over."""
    return openai_error(404, f"Video with id '{video_id}' not found.", param="video_id")


def _error(job: Job, state: State) -> dict[str, str] | None:
    if state.phase == "moderated":
        return dict(_MODERATED)
    if state.phase == "failed":
        code = job.directive.error
        return {"code": code, "message": _FAILURES.get(code, f"The generation failed: {code}.")}
    return None
