"""An interaction of Google's Interactions API, read without trust.

Of its object, unknown fields are ignored and fields of a wrong type are taken for missing ones;
only the id is what a job can't be without. Source: ``Interaction`` of google-genai 3.6.1.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dailies.providers.answers import moment, text
from dailies.providers.classify import NO_CREDIT
from dailies.providers.error_text import ErrorText
from dailies.providers.google import NO_VIDEO, blocked, is_safety, job_failure
from dailies.providers.outcomes import JobStatus, UpstreamJob

__all__ = ["parse_interaction", "video_of"]

_STATUSES = {
    "queued": JobStatus.QUEUED,
    "in_progress": JobStatus.RUNNING,
    "completed": JobStatus.COMPLETED,
    "failed": JobStatus.FAILED,
    "incomplete": JobStatus.FAILED,
    "budget_exceeded": JobStatus.FAILED,
    "cancelled": JobStatus.CANCELLED,
}
_ENDINGS = {
    "cancelled": ("cancelled_upstream", "The job was cancelled at the provider."),
    "incomplete": ("incomplete", "The provider ended the job before its video was done."),
    "budget_exceeded": ("no_credit", NO_CREDIT),
}


def parse_interaction(document: object) -> UpstreamJob | None:
    """The job in a JSON document; None when it has no id."""
    if not isinstance(document, dict):
        return None
    job_id = text(document.get("id"))
    if job_id is None:
        return None
    word = (text(document.get("status")) or "").lower()
    status = _STATUSES.get(word, JobStatus.UNKNOWN)
    code, message = _ENDINGS.get(word, (None, None))
    if status is JobStatus.COMPLETED and video_of(document) is None:
        status, (code, message) = JobStatus.FAILED, _refusal(document)
    elif word == "failed":
        code, message = job_failure(next(_errors(document), None))
    return UpstreamJob(
        id=job_id,
        status=status,
        progress=100 if status is JobStatus.COMPLETED else 0,
        created_at=moment(document.get("created")),
        completed_at=moment(document.get("updated")) if status is JobStatus.COMPLETED else None,
        model=text(document.get("model")),
        error_code=code,
        error_message=message,
    )


def _refusal(document: dict[str, Any]) -> tuple[str, str]:
    """Why a completed interaction holds no video. What its model says instead is looked into, and
    not told: it may repeat the prompt."""
    errors = [ErrorText.of(error) for error in _errors(document)]
    words = [ErrorText(message=said) for item in _outputs(document) if (said := _said(item))]
    found = next((error for error in (*errors, *words) if is_safety(error)), None)
    return NO_VIDEO if found is None else blocked(found.message)


def video_of(document: object) -> dict[str, Any] | None:
    """The last video that the model gave, by a link or as base64."""
    if not isinstance(document, dict):
        return None
    blocks = [*_outputs(document), document.get("output_video")]
    videos = [
        block
        for block in blocks
        if isinstance(block, dict)
        and block.get("type", "video") == "video"
        and (text(block.get("uri")) or text(block.get("data")))
    ]
    return videos[-1] if videos else None


def _outputs(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for step in _dicts(document.get("steps")):
        if step.get("type") == "model_output":
            yield from _dicts(step.get("content"))


def _errors(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """What went wrong, by the interaction and by its steps."""
    yield from _dicts(document.get("errors"))
    for step in _dicts(document.get("steps")):
        yield from _dicts([step.get("error")])


def _said(block: dict[str, Any]) -> str | None:
    return text(block.get("text")) if block.get("type") == "text" else None


def _dicts(value: object) -> Iterator[dict[str, Any]]:
    for item in value if isinstance(value, list) else ():
        if isinstance(item, dict):
            yield item
