"""The adapter for servers that speak OpenAI's videos protocol: Azure OpenAI's Sora 2 first.

In what the others differ is data: ``Dialect``. Sources: OpenAI's OpenAPI document, Microsoft's
Sora 2 pages, recorded answers of Azure, and the sources of vLLM-Omni, SGLang and FastVideo.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from urllib.parse import quote, urlsplit

import httpx

from dailies.providers.answers import poll_after, request_id
from dailies.providers.azure_auth import ApiKeyAuth
from dailies.providers.base import Content, Found, KeptCharacter, SourceFile, Submission
from dailies.providers.classify import Call, CallContext
from dailies.providers.creation import AZURE_SORA_2, Creations, Dialect
from dailies.providers.error_text import read_json
from dailies.providers.listing import Names, find_job
from dailies.providers.outcomes import Kind, Outcome, UpstreamJob
from dailies.providers.video_object import parse_character, parse_job, parse_page
from dailies.providers.wire import Reply, Wire
from dailies.video.basics import Operation, Variant

__all__ = ["AZURE_SORA_2", "Dialect", "OpenAIVideos", "resource_url"]


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
        context = CallContext(
            endpoint=urlsplit(endpoint).netloc,
            deployment=deployment,
            uses_key=isinstance(auth, ApiKeyAuth),
        )
        self._client = client
        self._wire = Wire(client, auth, context)
        self._dialect = dialect
        self._names = names or Names()
        self._videos = f"{resource_url(endpoint)}{dialect.path}/videos"
        self._creations = Creations(client, self._videos, dialect)

    async def submit(self, submission: Submission) -> Outcome:
        """See ``VideoProvider.submit``."""
        call = Call.CREATE if submission.operation is Operation.CREATE else Call.DERIVE
        prompt = submission.prompt
        reply = await self._wire.call(call, self._creations.request(submission), prompt=prompt)
        if isinstance(reply, Outcome):
            return reply
        job = parse_job(read_json(reply.body)) if reply.is_success else None
        if job is None:
            return self._wire.classified(call, reply, prompt=prompt)
        return self._wire.told(call, _accepted(job, reply))

    async def create_character(self, name: str, clip: SourceFile) -> KeptCharacter | Outcome:
        """See ``CharacterKeeper.create_character``."""
        request = self._creations.character(name, clip)
        reply = await self._wire.call(Call.CHARACTER, request)
        if isinstance(reply, Outcome):
            return reply
        document = read_json(reply.body) if reply.is_success else None
        kept = parse_character(document)
        return kept or self._wire.classified(Call.CHARACTER, reply)

    async def status(self, job_id: str) -> Outcome:
        """See ``VideoProvider.status``."""
        request = self._client.build_request("GET", self._url(job_id))
        reply = await self._wire.call(Call.STATUS, request)
        if isinstance(reply, Outcome):
            return reply
        document = read_json(reply.body)
        job = parse_job(document)
        # Some servers answer a failed job with the status of its failure and the job as the body.
        if job is None or not (reply.is_success or _is_video(document)):
            return self._wire.classified(Call.STATUS, reply, job_id=job_id)
        return self._wire.told(Call.STATUS, _accepted(replace(job, id=job_id), reply))

    async def cancel(self, job_id: str) -> Outcome:
        """See ``VideoProvider.cancel``."""
        request = self._client.build_request("DELETE", self._url(job_id))
        reply = await self._wire.call(Call.CANCEL, request)
        if isinstance(reply, Outcome):
            return reply
        # {"deleted": true}, the job with status "deleted", or nothing at all
        document = read_json(reply.body)
        if reply.is_success and isinstance(document, dict) and document.get("deleted") is False:
            reply = replace(reply, status=409)
        if not reply.is_success:
            return self._wire.classified(Call.CANCEL, reply, job_id=job_id)
        done = Outcome(Kind.ACCEPTED, http_status=reply.status)
        return self._wire.told(Call.CANCEL, done, job_id)

    async def find_submitted(self, submission: Submission, since: float) -> Found:
        """See ``VideoProvider.find_submitted``."""
        return await find_job(
            self._wire,
            self._list_page,
            parse_page,
            submission=submission,
            since=since,
            names=self._names,
        )

    def open_content(
        self, job_id: str, variant: Variant
    ) -> AbstractAsyncContextManager[Content | Outcome]:
        """See ``VideoProvider.open_content``."""
        return self._content(job_id, variant)

    @asynccontextmanager
    async def _content(self, job_id: str, variant: Variant) -> AsyncIterator[Content | Outcome]:
        call = Call.CONTENT if variant is Variant.VIDEO else Call.EXTRA
        if call is Call.EXTRA and not self._dialect.sends_variant:
            yield self._wire.classified(call, Reply(404, httpx.Headers(), b""), job_id=job_id)
            return
        request = self._client.build_request(
            "GET",
            f"{self._url(job_id)}/content",
            params={"variant": variant.value} if self._dialect.sends_variant else None,
            headers={"Accept-Encoding": "identity"},  # so that Content-Length counts the file
        )
        response = await self._wire.open(call, request)
        if isinstance(response, Outcome):
            yield response
            return
        try:
            yield await self._wire.file(call, response, job_id, variant)
        finally:
            await response.aclose()

    def _list_page(self, query: Mapping[str, str]) -> httpx.Request:
        return self._client.build_request("GET", self._videos, params={**query, "order": "desc"})

    def _url(self, job_id: str) -> str:
        return f"{self._videos}/{quote(job_id, safe='')}"


def resource_url(endpoint: str) -> str:
    """The resource's address; people also paste it with the path of the API."""
    base = endpoint.rstrip("/")
    for tail in ("/openai/v1", "/openai"):
        base = base.removesuffix(tail)
    return base


def _accepted(job: UpstreamJob, reply: Reply) -> Outcome:
    return Outcome(
        Kind.ACCEPTED,
        job=job,
        request_id=request_id(reply.headers),
        retry_after=poll_after(reply.headers),
        http_status=reply.status,
    )


def _is_video(document: object) -> bool:
    return (
        isinstance(document, dict)
        and isinstance(document.get("status"), str)
        and document.get("object") == "video"
    )
