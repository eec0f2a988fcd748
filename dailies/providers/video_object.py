"""OpenAI's video object, as servers really send it, read into an ``UpstreamJob``.

Unknown fields are ignored and fields of a wrong type are taken for missing ones. Only the id is
what a job can't be without: a job that was paid for must not be lost for an odd status.
"""

from __future__ import annotations

from dailies.providers.answers import number, positive, text
from dailies.providers.base import KeptCharacter
from dailies.providers.classify import classify_job_error
from dailies.providers.error_text import ErrorText
from dailies.providers.outcomes import JobStatus, UpstreamJob
from dailies.video.basics import Size

__all__ = ["parse_job", "parse_page"]

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

_ENDINGS = {
    JobStatus.CANCELLED: ("cancelled_upstream", "The job was cancelled at the provider."),
    JobStatus.EXPIRED: (
        "expired",
        "The provider no longer keeps this job: it deletes jobs and files 24 hours after their "
        "creation.",
    ),
}


def parse_job(document: object) -> UpstreamJob | None:
    """The job in a JSON document; None when it has no id."""
    if not isinstance(document, dict):
        return None
    job_id = text(document.get("id"))
    if job_id is None:
        return None
    word = text(document.get("status")) or ""
    status = _STATUSES.get(word.strip().lower(), JobStatus.UNKNOWN)
    prompt = text(document.get("prompt"))
    code, message = _why(status, document, prompt)
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


def parse_character(document: object) -> KeptCharacter | None:
    """A character as the provider keeps it; None when the document is none."""
    if not isinstance(document, dict):
        return None
    identifier = text(document.get("id"))
    return None if identifier is None else KeptCharacter(identifier)


def parse_page(document: object) -> tuple[list[UpstreamJob], str | None, bool | None] | None:
    """A page of a list: its jobs, the cursor of the next page, and whether there is one (None
    when the server does not say). None when the document is no list."""
    if not isinstance(document, dict) or not isinstance(document.get("data"), list):
        return None
    jobs = [job for item in document["data"] if (job := parse_job(item)) is not None]
    has_more = document.get("has_more")
    last = text(document.get("last_id")) or (jobs[-1].id if jobs else None)
    return jobs, last, has_more if isinstance(has_more, bool) else None


def _why(
    status: JobStatus, document: dict[str, object], prompt: str | None
) -> tuple[str | None, str | None]:
    if status is JobStatus.FAILED:
        return classify_job_error(_job_error(document.get("error")), prompt)
    return _ENDINGS.get(status, (None, None))


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
