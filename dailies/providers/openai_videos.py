"""The adapter for servers that speak OpenAI's videos protocol: Azure OpenAI's Sora 2 first.

In what the others differ is data: ``Dialect``. Sources: OpenAI's OpenAPI document, Microsoft's
Sora 2 pages, recorded answers of Azure, and the sources of vLLM-Omni, SGLang and FastVideo.
"""

from __future__ import annotations

import itertools
import json
import logging
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from urllib.parse import quote, urlsplit

import httpx
from azure.core.exceptions import AzureError

from dailies.providers.azure_auth import ApiKeyAuth, classify_token_failure
from dailies.providers.base import Content, Found, Reference, Submission
from dailies.providers.classify import Call, Context, classify_answer, classify_fault
from dailies.providers.download import checked_content
from dailies.providers.error_body import read_json
from dailies.providers.outcomes import Job, Kind, Outcome
from dailies.providers.reconcile import CLOCK_SKEW, Names, candidates
from dailies.providers.retry_after import poll_after
from dailies.providers.video_object import parse_job, parse_page
from dailies.videos import Operation, Variant

__all__ = ["AZURE_SORA_2", "Dialect", "OpenAIVideos"]

_MAX_ANSWER = 32 * 1024**2
"""Bytes; a page of a hundred jobs with the longest prompts is below it."""

_PAGE = 100
_MAX_PAGES = 50

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a server deviates from Azure's form of the protocol.

    Attributes:
        path: what comes between the endpoint and ``/videos``.
        multipart_only: creates must be multipart, also without a file.
        integer_seconds: ``seconds`` in JSON is a number, not a string.
        sends_variant: ``variant`` may be sent; if not, there is only the video.
    """

    path: str = "/openai/v1"
    multipart_only: bool = False
    integer_seconds: bool = False
    sends_variant: bool = True


AZURE_SORA_2 = Dialect()


@dataclass(frozen=True, slots=True)
class _Reply:
    """An answer, read to its end."""

    status: int
    headers: httpx.Headers
    body: bytes

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300


class OpenAIVideos:
    """One deployment, as a ``VideoProvider``."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        endpoint: str,
        deployment: str,
        auth: httpx.Auth,
        *,
        dialect: Dialect = AZURE_SORA_2,
        names: Names | None = None,
    ) -> None:
        """Speak to ``deployment`` at ``endpoint``; the client is shared, and closed by its owner.

        ``names`` tells the models of the endpoint apart when a lost job is looked for.
        """
        self._client = client
        self._auth = auth
        self._deployment = deployment
        self._dialect = dialect
        self._names = names or Names()
        self._videos = f"{_base(endpoint)}{dialect.path}/videos"
        self._context = Context(
            endpoint=urlsplit(endpoint).netloc,
            deployment=deployment,
            uses_key=isinstance(auth, ApiKeyAuth),
        )

    async def submit(self, submission: Submission) -> Outcome:
        """See ``VideoProvider.submit``."""
        call = Call.CREATE if submission.operation is Operation.CREATE else Call.DERIVE
        context = replace(self._context, prompt=submission.prompt)
        reply = await self._exchange(call, self._creation(submission), context)
        if isinstance(reply, Outcome):
            return reply
        job = parse_job(read_json(reply.body)) if reply.is_success else None
        if job is not None:
            return self._told(call, _accepted(job, reply))
        return self._told(
            call, classify_answer(call, reply.status, reply.headers, reply.body, context)
        )

    async def status(self, job_id: str) -> Outcome:
        """See ``VideoProvider.status``."""
        request = self._client.build_request("GET", self._url(job_id))
        reply = await self._exchange(Call.STATUS, request, self._context)
        if isinstance(reply, Outcome):
            return reply
        document = read_json(reply.body)
        job = parse_job(document)
        # Some servers answer a failed job with the status of its failure and the job as the body.
        if job is not None and (reply.is_success or _is_video(document)):
            return self._told(Call.STATUS, _accepted(replace(job, id=job_id), reply), job_id)
        return self._told(Call.STATUS, self._classified(Call.STATUS, reply), job_id)

    async def cancel(self, job_id: str) -> Outcome:
        """See ``VideoProvider.cancel``."""
        request = self._client.build_request("DELETE", self._url(job_id))
        reply = await self._exchange(Call.CANCEL, request, self._context)
        if isinstance(reply, Outcome):
            return reply
        if reply.is_success:
            # {"deleted": true}, the job with status "deleted", or nothing at all
            document = read_json(reply.body)
            refused = isinstance(document, dict) and document.get("deleted") is False
            outcome = (
                self._classified(Call.CANCEL, replace(reply, status=409))
                if refused
                else Outcome(Kind.ACCEPTED, http_status=reply.status)
            )
        else:
            outcome = self._classified(Call.CANCEL, reply)
        return self._told(Call.CANCEL, outcome, job_id)

    async def find_submitted(self, submission: Submission, since: float) -> Found:
        """See ``VideoProvider.find_submitted``.

        A search that could not see every job since then is no search: its outcome says so, and it
        gives no jobs. ``UNKNOWN`` is a search that found jobs and can't tell which is ours.
        """
        listed = await self._jobs_since(since - CLOCK_SKEW)
        if isinstance(listed, Outcome):
            return Found(listed)
        known, anonymous = candidates(listed, submission, since, self._names)
        if not known and len(anonymous) > 1:
            return Found(
                Outcome(
                    Kind.UNKNOWN,
                    code="ambiguous_jobs",
                    message="The provider lists several jobs that may be this one, without their "
                    "prompts.",
                )
            )
        return Found(Outcome(Kind.ACCEPTED), known or anonymous)

    def open_content(
        self, job_id: str, variant: Variant
    ) -> AbstractAsyncContextManager[Content | Outcome]:
        """See ``VideoProvider.open_content``."""
        return self._content(job_id, variant)

    async def close(self) -> None:
        """Nothing to let go of: the client is shared."""

    @asynccontextmanager
    async def _content(self, job_id: str, variant: Variant) -> AsyncIterator[Content | Outcome]:
        call = Call.CONTENT if variant is Variant.VIDEO else Call.EXTRA
        if call is Call.EXTRA and not self._dialect.sends_variant:
            yield self._classified(call, _Reply(404, httpx.Headers(), b""))
            return
        request = self._client.build_request(
            "GET",
            f"{self._url(job_id)}/content",
            params={"variant": variant.value} if self._dialect.sends_variant else None,
            headers={"Accept-Encoding": "identity"},  # so that Content-Length counts the file
        )
        response = await self._send(call, request, self._context)
        if isinstance(response, Outcome):
            yield response
            return
        try:
            if response.status_code == httpx.codes.OK:
                content = await checked_content(response, variant)
            else:
                reply = await self._read(call, response, self._context)
                content = reply if isinstance(reply, Outcome) else self._classified(call, reply)
            yield self._told(call, content, job_id) if isinstance(content, Outcome) else content
        finally:
            await response.aclose()

    async def _jobs_since(self, horizon: float) -> list[Job] | Outcome:
        """All jobs created at or after ``horizon`` (and some older ones), newest first."""
        jobs: dict[str, Job] = {}
        after: str | None = None
        for _ in range(_MAX_PAGES):
            params = {"limit": str(_PAGE), "order": "desc"} | ({"after": after} if after else {})
            request = self._client.build_request("GET", self._videos, params=params)
            reply = await self._exchange(Call.LIST, request, self._context)
            if isinstance(reply, Outcome):
                return reply
            page = parse_page(read_json(reply.body)) if reply.is_success else None
            if page is None:
                return self._told(Call.LIST, self._classified(Call.LIST, reply))
            found, after, has_more = page
            fresh = [job for job in found if job.id not in jobs]
            jobs.update((job.id, job) for job in fresh)
            # A server that ignores the cursor brings the same page again.
            if not fresh or after is None or has_more is False or _reaches(found, horizon):
                return list(jobs.values())
        return self._told(
            Call.LIST,
            Outcome(
                Kind.TRANSIENT,
                code="list_incomplete",
                message=f"The provider's list did not end after {_MAX_PAGES} pages.",
            ),
        )

    def _creation(self, submission: Submission) -> httpx.Request:
        """The request that creates a job."""
        prompt: dict[str, object] = {"prompt": submission.prompt}
        source: dict[str, object] = {"video": {"id": submission.source_job_id}}
        match submission.operation:
            case Operation.REMIX:
                return self._json(f"{self._url(submission.source_job_id or '')}/remix", prompt)
            case Operation.EDIT:
                return self._json(f"{self._videos}/edits", prompt | source)
            case Operation.EXTEND:
                seconds = {"seconds": self._seconds(submission)}
                return self._json(f"{self._videos}/extensions", {**prompt, **seconds, **source})
            case Operation.CREATE:
                return self._plain_creation(submission)

    def _plain_creation(self, submission: Submission) -> httpx.Request:
        fields = {
            "model": submission.deployment,
            "prompt": submission.prompt,
            "size": str(submission.size),
        }
        if submission.reference is None and not self._dialect.multipart_only:
            return self._json(self._videos, {**fields, "seconds": self._seconds(submission)})
        fields["seconds"] = str(submission.seconds)
        # A field of a form is a file without a name to httpx; half a surrogate pair is no UTF-8.
        files: list[tuple[str, tuple[str | None, bytes] | tuple[str, bytes, str]]] = [
            (name, (None, value.encode("utf-8", "replace"))) for name, value in fields.items()
        ]
        if submission.reference is not None:
            files.append(("input_reference", _file(submission.reference)))
        return self._client.build_request("POST", self._videos, files=files)

    def _json(self, url: str, document: Mapping[str, object]) -> httpx.Request:
        return self._client.build_request(
            "POST",
            url,
            content=json.dumps(document).encode("ascii"),
            headers={"Content-Type": "application/json"},
        )

    def _seconds(self, submission: Submission) -> str | int:
        return submission.seconds if self._dialect.integer_seconds else str(submission.seconds)

    def _url(self, job_id: str) -> str:
        return f"{self._videos}/{quote(job_id, safe='')}"

    async def _exchange(
        self, call: Call, request: httpx.Request, context: Context
    ) -> _Reply | Outcome:
        """Send a request and read the whole answer; an ``Outcome`` when none came."""
        response = await self._send(call, request, context)
        if isinstance(response, Outcome):
            return response
        try:
            return await self._read(call, response, context)
        finally:
            await response.aclose()

    async def _send(
        self, call: Call, request: httpx.Request, context: Context
    ) -> httpx.Response | Outcome:
        started = time.monotonic()
        try:
            response = await self._client.send(request, auth=self._auth, stream=True)
        except AzureError as error:
            return self._told(call, classify_token_failure(error))
        except httpx.RequestError as error:
            return self._told(call, classify_fault(call, error, context))
        _log.debug(
            "provider answered",
            extra={
                "provider_call": call.value,
                "deployment": self._deployment,
                "http_status": response.status_code,
                "provider_request_id": response.headers.get("apim-request-id")
                or response.headers.get("x-request-id"),
                "answer_seconds": round(time.monotonic() - started, 3),
            },
        )
        return response

    async def _read(
        self, call: Call, response: httpx.Response, context: Context
    ) -> _Reply | Outcome:
        body = bytearray()
        try:
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > _MAX_ANSWER:
                    body.clear()  # nothing that we asked for: classified as unreadable
                    break
        except httpx.RequestError as error:
            return self._told(call, classify_fault(call, error, context))
        return _Reply(response.status_code, response.headers, bytes(body))

    def _classified(self, call: Call, reply: _Reply) -> Outcome:
        return classify_answer(call, reply.status, reply.headers, reply.body, self._context)

    def _told(self, call: Call, outcome: Outcome, job_id: str | None = None) -> Outcome:
        """Log the outcome, without the message: it may hold the provider's words."""
        worth_telling = outcome.kind is not Kind.ACCEPTED or call in (Call.CREATE, Call.DERIVE)
        _log.log(
            logging.INFO if worth_telling else logging.DEBUG,
            "provider call: %s",
            outcome.kind.value,
            extra={
                "provider_call": call.value,
                "deployment": self._deployment,
                "job_id": outcome.job.id if outcome.job else job_id,
                "outcome_code": outcome.code,
                "http_status": outcome.http_status,
            },
        )
        return outcome


def _base(endpoint: str) -> str:
    """The resource's address; people also paste it with the path of the API."""
    base = endpoint.rstrip("/")
    for tail in ("/openai/v1", "/openai"):
        base = base.removesuffix(tail)
    return base


def _accepted(job: Job, reply: _Reply) -> Outcome:
    return Outcome(
        Kind.ACCEPTED, job=job, retry_after=poll_after(reply.headers), http_status=reply.status
    )


def _is_video(document: object) -> bool:
    return (
        isinstance(document, dict)
        and isinstance(document.get("status"), str)
        and document.get("object") == "video"
    )


def _reaches(page: list[Job], horizon: float) -> bool:
    """Whether all that follows this page is older than ``horizon``: its last job is, and it is
    sorted as asked for (a server may ignore the order)."""
    times = [job.created_at for job in page]
    known = [moment for moment in times if moment is not None]
    descending = all(a >= b for a, b in itertools.pairwise(known))
    return len(known) == len(times) > 0 and descending and known[-1] < horizon


def _file(reference: Reference) -> tuple[str, bytes, str]:
    extension = reference.content_type.partition("/")[2].replace("jpeg", "jpg") or "bin"
    return (f"reference.{extension}", reference.data, reference.content_type)
