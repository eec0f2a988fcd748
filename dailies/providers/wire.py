"""One call to a provider: sent with a credential, read to its end, classified, logged.

A provider's adapter gets a ``Wire`` that is ready for its deployment.

What is logged is who, what and how it ended; never a message (it may hold the provider's words), a
prompt or a credential.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import httpx
from pydantic import BaseModel

from dailies.jsontext import JsonScanner, TooComplex
from dailies.net.downloads import Downloads, UntrustedLink
from dailies.net.multipart import StreamedForm
from dailies.providers.answers import poll_after, request_id
from dailies.providers.azure_auth import TOKEN_FAILURES, classify_token_failure
from dailies.providers.base import NO_NAMES, Content, Names
from dailies.providers.classify import Call, CallContext, classify_answer, classify_fault
from dailies.providers.download import checked_content
from dailies.providers.error_text import read_json
from dailies.providers.outcomes import Kind, Outcome, UpstreamJob, note_outcome
from dailies.telemetry import spans, tracecontext
from dailies.video.basics import Variant

__all__ = ["Reply", "Wire"]

_MAX_ANSWER = 32 * 1024**2
"""Bytes; a page of a hundred jobs with the longest prompts is below it."""

_MAX_ERROR = 256 * 1024
"""Bytes of an answer that is no success."""

_MAX_PARTS = 200_000
"""Of the JSON in it; that page has some thousands."""

_MAX_DEPTH = 64

_MAX_REDIRECTS = 3

_PIECE = 64 * 1024
T = TypeVar("T")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer, read to its end."""

    status: int
    headers: httpx.Headers
    body: bytes

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300


class Wire:
    """Calls to one deployment. Every method that can fail answers with an ``Outcome`` then."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        auth: httpx.Auth,
        context: CallContext,
        *,
        url: str = "",
        names: Names = NO_NAMES,
        options: BaseModel | None = None,
        downloads: Downloads | None = None,
    ) -> None:
        """The client is shared, and closed by its owner.

        Args:
            url: the deployment's endpoint, without a slash at its end.
            names: tell the models of the endpoint apart when a lost job is looked for.
            options: the deployment's own, an instance of its provider's model of options.
            downloads: fetches files by links that the provider gives.
        """
        self._client = client
        self._auth = auth
        self._context = context
        self.url = url
        self.names = names
        self.options = options
        self._downloads = downloads or Downloads(())

    @property
    def deployment(self) -> str:
        """The name by which the provider knows the model."""
        return self._context.deployment

    def request(
        self,
        method: str,
        url: str,
        *,
        params: Mapping[str, str] | None = None,
        json_body: Mapping[str, object] | None = None,
        form: StreamedForm | None = None,
        **given: Any,
    ) -> httpx.Request:
        """A request to send with one of the methods below; ``given`` goes to httpx as it is.

        JSON is plain ASCII, so that half a surrogate pair in a prompt can be sent.
        """
        if json_body is not None:
            given["content"] = json.dumps(json_body).encode("ascii")
            given["headers"] = {"Content-Type": "application/json"}
        if form is not None:
            given |= {"content": form, "headers": form.headers}
        return self._client.build_request(method, url, params=params, **given)

    async def job(
        self,
        call: Call,
        request: httpx.Request,
        parse: Callable[[object], UpstreamJob | None],
        *,
        prompt: str | None = None,
        job_id: str | None = None,
    ) -> Outcome:
        """Send a request that is answered by a job; ``ACCEPTED`` carries it.

        Args:
            parse: the job in the answer's JSON document; None when it holds none.
            job_id: by which the job was asked for; it stays its id, whatever the answer says.
        """
        reply = await self.call(call, request, prompt=prompt)
        if isinstance(reply, Outcome):
            return reply
        job = parse(read_json(reply.body)) if reply.is_success else None
        if job is None:
            return self.classified(call, reply, prompt=prompt, job_id=job_id)
        return self.accepted(call, reply, job if job_id is None else replace(job, id=job_id))

    @asynccontextmanager
    async def content(
        self, request: httpx.Request, job_id: str, variant: Variant
    ) -> AsyncIterator[Content | Outcome]:
        """Open the file that a request asks for, as ``VideoProvider.open_content`` does."""
        call = _call_of(variant)
        request.headers["Accept-Encoding"] = "identity"  # so that Content-Length counts the file
        response = await self.open(call, request)
        if isinstance(response, Outcome):
            yield response
            return
        try:
            yield await self.file(call, response, job_id, variant)
        finally:
            await response.aclose()

    @asynccontextmanager
    async def linked(
        self,
        request: httpx.Request,
        link: Callable[[object], str | None],
        job_id: str,
        variant: Variant,
    ) -> AsyncIterator[Content | Outcome]:
        """Open a file by the link in the answer to a request, as ``VideoProvider.open_content``.

        The link is fetched without the credential, and only from the provider's own ``hosts``.

        Args:
            link: the link in the answer's JSON document; None when it holds none.
        """
        found = await self._found(request, link, job_id, variant)
        if isinstance(found, Outcome):
            yield found
            return
        async with self._download(_call_of(variant), found, job_id, variant) as content:
            yield content

    @asynccontextmanager
    async def named(
        self,
        request: httpx.Request,
        find: Callable[[object], httpx.Request | Content | Outcome | None],
        job_id: str,
        variant: Variant,
    ) -> AsyncIterator[Content | Outcome]:
        """Open the file that the answer to a request names, with the credential.

        The adapter makes the request for the file, so no answer decides who gets the credential.
        Redirects are followed, with it within the place that was asked, and else as links are.

        Args:
            find: the request for the file that the answer's JSON document names, or the file itself
                where the document holds it; an outcome when neither will do, None when there is no
                file.
        """
        found: httpx.Request | Content | Outcome = await self._found(request, find, job_id, variant)
        if not isinstance(found, httpx.Request):
            yield found
            return
        call = _call_of(variant)
        found.headers["Accept-Encoding"] = "identity"  # as in ``content``
        response = await self._followed(call, found)
        if isinstance(response, Outcome):
            yield response
            return
        try:
            if response.next_request is None:
                yield await self.file(call, response, job_id, variant)
                return
            elsewhere = str(response.next_request.url)
        finally:
            await response.aclose()
        async with self._download(call, elsewhere, job_id, variant) as content:
            yield content

    async def _found(
        self,
        request: httpx.Request,
        find: Callable[[object], T | None],
        job_id: str,
        variant: Variant,
    ) -> T | Outcome:
        """What is found in the answer to a request, or why there is nothing."""
        call = _call_of(variant)
        reply = await self.call(call, request)
        if isinstance(reply, Outcome):
            return reply
        found = find(read_json(reply.body)) if reply.is_success else None
        if found is not None:
            return self.told(call, found, job_id) if isinstance(found, Outcome) else found
        gone = Reply(404, reply.headers, reply.body) if reply.is_success else reply
        return self.classified(call, gone, job_id=job_id)

    async def _followed(self, call: Call, request: httpx.Request) -> httpx.Response | Outcome:
        """The answer to a request, after redirects within its origin; one that leads elsewhere, or
        is one too many, is the answer."""
        response = await self.open(call, request)
        for _ in range(_MAX_REDIRECTS):
            if isinstance(response, Outcome) or response.next_request is None:
                return response
            if _origin(response.next_request.url) != _origin(request.url):
                return response
            await response.aclose()
            response = await self.open(call, response.next_request)
        return response

    @asynccontextmanager
    async def _download(
        self, call: Call, url: str, job_id: str, variant: Variant
    ) -> AsyncIterator[Content | Outcome]:
        """Open a file by a link, without the credential."""
        try:
            async with self._downloads.open(url) as response:
                yield await self.file(call, response, job_id, variant)
        except UntrustedLink as error:
            outcome = Outcome(Kind.UNKNOWN, code="untrusted_link", message=str(error))
            yield self.told(call, outcome, job_id)
        except httpx.RequestError as error:
            yield self.told(call, classify_fault(call, error, self._about(None)))

    async def document(self, call: Call, url: str) -> Reply | Outcome:
        """Read what is at a link, which is fetched as ``linked`` does: without the credential."""
        try:
            async with self._downloads.open(url) as response:
                return await self.read(call, response)
        except UntrustedLink as error:
            return self.told(call, Outcome(Kind.UNKNOWN, code="untrusted_link", message=str(error)))
        except httpx.RequestError as error:
            return self.told(call, classify_fault(call, error, self._about(None)))

    @asynccontextmanager
    async def no_content(self, job_id: str, variant: Variant) -> AsyncIterator[Outcome]:
        """What ``content`` gives of a variant that the provider does not have."""
        yield self.classified(_call_of(variant), Reply(404, httpx.Headers(), b""), job_id=job_id)

    async def call(
        self, call: Call, request: httpx.Request, *, prompt: str | None = None
    ) -> Reply | Outcome:
        """Send a request and read the whole answer, whatever its status.

        Args:
            prompt: of the job concerned, so that it is kept out of messages.
        """
        response = await self.open(call, request, prompt=prompt)
        if isinstance(response, Outcome):
            return response
        try:
            return await self.read(call, response, prompt=prompt)
        finally:
            await response.aclose()

    async def open(
        self, call: Call, request: httpx.Request, *, prompt: str | None = None
    ) -> httpx.Response | Outcome:
        """Send a request and read the head of the answer; the caller closes it."""
        started = time.monotonic()
        try:
            response = await self._send(call, request)
        except TOKEN_FAILURES as error:
            return self.told(call, classify_token_failure(error))
        except httpx.RequestError as error:
            return self.told(call, classify_fault(call, error, self._about(prompt)))
        _log.debug(
            "provider answered",
            extra={
                "provider_call": call.value,
                "deployment": self._context.deployment,
                "http_status": response.status_code,
                "provider_request_id": request_id(response.headers),
                "answer_seconds": round(time.monotonic() - started, 3),
            },
        )
        return response

    async def _send(self, call: Call, request: httpx.Request) -> httpx.Response:
        with spans.provider_span(
            call.value, request.method, str(request.url), model=self._context.deployment
        ) as span:
            request.headers.update(tracecontext.headers())
            response = await self._client.send(request, auth=self._auth, stream=True)
            spans.note_answer(span, response.status_code, request_id(response.headers))
            return response

    async def read(
        self, call: Call, response: httpx.Response, *, prompt: str | None = None
    ) -> Reply | Outcome:
        """Read an open answer to its end. One that is larger than any that we ask for, or would be
        as objects, is given without a body: it is then classified as unreadable."""
        body = bytearray()
        most = _MAX_ANSWER if response.is_success else _MAX_ERROR
        scanner = JsonScanner(most_parts=_MAX_PARTS, most_depth=_MAX_DEPTH)
        try:
            async for chunk in response.aiter_bytes(_PIECE):
                body += chunk
                if len(body) > most or not _is_simple(scanner, chunk):
                    body.clear()
                    break
        except httpx.RequestError as error:
            return self.told(call, classify_fault(call, error, self._about(prompt)))
        return Reply(response.status_code, response.headers, bytes(body))

    async def file(
        self, call: Call, response: httpx.Response, job_id: str, variant: Variant
    ) -> Content | Outcome:
        """The file in an open answer, as a stream; or what the answer means instead."""
        if response.status_code == httpx.codes.OK:
            content = await checked_content(response, variant)
            return self.told(call, content, job_id) if isinstance(content, Outcome) else content
        reply = await self.read(call, response)
        if isinstance(reply, Outcome):
            return reply
        return self.classified(call, reply, job_id=job_id)

    def classified(
        self, call: Call, reply: Reply, *, prompt: str | None = None, job_id: str | None = None
    ) -> Outcome:
        """The outcome of an answer that is no success, or can't be read as one."""
        about = self._about(prompt)
        outcome = classify_answer(call, reply.status, reply.headers, reply.body, about)
        return self.told(call, outcome, job_id)

    def accepted(self, call: Call, reply: Reply, job: UpstreamJob) -> Outcome:
        """The outcome of an answer that is a job."""
        outcome = Outcome(
            Kind.ACCEPTED,
            job=job,
            request_id=request_id(reply.headers),
            retry_after=poll_after(reply.headers),
            http_status=reply.status,
        )
        return self.told(call, outcome)

    def cancelled(self, reply: Reply, job_id: str) -> Outcome:
        """The outcome of an answer to a cancel."""
        if not reply.is_success:
            return self.classified(Call.CANCEL, reply, job_id=job_id)
        return self.told(Call.CANCEL, Outcome(Kind.ACCEPTED, http_status=reply.status), job_id)

    def told(self, call: Call, outcome: Outcome, job_id: str | None = None) -> Outcome:
        """The outcome itself, once it is logged."""
        note_outcome(outcome)
        worth_telling = outcome.kind is not Kind.ACCEPTED or call in (Call.CREATE, Call.DERIVE)
        _log.log(
            logging.INFO if worth_telling else logging.DEBUG,
            "provider call: %s",
            outcome.kind.value,
            extra={
                "provider_call": call.value,
                "deployment": self._context.deployment,
                "job_id": outcome.job.id if outcome.job else job_id,
                "outcome_code": outcome.code,
                "http_status": outcome.http_status,
            },
        )
        return outcome

    def _about(self, prompt: str | None) -> CallContext:
        return self._context if prompt is None else replace(self._context, prompt=prompt)


def _call_of(variant: Variant) -> Call:
    return Call.CONTENT if variant is Variant.VIDEO else Call.EXTRA


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


def _is_simple(scanner: JsonScanner, chunk: bytes) -> bool:
    """Whether the JSON that this goes on with may still become objects."""
    try:
        for _ in scanner.feed(chunk):
            pass
    except TooComplex:
        return False
    return True
