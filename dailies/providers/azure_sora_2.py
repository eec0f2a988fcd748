"""Azure OpenAI's Sora 2, which speaks OpenAI's videos protocol.

The video object is read as servers really send it: unknown fields are ignored and fields of a wrong
type are taken for missing ones. Only the id is what a job can't be without: a job that was paid for
must not be lost for an odd status. Sources: OpenAI's OpenAPI document, Microsoft's Sora 2 pages,
recorded answers of Azure.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from urllib.parse import quote

import httpx

from dailies.net.multipart import FormFile, StreamedForm
from dailies.providers.answers import number, positive, text
from dailies.providers.azure import azure_provider, resource_url
from dailies.providers.base import (
    Content,
    Found,
    KeptCharacter,
    Reference,
    SourceFile,
    Submission,
)
from dailies.providers.classify import Call, classify_job_error
from dailies.providers.error_text import ErrorText, read_json
from dailies.providers.listing import find_job, page_of
from dailies.providers.outcomes import JobStatus, Outcome, UpstreamJob
from dailies.providers.wire import Wire
from dailies.video.basics import Operation, Size, Variant

__all__ = ["PROVIDER", "AzureSora2", "parse_job"]

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


class AzureSora2:
    """One deployment, as a ``VideoProvider`` that finds jobs and keeps characters."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._videos = f"{resource_url(wire.url)}/openai/v1/videos"

    async def submit(self, submission: Submission) -> Outcome:
        """See ``VideoProvider.submit``."""
        call = Call.CREATE if submission.operation is Operation.CREATE else Call.DERIVE
        request = self._creation(submission)
        return await self._wire.job(call, request, parse_job, prompt=submission.prompt)

    async def create_character(self, name: str, clip: SourceFile) -> KeptCharacter | Outcome:
        """See ``CharacterKeeper.create_character``."""
        request = self._form("characters", {"name": name}, "character.mp4", clip)
        reply = await self._wire.call(Call.CHARACTER, request)
        if isinstance(reply, Outcome):
            return reply
        document = read_json(reply.body) if reply.is_success else None
        kept = text(document.get("id")) if isinstance(document, dict) else None
        return KeptCharacter(kept) if kept else self._wire.classified(Call.CHARACTER, reply)

    async def status(self, job_id: str) -> Outcome:
        """See ``VideoProvider.status``."""
        reply = await self._wire.call(Call.STATUS, self._wire.request("GET", self._url(job_id)))
        if isinstance(reply, Outcome):
            return reply
        document = read_json(reply.body)
        job = parse_job(document)
        # Some servers answer a failed job with the status of its failure and the job as the body.
        if job is None or not (reply.is_success or _is_video(document)):
            return self._wire.classified(Call.STATUS, reply, job_id=job_id)
        return self._wire.accepted(Call.STATUS, reply, replace(job, id=job_id))

    async def cancel(self, job_id: str) -> Outcome:
        """See ``VideoProvider.cancel``."""
        reply = await self._wire.call(Call.CANCEL, self._wire.request("DELETE", self._url(job_id)))
        if isinstance(reply, Outcome):
            return reply
        # {"deleted": true}, the job with status "deleted", or nothing at all
        document = read_json(reply.body)
        if reply.is_success and isinstance(document, dict) and document.get("deleted") is False:
            reply = replace(reply, status=409)
        return self._wire.cancelled(reply, job_id)

    async def find_submitted(self, submission: Submission, since: float) -> Found:
        """See ``FindsJobs.find_submitted``."""
        return await find_job(
            self._wire,
            lambda query: self._wire.request(
                "GET", self._videos, params={**query, "order": "desc"}
            ),
            page_of(parse_job),
            submission=submission,
            since=since,
        )

    def open_content(
        self, job_id: str, variant: Variant
    ) -> AbstractAsyncContextManager[Content | Outcome]:
        """See ``VideoProvider.open_content``."""
        params = {"variant": variant.value}
        request = self._wire.request("GET", f"{self._url(job_id)}/content", params=params)
        return self._wire.content(request, job_id, variant)

    def _url(self, job_id: str) -> str:
        return f"{self._videos}/{quote(job_id, safe='')}"

    def _creation(self, submission: Submission) -> httpx.Request:
        """The request that creates a job."""
        if submission.source_file is not None:
            return self._from_file(submission, submission.source_file)
        prompt: dict[str, object] = {"prompt": submission.prompt}
        source: dict[str, object] = {"video": {"id": submission.source_job_id}}
        seconds = {"seconds": str(submission.seconds)}
        match submission.operation:
            case Operation.REMIX:
                return self._json(f"{self._url(submission.source_job_id or '')}/remix", prompt)
            case Operation.EDIT:
                return self._json(f"{self._videos}/edits", prompt | source)
            case Operation.EXTEND:
                return self._json(f"{self._videos}/extensions", prompt | seconds | source)
        fields = {
            "model": submission.deployment,
            "prompt": submission.prompt,
            "size": str(submission.size),
            **seconds,
        }
        if submission.reference is None:
            return self._json(self._videos, fields)
        # A field of a form is a file without a name to httpx; half a surrogate pair is no UTF-8.
        files: list[tuple[str, tuple[str | None, bytes] | tuple[str, bytes, str]]] = [
            (name, (None, value.encode("utf-8", "replace"))) for name, value in fields.items()
        ]
        files.append(("input_reference", _file(submission.reference)))
        return self._wire.request("POST", self._videos, files=files)

    def _from_file(self, submission: Submission, source: SourceFile) -> httpx.Request:
        """An edit or extension of a file. There is no remix of one: an edit is its successor."""
        fields = {"prompt": submission.prompt}
        operation = "edits"
        if submission.operation is Operation.EXTEND:
            fields["seconds"] = str(submission.seconds)
            operation = "extensions"
        return self._form(operation, fields, "video.mp4", source)

    def _form(
        self, path: str, fields: Mapping[str, str], filename: str, source: SourceFile
    ) -> httpx.Request:
        file = FormFile("video", filename, source.content_type, source.length, source.open)
        form = StreamedForm(fields, [file])
        return self._wire.request("POST", f"{self._videos}/{path}", form=form)

    def _json(self, url: str, document: Mapping[str, object]) -> httpx.Request:
        return self._wire.request("POST", url, json_body=document)


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


def _is_video(document: object) -> bool:
    return (
        isinstance(document, dict)
        and isinstance(document.get("status"), str)
        and document.get("object") == "video"
    )


def _file(reference: Reference) -> tuple[str, bytes, str]:
    extension = reference.content_type.partition("/")[2].replace("jpeg", "jpg") or "bin"
    return (f"reference.{extension}", reference.data, reference.content_type)


PROVIDER = azure_provider("azure-sora-2", AzureSora2)
