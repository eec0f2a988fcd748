"""Kling on the wire: what is sent, and what is made of its answers."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable
from dataclasses import replace

import httpx
import jwt
import pytest
from pydantic import SecretStr

from dailies.net.downloads import Downloads
from dailies.providers.base import Content, Reference, Submission
from dailies.providers.kling import PROVIDER, Kling, KlingOptions
from dailies.providers.outcomes import JobStatus, Kind, Outcome
from dailies.providers.signed_key import SignedKeyAuth
from dailies.providers.wire import Wire
from dailies.video.basics import Size, Variant
from tests.unit.providers.conftest import Upstream, called_job
from tests.unit.providers.living import context_of

HD, FULL_HD = Size(1280, 720), Size(1080, 1920)
URL = "https://api-singapore.klingai.com"
VIDEOS = f"{URL}/v1/videos"
SECRET = "s" * 32
IMAGE = Reference(b"\x89PNG", "image/png", HD)
SUBMISSION = Submission("kling-v3", "a cat in the rain", 5, HD, video_id="video_1")
MP4 = b"\x00\x00\x00\x18ftypisom" + bytes(4000)
LINK = "https://v15-kling.klingai.com/a.mp4"
SINCE = 1_774_805_000.0


@pytest.fixture
def build(upstream: Upstream) -> Callable[[], Kling]:
    def build() -> Kling:
        return Kling(
            Wire(
                upstream.client,
                SignedKeyAuth(SecretStr(f"access:{SECRET}")),
                context_of(PROVIDER, URL, "kling-v3"),
                url=URL,
                options=KlingOptions(usd_per_unit=0.14),
                downloads=Downloads(
                    ("api-singapore.klingai.com", *PROVIDER.hosts),
                    transport=httpx.MockTransport(lambda _: httpx.Response(200, content=MP4)),
                ),
            )
        )

    return build


@pytest.fixture
def adapter(build: Callable[[], Kling]) -> Kling:
    return build()


def task(**fields: object) -> dict[str, object]:
    """A task, as a published answer shows it."""
    return {
        "task_id": "867283741759111202",
        "task_status": "submitted",
        "task_info": {"external_task_id": "video_1"},
        "created_at": 1_774_805_076_166,
        "updated_at": 1_774_805_076_166,
    } | fields


def answer(data: object) -> httpx.Response:
    document = {"code": 0, "message": "SUCCEED", "request_id": "c0656403", "data": data}
    return httpx.Response(200, json=document)


def error(status: int, code: int, message: str = "no") -> httpx.Response:
    document = {"code": code, "message": message, "request_id": "c0656403"}
    return httpx.Response(status, json=document)


NOT_THERE = error(404, 1203, "task not found")


# -- the token


async def test_a_token_is_signed_for_each_request(upstream: Upstream, adapter: Kling) -> None:
    upstream.says(answer(task()))
    await adapter.submit(SUBMISSION)
    scheme, _, token = upstream.last.headers["authorization"].partition(" ")
    claims = jwt.decode(token, SECRET, algorithms=["HS256"], issuer="access")

    assert scheme == "Bearer"
    assert jwt.get_unverified_header(token) == {"alg": "HS256", "typ": "JWT"}
    assert set(claims) == {"iss", "exp", "nbf"}
    assert claims["exp"] - claims["nbf"] == 1805
    assert SECRET not in token


async def test_a_key_without_a_secret_is_sent_as_it_is(upstream: Upstream) -> None:
    upstream.says(httpx.Response(200))
    request = upstream.client.build_request("GET", URL)
    await upstream.client.send(request, auth=SignedKeyAuth(SecretStr("sk-gateway")))

    assert upstream.last.headers["authorization"] == "Bearer sk-gateway"


# -- create


async def test_a_create_from_text(upstream: Upstream, adapter: Kling) -> None:
    upstream.says(answer(task()))
    outcome = await adapter.submit(
        replace(
            SUBMISSION,
            sound=True,
            negative_prompt="dogs",
            callback_url="https://app/calls/1",
            options={"cfg_scale": 0.7, "mode": "pro"},
        )
    )

    assert outcome.kind is Kind.ACCEPTED
    assert outcome.job is not None
    assert outcome.job.id == "867283741759111202"
    assert outcome.job.created_at == 1_774_805_076.166
    assert str(upstream.last.url) == f"{VIDEOS}/text2video"
    assert upstream.last_json == {
        "model_name": "kling-v3",
        "prompt": "a cat in the rain",
        "negative_prompt": "dogs",
        "mode": "std",
        "aspect_ratio": "16:9",
        "duration": "5",
        "sound": "on",
        "cfg_scale": 0.7,
        "callback_url": "https://app/calls/1",
        "external_task_id": "video_1",
    }


async def test_a_create_from_images(upstream: Upstream, adapter: Kling) -> None:
    upstream.says(answer(task()))
    bare = b64encode(IMAGE.data).decode()
    await adapter.submit(
        replace(SUBMISSION, size=FULL_HD, reference=IMAGE, last_frame=IMAGE, sound=False)
    )

    assert str(upstream.last.url) == f"{VIDEOS}/image2video"
    assert upstream.last_json == {
        "model_name": "kling-v3",
        "prompt": "a cat in the rain",
        "mode": "pro",
        "duration": "5",
        "image": bare,
        "image_tail": bare,
        "sound": "off",
        "external_task_id": "video_1",
    }


@pytest.mark.parametrize(
    ("given", "kind", "code"),
    [
        (error(400, 1301), Kind.REFUSED, "moderation_blocked"),
        (error(429, 1301), Kind.REFUSED, "moderation_blocked"),
        (error(400, 1300), Kind.REFUSED, "moderation_blocked"),
        (error(429, 1101), Kind.REFUSED, "no_credit"),
        (error(429, 1102, "Account balance not enough"), Kind.REFUSED, "no_credit"),
        (error(200, 1102), Kind.REFUSED, "no_credit"),
        (error(429, 1302), Kind.THROTTLED, "rate_limit"),
        (
            error(429, 1303, "parallel task over resource pack limit"),
            Kind.THROTTLED,
            "concurrency_limit",
        ),
        (error(429, 1100), Kind.UNAUTHORISED, "account_exception"),
        (error(429, 1304), Kind.UNAUTHORISED, "network_blocked"),
        (error(401, 1002), Kind.UNAUTHORISED, "invalid_credential"),
        (error(403, 1103), Kind.REFUSED, "deployment_not_found"),
        (error(404, 1203), Kind.REFUSED, "deployment_not_found"),
        (error(400, 1201, "duration is wrong"), Kind.REFUSED, "invalid_request"),
        # Ours is unique: a task that has it already is this one.
        (error(400, 1201, "external_task_id exists"), Kind.UNKNOWN, "unknown_outcome"),
        (error(500, 5000), Kind.UNKNOWN, "unknown_outcome"),
        (error(503, 5001), Kind.UNKNOWN, "unknown_outcome"),
        (error(504, 5002), Kind.UNKNOWN, "unknown_outcome"),
        (error(200, 7777), Kind.UNKNOWN, "unknown_outcome"),
        (answer(None), Kind.UNKNOWN, "unknown_outcome"),
        (httpx.ReadTimeout("late"), Kind.UNKNOWN, "unknown_outcome"),
    ],
)
async def test_answers_to_a_create(
    upstream: Upstream,
    adapter: Kling,
    given: httpx.Response | Exception,
    kind: Kind,
    code: str,
) -> None:
    upstream.says(given)
    outcome = await adapter.submit(SUBMISSION)

    assert (outcome.kind, outcome.code) == (kind, code)
    assert len(upstream.requests) == 1


# -- status

RESULT = {"videos": [{"id": "1", "url": LINK, "duration": "5.1"}]}


@pytest.mark.parametrize(
    ("fields", "status", "code", "cost"),
    [
        ({"task_status": "submitted"}, JobStatus.QUEUED, None, None),
        ({"task_status": "processing"}, JobStatus.RUNNING, None, None),
        (
            {"task_status": "succeed", "task_result": RESULT, "final_unit_deduction": "3.5"},
            JobStatus.COMPLETED,
            None,
            0.49,
        ),
        ({"task_status": "succeed", "task_result": {}}, JobStatus.FAILED, "no_video", None),
        (
            {
                "task_status": "failed",
                "task_status_msg": "Failure to pass the risk control system",
                "final_unit_deduction": "0",
            },
            JobStatus.FAILED,
            "moderation_blocked",
            0.0,
        ),
        (
            {"task_status": "failed", "task_status_msg": "It broke."},
            JobStatus.FAILED,
            "generation_failed",
            None,
        ),
        ({"task_status": "dreaming"}, JobStatus.UNKNOWN, None, None),
    ],
)
async def test_the_words_of_a_task(
    upstream: Upstream,
    adapter: Kling,
    fields: dict[str, object],
    status: JobStatus,
    code: str | None,
    cost: float | None,
) -> None:
    upstream.says(answer(task(**fields)))
    job = (await adapter.status("867283741759111202")).job

    assert job is not None
    assert (job.status, job.error_code, job.cost_usd) == (status, code, cost)
    assert str(upstream.last.url) == f"{VIDEOS}/text2video/867283741759111202"


@pytest.mark.parametrize("first", [NOT_THERE, error(400, 1201), answer(None), error(503, 5001)])
async def test_a_task_may_be_in_the_other_list(
    upstream: Upstream, adapter: Kling, first: httpx.Response
) -> None:
    upstream.says(first, answer(task(task_status="processing")))
    outcome = await adapter.status("867")

    assert outcome.job is not None
    assert (outcome.job.id, outcome.job.status) == ("867", JobStatus.RUNNING)
    assert upstream.last.url.path == "/v1/videos/image2video/867"


@pytest.mark.parametrize(
    ("answers", "kind"),
    [
        ([NOT_THERE, NOT_THERE], Kind.MISSING),
        # One that can't be asked now is no proof.
        ([error(503, 5001), NOT_THERE], Kind.TRANSIENT),
        ([NOT_THERE, error(503, 5001)], Kind.TRANSIENT),
        ([error(429, 1302)], Kind.THROTTLED),
        ([error(401, 1004)], Kind.UNAUTHORISED),
    ],
)
async def test_a_task_is_gone_only_when_both_say_so(
    upstream: Upstream, adapter: Kling, answers: list[httpx.Response], kind: Kind
) -> None:
    upstream.says(*answers)

    assert (await adapter.status("867")).kind is kind


# -- a lost answer


async def test_a_job_is_found_by_our_id(upstream: Upstream, adapter: Kling) -> None:
    upstream.says(answer(task()))
    found = await adapter.find_submitted(replace(SUBMISSION, reference=IMAGE), SINCE)

    assert [job.id for job in found.jobs] == ["867283741759111202"]
    assert [request.url.path for request in upstream.requests] == ["/v1/videos/image2video/video_1"]


@pytest.mark.parametrize("first", [NOT_THERE, answer(None), httpx.ReadTimeout("late")])
async def test_the_list_decides_where_our_id_does_not(
    upstream: Upstream, adapter: Kling, first: httpx.Response | Exception
) -> None:
    other = task(task_id="9", task_info={"external_task_id": "video_9"})
    upstream.says(first, answer([other]), answer([task()]))
    found = await adapter.find_submitted(SUBMISSION, SINCE)

    assert [job.id for job in found.jobs] == ["867283741759111202"]
    assert upstream.last.url.path == "/v1/videos/text2video"
    assert dict(upstream.last.url.params) == {"pageNum": "2", "pageSize": "100"}


async def test_an_empty_list_says_that_nothing_was_made(upstream: Upstream, adapter: Kling) -> None:
    upstream.says(NOT_THERE, answer([]))
    found = await adapter.find_submitted(SUBMISSION, SINCE)

    assert (found.outcome.kind, list(found.jobs)) == (Kind.ACCEPTED, [])


@pytest.mark.parametrize(
    ("listed", "kind"),
    [
        (answer([task(task_id="9", task_info={})]), Kind.UNKNOWN),
        (error(500, 5000), Kind.TRANSIENT),
        (error(429, 1302), Kind.THROTTLED),
    ],
)
async def test_a_list_that_can_not_tell(
    upstream: Upstream, adapter: Kling, listed: httpx.Response, kind: Kind
) -> None:
    upstream.says(NOT_THERE, listed, answer([]))
    found = await adapter.find_submitted(SUBMISSION, SINCE)

    assert (found.outcome.kind, list(found.jobs)) == (kind, [])


@pytest.mark.parametrize(
    ("body", "job_id"),
    [
        (json.dumps(task()).encode(), "867283741759111202"),
        (answer(task()).content, "867283741759111202"),
        (b"[]", None),
        (b"{}", None),
        (b"\xff", None),
    ],
)
async def test_a_call_tells_of_a_job(adapter: Kling, body: bytes, job_id: str | None) -> None:
    assert called_job(await adapter.called_back({}, body)) == job_id


# -- content, cancel


async def test_the_video_comes_by_its_link(upstream: Upstream, adapter: Kling) -> None:
    done = answer(task(task_status="succeed", task_result=RESULT))
    upstream.says(NOT_THERE, done)
    async with adapter.open_content("867", Variant.VIDEO) as content:
        assert isinstance(content, Content)
        assert b"".join([chunk async for chunk in content.chunks]) == MP4
    assert upstream.last.url.path == "/v1/videos/image2video/867"


@pytest.mark.parametrize(
    ("variant", "answers", "kind"),
    [
        (Variant.VIDEO, [NOT_THERE], Kind.MISSING),
        (Variant.THUMBNAIL, [NOT_THERE], Kind.MISSING),
        (Variant.VIDEO, [answer(task(task_status="succeed", task_result={}))], Kind.MISSING),
    ],
)
async def test_no_video_to_be_had(
    upstream: Upstream,
    adapter: Kling,
    variant: Variant,
    answers: list[httpx.Response],
    kind: Kind,
) -> None:
    upstream.says(*answers)
    async with adapter.open_content("867", variant) as content:
        assert isinstance(content, Outcome)
        assert content.kind is kind


async def test_a_task_can_not_be_stopped(upstream: Upstream, adapter: Kling) -> None:
    outcome = await adapter.cancel("867")

    assert (outcome.kind, outcome.code) == (Kind.REFUSED, "not_cancellable")
    assert not upstream.requests


def test_the_declaration_is_sound() -> None:
    assert PROVIDER.is_sound
    assert PROVIDER.calls_back
