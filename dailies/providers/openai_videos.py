"""Any server that speaks OpenAI's videos protocol, ``/v1/videos``.

Self-hosted ones (vLLM-Omni, SGLang, FastVideo), gateways (LiteLLM), another Dailies, Azure, OpenAI.
What differs between them is data of the deployment: ``VideosOptions``.

Sources: OpenAI's OpenAPI document; the source of vLLM-Omni 0.30.0 (``api_server`` and
``video/generation/helpers`` in ``entrypoints/openai``), SGLang 0.5.23 (``video_api`` in
``multimodal_gen/runtime/entrypoints/openai``) and FastVideo 0.2.1 (the same in
``entrypoints/openai``). Never tried with a server that has a GPU: a simulator
of each has answered, and another Dailies.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import Any
from urllib.parse import quote

import httpx

from dailies.net.multipart import FormFile, StreamedForm
from dailies.providers.answers import text
from dailies.providers.azure_auth import SCOPE
from dailies.providers.base import Content, Found, KeptCharacter, SourceFile, Submission
from dailies.providers.classify import SHUT_OUT, Answer, Call
from dailies.providers.declaration import Help, Provider, Recovery
from dailies.providers.error_text import read_json
from dailies.providers.key_auth import ApiKeyAuth, BearerKeyAuth
from dailies.providers.listing import find_job, page_of
from dailies.providers.openai_videos_body import (
    VideosOptions,
    check_sizes,
    creation,
    form_files,
    names_users,
    sent,
    settable,
    together,
)
from dailies.providers.outcomes import JobStatus, Kind, Outcome, UpstreamJob
from dailies.providers.video_object import is_video, parse_job
from dailies.providers.wire import Reply, Wire
from dailies.video.basics import Operation, Variant

__all__ = ["PROVIDER", "OpenAIVideos", "VideosOptions"]

_ELSEWHERE = "kept_elsewhere"

_LOST = (
    "The server that rendered the video was started anew and has lost the job. Nothing is left of "
    "it. Create the video again."
)


class OpenAIVideos:
    """One deployment, as a ``VideoProvider`` that finds jobs and keeps characters."""

    redirects = True
    """The answer to a request for a file may lead elsewhere."""

    def __init__(self, wire: Wire, options: VideosOptions | None = None) -> None:
        given = options or wire.options
        assert isinstance(given, VideosOptions)  # noqa: S101 - the declaration says so
        self._wire = wire
        self._options = given
        self._videos = _below(wire.url, given.path)
        self._parse = partial(parse_job, kept_seconds=wire.kept_seconds)

    async def submit(self, submission: Submission) -> Outcome:
        """See ``VideoProvider.submit``."""
        call = Call.CREATE if submission.operation is Operation.CREATE else Call.DERIVE
        request = self._creation(submission)
        if self._options.idempotency_key and submission.video_id:
            request.headers["Idempotency-Key"] = submission.video_id
        return await self._wire.job(call, request, self._parse, prompt=submission.prompt)

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
        job = self._parse(document)
        # Some servers answer a failed job with the status of its failure and the job as the body.
        if job is None or not (reply.is_success or is_video(document)):
            return self._absent(reply, document, job_id)
        return self._wire.accepted(Call.STATUS, reply, replace(job, id=job_id, named=job.id))

    def _absent(self, reply: Reply, document: object, job_id: str) -> Outcome:
        """What an answer without the job means. Where jobs are only in the server's memory, one
        that it doesn't know (in JSON: a gateway's own 404 is no word of the server's) is lost."""
        outcome = self._wire.classified(Call.STATUS, reply, job_id=job_id)
        is_said = outcome.kind is Kind.MISSING and isinstance(document, dict)
        if not (self._options.jobs_in_memory and is_said):
            return outcome
        lost = UpstreamJob(job_id, JobStatus.FAILED, error_code="job_lost", error_message=_LOST)
        return replace(outcome, kind=Kind.ACCEPTED, job=lost, code=None, message=None)

    async def cancel(self, job_id: str) -> Outcome:
        """See ``VideoProvider.cancel``."""
        if not self._options.cancel_stops:
            seen = await self.status(job_id)
            if seen.kind is Kind.ACCEPTED and seen.job is not None and not seen.job.status.is_final:
                # To delete it would only forget it: what it came to could never be known.
                return self._wire.cancelled(Reply(409, httpx.Headers(), b""), job_id)
            if seen.kind not in (Kind.ACCEPTED, Kind.MISSING):
                return seen
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
            page_of(self._listed),
            submission=submission,
            since=since,
        )

    def _listed(self, document: object) -> UpstreamJob | None:
        job = self._parse(document)
        if job is None or not self._options.lists_as_made:
            return job
        return replace(job, seconds=None, size=None)

    @asynccontextmanager
    async def open_content(self, job_id: str, variant: Variant) -> AsyncIterator[Content | Outcome]:
        """See ``VideoProvider.open_content``.

        A redirect is followed, to the endpoint's own host and ``file_hosts`` only; so is the
        ``url`` of the job where the server says that it has put the file into a cloud storage.
        """
        async with self._answered(job_id, variant) as content:
            if not (isinstance(content, Outcome) and content.code == _ELSEWHERE):
                yield content
                return
        job = self._wire.request("GET", self._url(job_id))
        async with self._wire.linked(job, _link, job_id, variant) as content:
            yield content

    def _answered(
        self, job_id: str, variant: Variant
    ) -> AbstractAsyncContextManager[Content | Outcome]:
        if not self._options.send_variant and variant is not Variant.VIDEO:
            return self._wire.no_content(job_id, variant)
        params = {"variant": variant.value} if self._options.send_variant else None
        request = self._wire.request("GET", f"{self._url(job_id)}/content", params=params)
        return self._wire.content(request, job_id, variant, follow=self.redirects)

    def _url(self, job_id: str) -> str:
        return f"{self._videos}/{quote(job_id, safe='')}"

    def _creation(self, submission: Submission) -> httpx.Request:
        """The request that creates a job."""
        if submission.source_file is not None:
            return self._from_file(submission, submission.source_file)
        prompt: dict[str, object] = {**self._words(submission)}
        source: dict[str, object] = {"video": {"id": submission.source_job_id}}
        seconds = {"seconds": self._options.seconds(submission.seconds)}
        match submission.operation:
            case Operation.REMIX:
                return self._json(f"{self._url(submission.source_job_id or '')}/remix", prompt)
            case Operation.EDIT:
                return self._json(f"{self._videos}/edits", prompt | source)
            case Operation.EXTEND:
                return self._json(f"{self._videos}/extensions", prompt | seconds | source)
        fields, images = creation(self._options, submission)
        if images or self._options.multipart_only:
            files = form_files(fields, images)
            return self._wire.request("POST", self._videos, files=files)
        return self._json(self._videos, fields)

    def _words(self, submission: Submission) -> dict[str, str]:
        """What a video that is made of another is to be, and whom it is for."""
        name, user = self._options.names.safety_identifier, submission.safety_identifier
        told = {name: user} if name is not None and user is not None else {}
        return {**told, "prompt": submission.prompt}

    def _from_file(self, submission: Submission, source: SourceFile) -> httpx.Request:
        """An edit or extension of a file. There is no remix of one: an edit is its successor."""
        fields = self._words(submission)
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

    def _json(self, url: str, document: Mapping[str, Any]) -> httpx.Request:
        return self._wire.request("POST", url, json_body=document)


def _below(endpoint: str, path: str) -> str:
    """The address of the videos; people also paste the endpoint with a part of the path."""
    base = endpoint.rstrip("/")
    steps = path.split("/")
    heads = ("/".join(steps[:count]) for count in range(len(steps), 1, -1))
    head = next((head for head in heads if base.endswith(head)), "")
    return base.removesuffix(head) + path


def _link(document: object) -> str | None:
    return text(document.get("url")) if isinstance(document, dict) else None


_CREATES = frozenset({Call.CREATE, Call.DERIVE})

# fmt: off
_ANSWERS = (
    # vLLM-Omni, each before anything is made
    Answer(_CREATES, {400}, r"model mismatch", Kind.REFUSED, "deployment_not_found", SHUT_OUT,
           remedy="The server at {endpoint} runs another model than '{deployment}': set the "
           "deployment's name to the one that it serves."),
    Answer(_CREATES, {409}, r"api-server-count", Kind.REFUSED, "server_misconfigured", SHUT_OUT,
           remedy="vLLM-Omni at {endpoint} keeps video jobs in the memory of one process. Start "
           "it with --api-server-count 1."),
    # vLLM-Omni, while the engine lets go of a job
    Answer(frozenset({Call.CANCEL}), {409}, r"in progress|not yet available", Kind.TRANSIENT,
           "cancel_settling", "The provider is still stopping the job."),
    # SGLang with a cloud storage; the job's `url` says where
    Answer(frozenset({Call.CONTENT}), {400}, r"cloud (?:storage|url)", Kind.TRANSIENT, _ELSEWHERE,
           "The provider has put the file into a storage of its own."),
    # FastVideo's 404; 422 is vLLM-Omni's for a job that failed, which a complete one did not
    Answer(frozenset({Call.CONTENT}), {404}, r"being generated", Kind.TRANSIENT, "not_ready",
           "The provider does not have the file ready yet."),
    Answer(frozenset({Call.CONTENT}), {422}, None, Kind.TRANSIENT, "not_ready",
           "The provider does not hand the file out (422): {detail}"),
)
# fmt: on

PROVIDER = Provider(
    id="openai-videos",
    adapter=OpenAIVideos,
    recovery=Recovery.LISTED,
    options=VideosOptions,
    sends=sent,
    limits=together,
    check=check_sizes,
    takes_safety_identifier=names_users,
    caller_options=settable,
    key_auth=ApiKeyAuth,
    bearer_auth=BearerKeyAuth,
    open_access=True,
    token_scope=SCOPE,
    answers=_ANSWERS,
    helps=(
        Help(
            "untrusted_link",
            remedy="If {endpoint} keeps its files there, name the host in `file_hosts` of the "
            "options of '{deployment}'.",
        ),
    ),
)
