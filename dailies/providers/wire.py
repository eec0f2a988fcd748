"""What an adapter gets, ready for its deployment: calls that are answered by jobs and files."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TypeVar

import httpx

from dailies.net.downloads import UntrustedLink
from dailies.providers.answers import poll_after, request_id
from dailies.providers.base import Content
from dailies.providers.calls import Calls, Reply
from dailies.providers.classify import Call, classify_fault
from dailies.providers.download import checked_content
from dailies.providers.error_text import read_json
from dailies.providers.outcomes import Kind, Outcome, UpstreamJob
from dailies.video.basics import Variant

__all__ = ["Reply", "Wire"]

_MAX_REDIRECTS = 3

T = TypeVar("T")


class Wire(Calls):
    """Calls to one deployment, for jobs and their files. Every method that can fail answers with an
    ``Outcome`` then."""

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
        if job_id is not None:
            job = replace(job, id=job_id, named=job.id or None)
        return self.accepted(call, reply, job)

    @asynccontextmanager
    async def content(
        self, request: httpx.Request, job_id: str, variant: Variant, *, follow: bool = False
    ) -> AsyncIterator[Content | Outcome]:
        """Open the file that a request asks for, as ``VideoProvider.open_content`` does.

        Args:
            follow: a redirect leads to the file; it is fetched as in ``linked``.
        """
        call = _call_of(variant)
        request.headers["Accept-Encoding"] = "identity"  # so that Content-Length counts the file
        response = await self.open(call, request)
        if isinstance(response, Outcome):
            yield response
            return
        try:
            if not follow or response.next_request is None:
                yield await self.file(call, response, job_id, variant)
                return
            elsewhere = str(response.next_request.url)
        finally:
            await response.aclose()
        async with self._download(call, elsewhere, job_id, variant) as content:
            yield content

    @asynccontextmanager
    async def linked(
        self,
        request: httpx.Request,
        link: Callable[[object], str | None],
        job_id: str,
        variant: Variant,
    ) -> AsyncIterator[Content | Outcome]:
        """Open a video by the link in the answer to a request, as ``VideoProvider.open_content``;
        there is no link to any other file.

        The link is fetched without the credential, and only from the provider's own ``hosts``.

        Args:
            link: the link in the answer's JSON document; None when it holds none.
        """
        if variant is not Variant.VIDEO:
            yield self._none(job_id, variant)
            return
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
            yield self.told(call, self._untrusted(error), job_id)
        except httpx.RequestError as error:
            yield self.told(call, classify_fault(call, error, self._about(None)))

    async def document(self, call: Call, url: str) -> Reply | Outcome:
        """Read what is at a link, which is fetched as ``linked`` does: without the credential."""
        try:
            async with self._downloads.open(url) as response:
                return await self.read(call, response)
        except UntrustedLink as error:
            return self.told(call, self._untrusted(error))
        except httpx.RequestError as error:
            return self.told(call, classify_fault(call, error, self._about(None)))

    def _untrusted(self, error: UntrustedLink) -> Outcome:
        code, context = "untrusted_link", self._context
        remedy = context.remedies.get(code, "").format(
            endpoint=context.endpoint, deployment=context.deployment
        )
        return Outcome(Kind.UNKNOWN, code=code, message=str(error), remedy=remedy or None)

    @asynccontextmanager
    async def no_content(self, job_id: str, variant: Variant) -> AsyncIterator[Outcome]:
        """What ``content`` gives of a variant that the provider does not have."""
        yield self._none(job_id, variant)

    def _none(self, job_id: str, variant: Variant) -> Outcome:
        return self.classified(_call_of(variant), Reply(404, httpx.Headers(), b""), job_id=job_id)

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


def _call_of(variant: Variant) -> Call:
    return Call.CONTENT if variant is Variant.VIDEO else Call.EXTRA


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port
