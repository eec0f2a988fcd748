"""One call to a provider: sent with a credential, read to its end, classified, logged.

What is logged is who, what and how it ended; never a message (it may hold the provider's words), a
prompt or a credential.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import httpx
from pydantic import BaseModel

from dailies.jsontext import JsonScanner, TooComplex
from dailies.net.downloads import Downloads
from dailies.net.multipart import StreamedForm
from dailies.providers.answers import request_id
from dailies.providers.azure_auth import TOKEN_FAILURES, classify_token_failure
from dailies.providers.base import NO_NAMES, Names
from dailies.providers.classify import Call, CallContext, classify_answer, classify_fault
from dailies.providers.outcomes import Kind, Outcome, note_outcome
from dailies.telemetry import spans, tracecontext
from dailies.telemetry.logs import log_event

__all__ = ["Calls", "Reply"]

_MAX_ANSWER = 32 * 1024**2
"""Bytes; a page of a hundred jobs with the longest prompts is below it."""

_MAX_ERROR = 256 * 1024
"""Bytes of an answer that is no success."""

_MAX_PARTS = 200_000
"""Of the JSON in it; that page has some thousands."""

_MAX_DEPTH = 64

_PIECE = 64 * 1024


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer, read to its end."""

    status: int
    headers: httpx.Headers
    body: bytes

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300


class Calls:
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
    def kept_seconds(self) -> float | None:
        """How long the provider keeps jobs and their files; None when it doesn't say."""
        return self._context.kept_seconds

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
        log_event(
            "provider_answered",
            level=logging.DEBUG,
            call=call.value,
            deployment=self._context.name or self.deployment,
            http_status=response.status_code,
            provider_request_id=request_id(response.headers),
            seconds=round(time.monotonic() - started, 3),
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

    def classified(
        self, call: Call, reply: Reply, *, prompt: str | None = None, job_id: str | None = None
    ) -> Outcome:
        """The outcome of an answer that is no success, or can't be read as one."""
        about = self._about(prompt)
        outcome = classify_answer(call, reply.status, reply.headers, reply.body, about)
        return self.told(call, outcome, job_id)

    def told(self, call: Call, outcome: Outcome, job_id: str | None = None) -> Outcome:
        """The outcome itself, once it is logged."""
        note_outcome(outcome)
        log_event(
            "provider_call",
            level=logging.DEBUG if outcome.kind is Kind.ACCEPTED else logging.INFO,
            call=call.value,
            deployment=self._context.name or self.deployment,
            job_id=outcome.job.id if outcome.job else job_id,
            outcome=outcome.kind.value,
            code=outcome.code,
            http_status=outcome.http_status,
            retry_after=outcome.retry_after,
            provider_request_id=outcome.request_id,
        )
        return outcome

    def _about(self, prompt: str | None) -> CallContext:
        return self._context if prompt is None else replace(self._context, prompt=prompt)


def _is_simple(scanner: JsonScanner, chunk: bytes) -> bool:
    """Whether the JSON that this goes on with may still become objects."""
    try:
        for _ in scanner.feed(chunk):
            pass
    except TooComplex:
        return False
    return True
