"""The video object of OpenAI's videos protocol, read as its many speakers really send it.

Unknown fields are ignored and fields of a wrong type are taken for missing ones. Only the id is
what a job can't be without: a job that was paid for must not be lost for an odd status. Sources:
OpenAI's OpenAPI document, Microsoft's Sora 2 pages, recorded answers of Azure, the source of
vLLM-Omni 0.30, SGLang 0.5.23 and FastVideo 0.2.1.
"""

from __future__ import annotations

from dailies.providers.answers import number, positive, text
from dailies.providers.classify import classify_job_error, kept_words
from dailies.providers.error_text import ErrorText
from dailies.providers.outcomes import JobStatus, UpstreamJob
from dailies.video.basics import Size

__all__ = ["is_video", "parse_job"]

_STATUSES = {
    "queued": JobStatus.QUEUED,
    "pending": JobStatus.QUEUED,
    "preprocessing": JobStatus.RUNNING,
    "in_progress": JobStatus.RUNNING,
    "running": JobStatus.RUNNING,
    "processing": JobStatus.RUNNING,
    "completed": JobStatus.COMPLETED,
    "succeeded": JobStatus.COMPLETED,
    "failed": JobStatus.FAILED,
    "cancelled": JobStatus.CANCELLED,
    "canceled": JobStatus.CANCELLED,
    "deleted": JobStatus.CANCELLED,
    "expired": JobStatus.EXPIRED,
}
"""The four statuses of the protocol, and the words that its other speakers use."""


def parse_job(document: object, kept_seconds: float | None = None) -> UpstreamJob | None:
    """The job in a JSON document; None when it has no id.

    Args:
        kept_seconds: how long the provider keeps jobs, for what is said of an expired one.
    """
    if not isinstance(document, dict):
        return None
    job_id = text(document.get("id"))
    if job_id is None:
        return None
    word = text(document.get("status")) or ""
    status = _STATUSES.get(word.strip().lower(), JobStatus.UNKNOWN)
    prompt = text(document.get("prompt"))
    code, message = _why(status, document, prompt, kept_seconds)
    seconds = number(document.get("seconds"))
    return UpstreamJob(
        id=job_id,
        status=status,
        progress=100 if status is JobStatus.COMPLETED else _percent(document.get("progress")),
        created_at=positive(document.get("created_at")),
        completed_at=positive(document.get("completed_at")),
        expires_at=positive(document.get("expires_at")),
        model=text(document.get("model")),
        prompt=prompt,
        seconds=None if seconds is None else round(seconds),
        size=_size(document.get("size")),
        source_id=text(document.get("remixed_from_video_id")),
        error_code=code,
        error_message=message,
    )


def is_video(document: object) -> bool:
    """Whether a document is surely a video object, whatever the status that came with it."""
    return (
        isinstance(document, dict)
        and isinstance(document.get("status"), str)
        and document.get("object") == "video"
    )


def _why(
    status: JobStatus, document: dict[str, object], prompt: str | None, kept_seconds: float | None
) -> tuple[str | None, str | None]:
    match status:
        case JobStatus.FAILED:
            return classify_job_error(_job_error(document.get("error")), prompt)
        case JobStatus.CANCELLED:
            return "cancelled_upstream", "The job was cancelled at the provider."
        case JobStatus.EXPIRED:
            after = (
                ""
                if kept_seconds is None
                else f": it deletes jobs and files {kept_words(kept_seconds)} after their creation"
            )
            return "expired", f"The provider no longer keeps this job{after}."
    return None, None


def _job_error(error: object) -> ErrorText:
    if isinstance(error, dict):
        return ErrorText.of(error)
    return ErrorText.of({"error": error}) if isinstance(error, str) else ErrorText()


def _percent(value: object) -> int:
    percent = number(value)
    return 0 if percent is None else round(min(max(percent, 0), 100))


def _size(value: object) -> Size | None:
    try:
        return Size.parse(value) if isinstance(value, str) else None
    except ValueError:
        return None
