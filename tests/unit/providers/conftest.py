"""A provider made of a function: each request it gets is kept, each answer is the test's."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message

import httpx
import pytest
from pydantic import SecretStr

from dailies.providers.azure_sora_2 import PROVIDER, AzureSora2
from dailies.providers.base import NO_NAMES, Called, Names
from dailies.providers.classify import CallContext
from dailies.providers.key_auth import ApiKeyAuth
from dailies.providers.wire import Wire

ENDPOINT = "https://my.openai.azure.com"


def called_job(called: Called | None) -> str | None:
    """The job that a call tells of."""
    return None if called is None else called.job_id


@dataclass
class Upstream:
    """Answers requests in turn from ``answers`` (the last one for ever), and keeps them."""

    answers: list[httpx.Response | Exception] = field(default_factory=list)
    requests: list[httpx.Request] = field(default_factory=list)
    transport: httpx.MockTransport = field(init=False)
    client: httpx.AsyncClient = field(init=False)

    def __post_init__(self) -> None:
        self.transport = httpx.MockTransport(self._answer)
        self.client = httpx.AsyncClient(transport=self.transport)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        # a copy: a request that is sent again is the same one with other headers
        headers = request.headers.copy()
        copy = httpx.Request(request.method, request.url, headers=headers, content=request.content)
        self.requests.append(copy)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        # a response is spent once read
        return httpx.Response(answer.status_code, headers=answer.headers, stream=answer.stream)

    def says(self, *answers: httpx.Response | Exception) -> None:
        self.answers = list(answers)

    @property
    def last(self) -> httpx.Request:
        return self.requests[-1]

    @property
    def last_json(self) -> object:
        return json.loads(self.last.content)


Adapter = Callable[..., AzureSora2]


def wire(
    client: httpx.AsyncClient,
    model: str,
    *,
    auth: httpx.Auth | None = None,
    names: Names = NO_NAMES,
    endpoint: str = ENDPOINT,
) -> Wire:
    """What an adapter for Azure OpenAI gets."""
    context = CallContext(
        "my.openai.azure.com", model, answers=PROVIDER.answers, kept_seconds=86_400
    )
    auth = auth or ApiKeyAuth(SecretStr("the-key"))
    return Wire(client, auth, context, url=endpoint, names=names)


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    upstream = Upstream()
    yield upstream
    await upstream.client.aclose()


@pytest.fixture
def adapter(upstream: Upstream) -> Adapter:
    def build(
        *,
        auth: httpx.Auth | None = None,
        names: Names = NO_NAMES,
        endpoint: str = ENDPOINT,
    ) -> AzureSora2:
        return AzureSora2(
            wire(upstream.client, "sora-2-eu", auth=auth, names=names, endpoint=endpoint)
        )

    return build


def job(**fields: object) -> dict[str, object]:
    """A video object as Azure sends it."""
    return {
        "id": "video_1",
        "object": "video",
        "model": "sora-2-eu",
        "status": "queued",
        "progress": 0,
        "created_at": 1_780_000_000,
        "completed_at": None,
        "expires_at": None,
        "seconds": "4",
        "size": "1280x720",
        "prompt": "a cat in the rain",
        "remixed_from_video_id": None,
        "error": None,
    } | fields


def page(*jobs: dict[str, object], has_more: bool | None = False) -> httpx.Response:
    """A page of the list."""
    document: dict[str, object] = {"object": "list", "data": jobs}
    if has_more is not None:
        document["has_more"] = has_more
    return httpx.Response(200, json=document)


def parts(request: httpx.Request) -> dict[str, Message]:
    """The fields of a multipart request, by name."""
    head = f"Content-Type: {request.headers['content-type']}\r\n\r\n".encode()
    message = message_from_bytes(head + request.content)
    fields = message.get_payload()
    assert isinstance(fields, list)
    return {
        str(field.get_param("name", header="content-disposition")): field
        for field in fields
        if isinstance(field, Message)
    }


def text(field: Message) -> str:
    payload = field.get_payload(decode=True)
    assert isinstance(payload, bytes)
    return payload.decode()
