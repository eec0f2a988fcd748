"""Azure OpenAI's Sora 1: the jobs API (preview).

A job makes one or more *generations*; each has a video and a thumbnail. What a generation's files
are fetched by is its own id, so ``open_content`` takes that in place of the job's. Of the job
object, unknown fields are ignored and fields of a wrong type are taken for missing ones; only the
id is what a job can't be without. Sources: Microsoft's Sora quickstart and overview, the preview
specification.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from urllib.parse import quote

import httpx

from dailies.net.multipart import FormFile, StreamedForm
from dailies.providers.answers import positive, text, whole
from dailies.providers.azure import azure_provider, resource_url
from dailies.providers.base import Content, Found, InputFile, Submission
from dailies.providers.classify import Call, classify_job_error
from dailies.providers.error_text import ErrorText
from dailies.providers.listing import find_job, page_of
from dailies.providers.outcomes import JobStatus, Kind, Outcome, UpstreamJob
from dailies.providers.wire import Wire
from dailies.video.basics import Operation, Size, Variant
from dailies.video.framing import crop_document

__all__ = ["PROVIDER", "AzureSora1", "parse_job"]

_API_VERSION = {"api-version": "preview"}
_PATHS = {Variant.VIDEO: "content/video", Variant.THUMBNAIL: "content/thumbnail"}
_NOT_OFFERED = Outcome(
    Kind.REFUSED,
    code="unsupported_operation",
    message="Videos of Sora 1 can't be remixed, edited or extended. Create a new one; the finished "
    "video can be its input.",
)

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

_STEPS = {"preprocessing": 2, "running": 10, "processing": 90}
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


class AzureSora1:
    """One deployment, as a ``VideoProvider`` that finds jobs."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._root = f"{resource_url(wire.url)}/openai/v1/video/generations"

    async def submit(self, submission: Submission) -> Outcome:
        """See ``VideoProvider.submit``."""
        if submission.operation is not Operation.CREATE:
            return _NOT_OFFERED
        request = self._creation(submission)
        return await self._wire.job(Call.CREATE, request, parse_job, prompt=submission.prompt)

    async def find_submitted(self, submission: Submission, since: float) -> Found:
        """See ``FindsJobs.find_submitted``."""
        return await find_job(
            self._wire,
            lambda query: self._request("GET", "jobs", query),
            page_of(parse_job),
            submission=submission,
            since=since,
        )

    async def status(self, job_id: str) -> Outcome:
        """See ``VideoProvider.status``."""
        request = self._request("GET", f"jobs/{_segment(job_id)}")
        return await self._wire.job(Call.STATUS, request, parse_job, job_id=job_id)

    def open_content(
        self, job_id: str, variant: Variant
    ) -> AbstractAsyncContextManager[Content | Outcome]:
        """See ``VideoProvider.open_content``; ``job_id`` is that of a generation."""
        if variant not in _PATHS:
            return self._wire.no_content(job_id, variant)
        return self._content(job_id, variant)

    async def cancel(self, job_id: str) -> Outcome:
        """See ``VideoProvider.cancel``."""
        request = self._request("DELETE", f"jobs/{_segment(job_id)}")
        reply = await self._wire.call(Call.CANCEL, request)
        return reply if isinstance(reply, Outcome) else self._wire.cancelled(reply, job_id)

    @asynccontextmanager
    async def _content(self, generation: str, variant: Variant) -> AsyncIterator[Content | Outcome]:
        request = self._request("GET", f"{_segment(generation)}/{_PATHS[variant]}")
        async with self._wire.content(request, generation, variant) as content:
            if isinstance(content, Content):
                # Thumbnails come as "image/jpg", which is no registered type.
                jpeg = content.content_type.replace("/jpg", "/jpeg")
                content = replace(content, content_type=jpeg)
            yield content

    def _creation(self, submission: Submission) -> httpx.Request:
        """The request that creates a job: JSON, or a form when files come with it."""
        fields: dict[str, str | int] = {
            "model": submission.deployment,
            "prompt": submission.prompt,
            "width": submission.size.width,
            "height": submission.size.height,
            "n_seconds": submission.seconds,
            "n_variants": submission.n_variants,
        }
        jobs = f"{self._root}/jobs"
        if not submission.inputs:
            return self._wire.request("POST", jobs, params=_API_VERSION, json_body=fields)
        files = [_form_file(n, item) for n, item in enumerate(submission.inputs, start=1)]
        items = [_item(i, f.filename) for i, f in zip(submission.inputs, files, strict=True)]
        written = {name: str(value) for name, value in fields.items()}
        form = StreamedForm({**written, "inpaint_items": json.dumps(items)}, files)
        return self._wire.request("POST", jobs, params=_API_VERSION, form=form)

    def _request(
        self, method: str, path: str, query: Mapping[str, str] | None = None
    ) -> httpx.Request:
        params = {**_API_VERSION, **(query or {})}
        return self._wire.request(method, f"{self._root}/{path}", params=params)


def _segment(identifier: str) -> str:
    return quote(identifier, safe="")


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
        progress=100 if status is JobStatus.COMPLETED else _STEPS.get(word, 0),
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


def _generations(value: object) -> tuple[str, ...]:
    items = value if isinstance(value, list) else []
    ids = [text(item.get("id")) for item in items if isinstance(item, dict)]
    return tuple(dict.fromkeys(found for found in ids if found is not None))


def _form_file(number: int, item: InputFile) -> FormFile:
    extension = item.content_type.partition("/")[2].replace("jpeg", "jpg")
    name = f"input-{number}.{extension}"
    return FormFile("files", name, item.content_type, item.length, item.open)


def _item(item: InputFile, file_name: str) -> dict[str, object]:
    document: dict[str, object] = {
        "frame_index": item.frame_index,
        "type": item.type,
        "file_name": file_name,
    }
    if item.crop is not None:
        document["crop_bounds"] = crop_document(item.crop)
    return document


PROVIDER = azure_provider("azure-sora-1", AzureSora1, jobs_api=True)
