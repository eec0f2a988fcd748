"""The job object of Sora 1's jobs API, read into an ``UpstreamJob``.

Unknown fields are ignored and fields of a wrong type are taken for missing ones; only the id is
what a job can't be without. Source: Microsoft's Sora quickstart and the preview specification.
"""

from __future__ import annotations

from dailies.providers.answers import positive, text, whole
from dailies.providers.classify import classify_job_error
from dailies.providers.error_text import ErrorText
from dailies.providers.listing import Page
from dailies.providers.outcomes import JobStatus, UpstreamJob
from dailies.video.basics import Size

__all__ = ["parse_job", "parse_page"]

_STATUSES = {
    "queued": JobStatus.QUEUED,
    "preprocessing": JobStatus.RUNNING,
    "running": JobStatus.RUNNING,
    "processing": JobStatus.RUNNING,
    "succeeded": JobStatus.COMPLETED,
    "failed": JobStatus.FAILED,
    "cancelled": JobStatus.CANCELLED,
    "canceled": JobStatus.CANCELLED,
    "expired": JobStatus.EXPIRED,
}

STEPS = {"preprocessing": 2, "running": 10, "processing": 90}
"""Percent for the words of a job that runs. There is no progress in this API; low numbers, so that
the words weigh little in the estimate of the end."""

_ENDINGS = {
    JobStatus.CANCELLED: ("cancelled_upstream", "The job was cancelled at the provider."),
    JobStatus.EXPIRED: (
        "expired",
        "The provider no longer keeps this job: it deletes jobs and files 24 hours after their "
        "creation.",
    ),
}
_NOTHING_MADE = ("no_generations", "The job succeeded without making a video. Create it again.")


def parse_job(document: object) -> UpstreamJob | None:
    """The job in a JSON document; None when it has no id."""
    if not isinstance(document, dict):
        return None
    job_id = text(document.get("id"))
    if job_id is None:
        return None
    word = (text(document.get("status")) or "").strip().lower()
    status = _STATUSES.get(word, JobStatus.UNKNOWN)
    generations = _generations(document.get("generations"))
    reason = text(document.get("failure_reason"))
    prompt = text(document.get("prompt"))
    code, message = _ENDINGS.get(status, (None, None))
    if status is JobStatus.FAILED:
        code, message = classify_job_error(ErrorText(code=reason or ""), prompt)
    elif status is JobStatus.COMPLETED and not generations:
        status, (code, message) = JobStatus.FAILED, _NOTHING_MADE
    width, height = whole(document.get("width")), whole(document.get("height"))
    return UpstreamJob(
        id=job_id,
        status=status,
        progress=100 if status is JobStatus.COMPLETED else STEPS.get(word, 0),
        created_at=positive(document.get("created_at")),
        completed_at=positive(document.get("finished_at")),
        expires_at=positive(document.get("expires_at")),
        model=text(document.get("model")),
        prompt=prompt,
        seconds=whole(document.get("n_seconds")),
        size=Size(width, height) if width and height else None,
        n_variants=whole(document.get("n_variants")),
        generations=generations,
        failure_reason=reason,
        error_code=code,
        error_message=message,
    )


def parse_page(document: object) -> Page | None:
    """A page of the list; None when the document is none."""
    if not isinstance(document, dict) or not isinstance(document.get("data"), list):
        return None
    jobs = [job for item in document["data"] if (job := parse_job(item)) is not None]
    has_more = document.get("has_more")
    last = text(document.get("last_id")) or (jobs[-1].id if jobs else None)
    return jobs, last, has_more if isinstance(has_more, bool) else None


def _generations(value: object) -> tuple[str, ...]:
    items = value if isinstance(value, list) else []
    ids = [text(item.get("id")) for item in items if isinstance(item, dict)]
    return tuple(dict.fromkeys(found for found in ids if found is not None))
