"""The adapter for Azure OpenAI's Sora 1: the jobs API (preview).

A job makes one or more *generations*; each has a video and a thumbnail. What a generation's files
are fetched by is its own id, so ``open_content`` takes that in place of the job's. Sources:
Microsoft's Sora quickstart and overview, the preview specification.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from urllib.parse import quote, urlsplit

import httpx

from dailies.net.multipart import FormFile, StreamedForm
from dailies.providers.answers import poll_after, request_id
from dailies.providers.azure_auth import ApiKeyAuth
from dailies.providers.base import Content, Found, InputFile, Submission
from dailies.providers.classify import Call, CallContext
from dailies.providers.error_text import read_json
from dailies.providers.listing import Names, find_job
from dailies.providers.openai_videos import resource_url
from dailies.providers.outcomes import Kind, Outcome, UpstreamJob
from dailies.providers.sora_1_object import parse_job, parse_page
from dailies.providers.wire import Reply, Wire
from dailies.video.basics import Operation, Variant
from dailies.video.framing import crop_document

__all__ = ["AzureSora1"]

_API_VERSION = {"api-version": "preview"}
_PATHS = {Variant.VIDEO: "content/video", Variant.THUMBNAIL: "content/thumbnail"}
_NOT_OFFERED = Outcome(
    Kind.REFUSED,
    code="unsupported_operation",
    message="Videos of Sora 1 can't be remixed, edited or extended. Create a new one; the finished "
    "video can be its input.",
)


class AzureSora1:
    """One deployment, as a ``VideoProvider``."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        endpoint: str,
        deployment: str,
        auth: httpx.Auth,
        *,
        names: Names | None = None,
    ) -> None:
        """Speak to ``deployment`` at ``endpoint``; the client is shared, and closed by its owner.

        ``names`` tells the models of the endpoint apart when a lost job is looked for.
        """
        context = CallContext(
            endpoint=urlsplit(endpoint).netloc,
            deployment=deployment,
            uses_key=isinstance(auth, ApiKeyAuth),
        )
        self._client = client
        self._wire = Wire(client, auth, context)
        self._names = names or Names()
        self._root = f"{resource_url(endpoint)}/openai/v1/video/generations"

    async def submit(self, submission: Submission) -> Outcome:
        """See ``VideoProvider.submit``."""
        if submission.operation is not Operation.CREATE:
            return _NOT_OFFERED
        prompt = submission.prompt
        reply = await self._wire.call(Call.CREATE, self._creation(submission), prompt=prompt)
        if isinstance(reply, Outcome):
            return reply
        job = parse_job(read_json(reply.body)) if reply.is_success else None
        if job is None:
            return self._wire.classified(Call.CREATE, reply, prompt=prompt)
        return self._wire.told(Call.CREATE, _accepted(job, reply))

    async def find_submitted(self, submission: Submission, since: float) -> Found:
        """See ``VideoProvider.find_submitted``."""
        return await find_job(
            self._wire,
            lambda query: self._request("GET", "jobs", query),
            parse_page,
            submission=submission,
            since=since,
            names=self._names,
        )

    async def status(self, job_id: str) -> Outcome:
        """See ``VideoProvider.status``."""
        request = self._request("GET", f"jobs/{_segment(job_id)}")
        reply = await self._wire.call(Call.STATUS, request)
        if isinstance(reply, Outcome):
            return reply
        job = parse_job(read_json(reply.body)) if reply.is_success else None
        if job is None:
            return self._wire.classified(Call.STATUS, reply, job_id=job_id)
        return self._wire.told(Call.STATUS, _accepted(replace(job, id=job_id), reply))

    def open_content(
        self, job_id: str, variant: Variant
    ) -> AbstractAsyncContextManager[Content | Outcome]:
        """See ``VideoProvider.open_content``; ``job_id`` is that of a generation."""
        return self._content(job_id, variant)

    async def cancel(self, job_id: str) -> Outcome:
        """See ``VideoProvider.cancel``."""
        request = self._request("DELETE", f"jobs/{_segment(job_id)}")
        reply = await self._wire.call(Call.CANCEL, request)
        if isinstance(reply, Outcome):
            return reply
        if not reply.is_success:
            return self._wire.classified(Call.CANCEL, reply, job_id=job_id)
        done = Outcome(Kind.ACCEPTED, http_status=reply.status)
        return self._wire.told(Call.CANCEL, done, job_id)

    @asynccontextmanager
    async def _content(self, generation: str, variant: Variant) -> AsyncIterator[Content | Outcome]:
        call = Call.CONTENT if variant is Variant.VIDEO else Call.EXTRA
        if variant not in _PATHS:
            missing = Reply(404, httpx.Headers(), b"")
            yield self._wire.classified(call, missing, job_id=generation)
            return
        request = self._request("GET", f"{_segment(generation)}/{_PATHS[variant]}")
        request.headers["Accept-Encoding"] = "identity"  # so that Content-Length counts the file
        response = await self._wire.open(call, request)
        if isinstance(response, Outcome):
            yield response
            return
        try:
            yield await self._file(call, response, generation, variant)
        finally:
            await response.aclose()

    async def _file(
        self, call: Call, response: httpx.Response, generation: str, variant: Variant
    ) -> Content | Outcome:
        content = await self._wire.file(call, response, generation, variant)
        if isinstance(content, Outcome):
            return content
        # Thumbnails come as "image/jpg", which is no registered type.
        return replace(content, content_type=content.content_type.replace("/jpg", "/jpeg"))

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
        if not submission.inputs:
            return self._client.build_request(
                "POST",
                f"{self._root}/jobs",
                params=_API_VERSION,
                content=json.dumps(fields).encode("ascii"),
                headers={"Content-Type": "application/json"},
            )
        files = [_form_file(n, item) for n, item in enumerate(submission.inputs, start=1)]
        items = [_item(i, f.filename) for i, f in zip(submission.inputs, files, strict=True)]
        text = {name: str(value) for name, value in fields.items()}
        form = StreamedForm({**text, "inpaint_items": json.dumps(items)}, files)
        return self._client.build_request(
            "POST", f"{self._root}/jobs", params=_API_VERSION, content=form, headers=form.headers
        )

    def _request(
        self, method: str, path: str, query: Mapping[str, str] | None = None
    ) -> httpx.Request:
        params = {**_API_VERSION, **(query or {})}
        return self._client.build_request(method, f"{self._root}/{path}", params=params)


def _segment(identifier: str) -> str:
    return quote(identifier, safe="")


def _accepted(job: UpstreamJob, reply: Reply) -> Outcome:
    return Outcome(
        Kind.ACCEPTED,
        job=job,
        request_id=request_id(reply.headers),
        retry_after=poll_after(reply.headers),
        http_status=reply.status,
    )


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
