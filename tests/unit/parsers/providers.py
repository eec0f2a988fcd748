"""Parsers of what providers answer."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable

import httpx

from dailies.guards.base import Shown
from dailies.guards.webhook import _read as _verdict
from dailies.net.pauses import retry_after
from dailies.providers import kling, runway, seedance
from dailies.providers.answers import moment, number, poll_after
from dailies.providers.azure_auth import _claims_challenge
from dailies.providers.azure_sora_1 import parse_job as parse_sora_1
from dailies.providers.base import Submission, _names
from dailies.providers.classify import Call, CallContext, classify_answer, classify_job_error
from dailies.providers.download import _decoded, checked_content
from dailies.providers.error_text import ErrorText, read_json, readable
from dailies.providers.fal.errors import is_the_models
from dailies.providers.fal.places import _below
from dailies.providers.google import CloudOptions, blocked, is_safety
from dailies.providers.listing import page_of
from dailies.providers.luma_dream_machine import _seconds
from dailies.providers.mapping import MappedOptions
from dailies.providers.outcomes import Kind, Outcome
from dailies.providers.predictions import likeness, parse_prediction
from dailies.providers.published_keys import PublishedKeys, _keys
from dailies.providers.replicate import Replicate, ReplicateOptions, _paced
from dailies.providers.standard_webhooks import is_signed, signing_key
from dailies.providers.vertex_veo import VertexVeo
from dailies.providers.video_object import parse_job
from dailies.providers.wire import Reply, Wire
from dailies.providers.xai import parse_job as parse_xai
from dailies.video.basics import Size, Variant
from dailies.video.errors import IntegrityError
from tests.unit.parsers.shapes import JSON, MOST_HEADER, WORDS, Parser, of, text, waits

__all__ = ["PARSERS"]


def _wire(status: int) -> Callable[[bytes], object]:
    async def read(data: bytes) -> object:
        async def answer(_: httpx.Request) -> httpx.Response:
            return httpx.Response(status, content=data)

        transport = httpx.MockTransport(answer)
        async with httpx.AsyncClient(transport=transport, base_url="https://a.example") as client:
            wire = Wire(client, httpx.Auth(), _ABOUT)
            reply = await wire.call(Call.LIST, client.build_request("GET", "/"))
            assert isinstance(reply, Reply)
            return page_of(parse_job)(read_json(reply.body)) or wire.classified(Call.LIST, reply)

    return waits(read)


async def _file(data: bytes) -> object:
    headers = {"content-length": data.decode("latin-1"), "content-type": "video/mp4"}
    return await checked_content(httpx.Response(200, headers=headers, content=b"x"), Variant.VIDEO)


_ABOUT = CallContext(deployment="a", endpoint="a.example", prompt="a pier " * 4000)
_PROMPT = "a pier " * 4000
MESSAGES = {
    **WORDS,
    **of(b"A+", b"A/", b"A", b"key=", b"bearer ", b"eyJ", b"eyJaaaaaaaa.", b"sk-", b"sig=a "),
    **of(b"reason: ", b"reasons:a,", b"reasons: a-", b"moderation", b"a pier ", b"a pie"),
    **of(b" ", before=b"reason:", after=b"1"),
    **of(b"A", before=b"", after=b"-"),
    **of(b"https://a.example/b?c=d ", b"a=b&", b"&", b"a/", b"%41", before=b"https://a.example/?"),
    **of(b"request id: a ", b"request-id", b"trace_id: "),
}


def _answer(message: str) -> object:
    body = json.dumps({"error": {"message": message, "code": message, "param": message}}).encode()
    return classify_answer(Call.CREATE, 400, {}, body, _ABOUT)


def _failed(message: str) -> object:
    job = {"id": "a", "status": "failed", "error": {"message": message, "code": message}}
    return parse_job(job), classify_job_error(ErrorText(message=message, code=message), _PROMPT)


def _job(value: str) -> object:
    names = ("id", "status", "size", "seconds", "created_at", "progress", "width", "n_seconds")
    return parse_job(dict.fromkeys(names, value)), parse_sora_1(dict.fromkeys(names, value))


async def _predictions(data: bytes) -> object:
    async def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=data)

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
        options = ReplicateOptions()
        wire = Wire(client, httpx.Auth(), _ABOUT, url="https://a.example", options=options)
        return await Replicate(wire).find_submitted(_SUBMISSION, 1_780_000_000)


def _prediction(value: str) -> object:
    names = ("id", "created_at", "logs", "error", "model", "webhook")
    job = dict.fromkeys(names, value) | {"input": {"prompt": value}}
    throttled = Outcome(Kind.THROTTLED, detail=value)
    return (
        parse_prediction(job | {"status": "failed"}, MappedOptions()),
        likeness(job | {"model": "a"}, _SUBMISSION, MappedOptions()),
        likeness(job | {"model": "a", "webhook": None}, _SUBMISSION, MappedOptions()),
        _paced(throttled),
    )


def _call(value: str) -> object:
    headers = dict.fromkeys(("webhook-id", "webhook-signature"), value)
    times = {"webhook-timestamp": "1780000000"}
    return signing_key(value), is_signed(headers | times, b"{}", b"key", 1_780_000_000)


async def _vendors(data: bytes) -> object:
    """What vendors answer, each in its own way, with hostile texts in every place."""
    value = data.decode("latin-1")
    error = ErrorText(message=value, code=value)
    document = {"status": "failed", "error": {"code": value, "message": value}}
    reply = Reply(500, httpx.Headers({"x-fal-error-type": "a"}), json.dumps(document).encode())
    with contextlib.suppress(IntegrityError):
        async for _ in _decoded(value):
            pass
    async with httpx.AsyncClient() as client:
        wire = Wire(client, httpx.Auth(), _ABOUT, url="https://a.example", options=_CLOUD)
        return (
            VertexVeo(wire)._look(value),
            await PublishedKeys(wire, ()).signed(b"", value),
            list(_keys({"keys": [{"crv": "Ed25519", "x": value}]})),
            (is_the_models(reply), _below("https://a.example", f"https://a.example/{value}")),
            (blocked(value), is_safety(error), parse_xai(document)),
            (moment(value), _seconds(value)),
            kling._why(value),
            runway._why({"failureCode": value, "failure": value}),
            seedance._why({"code": value, "message": value}),
        )


_CLOUD = CloudOptions(
    workload_identity_provider="//iam.googleapis.com/projects/1/locations/global/"
    "workloadIdentityPools/azure/providers/tenant",
    subject_scope="api://dailies/.default",
    project="studio-1",
    gcs_prefix="gs://dailies",
)
_SUBMISSION = Submission("a", _PROMPT, 5, Size(1280, 720), callback_url="https://a.example/b")

PARSERS = (
    Parser(
        "provider's page",
        _wire(200),
        {**JSON, **of(b'{"id":"a","error":{}},', before=b'{"data":[')},
    ),
    Parser("provider's error", _wire(400), JSON),
    Parser(
        "guard's answer",
        lambda data: _verdict(data, Shown.PROMPT),
        {**JSON, **of(b"a", b" ", b"-", before=b'{"allow":false,"category":"', after=b'"}')},
        64 * 1024,  # more is not read
    ),
    Parser("provider's message", text(lambda value: readable(value, _PROMPT)), MESSAGES),
    Parser("message about a short prompt", text(lambda value: readable(value, "a pier")), MESSAGES),
    Parser("provider's answer", text(_answer), MESSAGES),
    Parser("failed job", text(_failed), MESSAGES),
    Parser("job", text(_job), WORDS),
    Parser("number of a provider", text(number), WORDS),
    Parser(
        "model of a job",
        text(lambda value: _names(value, ("sora-2",))),
        {**WORDS, **of(b"-2025-12-08", b"-2025")},
    ),
    Parser(
        "retry after",
        text(lambda value: retry_after({"retry-after": value, "date": value})),
        {**WORDS, **of(b"Mon, ", b"1 Jan 2026 ", b"00:", b"(", b"+")},
    ),
    Parser("poll after", text(lambda value: poll_after({"openai-poll-after-ms": value})), WORDS),
    Parser(
        "claims challenge",
        text(lambda v: _claims_challenge(httpx.Headers({"www-authenticate": v}))),
        {**of(b'claims="', b'claims="a', b"a"), **of(b"a", before=b'Bearer claims="', after=b'"')},
    ),
    Parser("length of a file", waits(_file), of(b"9", b" ", b"0")),
    Parser(
        "page of predictions",
        waits(_predictions),
        {
            **JSON,
            **of(b'{"id":"a"},', b'{"id":"a","input":{"prompt":"a"}},', before=b'{"results":['),
            **of(b"a=b&", b"%41", before=b'{"results":[],"next":"https://a/?', after=b'"}'),
            **of(b" ", before=b'{"results":[]', after=b"}"),
        },
    ),
    Parser(
        "prediction",
        text(_prediction),
        {
            **MESSAGES,
            **of(b"1%|", b"46% ", b"9", b"resets in ~", b"resets in 9", b"NSFW ", b"E005"),
        },
    ),
    Parser(
        "vendors' own words",
        waits(_vendors),
        {
            **MESSAGES,
            **of(b"projects/a", b"/a", b"/operations/", b"support codes: ", b"1234, ", b"5s"),
            **of(b"/a", before=b"projects", after=b"/operations/!"),
            **of(b" ", b"1234 ", before=b"support code", after=b"x"),
        },
    ),
    Parser(
        "signature of a call",
        text(_call),
        {**WORDS, **of(b"v1,YQ== ", b"v1,", b",", b"whsec_", b"YWJj", before=b"whsec_")},
        MOST_HEADER,
    ),
)
