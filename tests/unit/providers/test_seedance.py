"""Seedance on the wire: what is sent, and what is made of its answers."""

from __future__ import annotations

import json
from dataclasses import replace

import httpx
import pytest
from pydantic import SecretStr

from dailies.net.downloads import Downloads
from dailies.providers.base import Content, Reference, Submission
from dailies.providers.outcomes import JobStatus, Kind, Outcome
from dailies.providers.seedance import PROVIDER, Seedance, SeedanceOptions
from dailies.providers.wire import Wire
from dailies.video.basics import Size, Variant
from tests.unit.providers.conftest import Upstream, called_job
from tests.unit.providers.living import context_of

HD = Size(1280, 720)
URL = "https://ark.ap-southeast.bytepluses.com"
TASKS = f"{URL}/api/v3/contents/generations/tasks"
MODEL = "dreamina-seedance-2-0-260128"
IMAGE = Reference(b"\x89PNG", "image/png", HD)
SUBMISSION = Submission(MODEL, "a cat in the rain", 5, HD, video_id="video_1")
MP4 = b"\x00\x00\x00\x18ftypisom" + bytes(4000)
LINK = "https://ark-content-generation-ap-southeast-1.tos-ap-southeast-1.volces.com/a.mp4"
SINCE = 1_779_348_000.0


@pytest.fixture
def adapter(upstream: Upstream) -> Seedance:
    assert PROVIDER.key_auth is not None
    return Seedance(
        Wire(
            upstream.client,
            PROVIDER.key_auth(SecretStr("the-key")),
            context_of(PROVIDER, URL, MODEL),
            url=f"{URL}/api/v3",
            options=SeedanceOptions(usd_per_million_tokens={"default": 9, "720p": 7}),
            downloads=Downloads(
                ("ark.ap-southeast.bytepluses.com", *PROVIDER.hosts),
                transport=httpx.MockTransport(lambda _: httpx.Response(200, content=MP4)),
            ),
        )
    )


def task(**fields: object) -> dict[str, object]:
    """A task, as published answers show it."""
    return {
        "id": "cgt-1",
        "model": MODEL,
        "status": "running",
        "created_at": 1_779_348_818,
        "updated_at": 1_779_348_874,
        "resolution": "720p",
        "ratio": "16:9",
        "duration": 5,
        "framespersecond": 24,
        "service_tier": "default",
        "execution_expires_after": 172_800,
        "generate_audio": True,
        "safety_identifier": "video_1",
    } | fields


def error(status: int, code: str, message: str = "Request ID: 1") -> httpx.Response:
    return httpx.Response(status, json={"error": {"code": code, "message": message, "type": "x"}})


# -- create


async def test_a_create_is_marked(upstream: Upstream, adapter: Seedance) -> None:
    upstream.says(httpx.Response(200, json={"id": "cgt-1"}))
    outcome = await adapter.submit(
        replace(SUBMISSION, callback_url="https://app/calls/1", sound=False, seed=7)
    )

    assert outcome.kind is Kind.ACCEPTED
    assert outcome.job is not None
    assert (outcome.job.id, outcome.job.status) == ("cgt-1", JobStatus.QUEUED)
    assert str(upstream.last.url) == TASKS
    assert upstream.last.headers["authorization"] == "Bearer the-key"
    assert upstream.last_json == {
        "model": MODEL,
        "content": [{"type": "text", "text": "a cat in the rain"}],
        "resolution": "720p",
        "ratio": "16:9",
        "duration": 5,
        "generate_audio": False,
        "seed": 7,
        "callback_url": "https://app/calls/1",
        "safety_identifier": "video_1",
    }


@pytest.mark.parametrize(
    ("submission", "roles"),
    [
        (replace(SUBMISSION, reference=IMAGE), ["first_frame"]),
        (replace(SUBMISSION, reference=IMAGE, last_frame=IMAGE), ["first_frame", "last_frame"]),
        (replace(SUBMISSION, references=(IMAGE, IMAGE)), ["reference_image"] * 2),
    ],
)
async def test_images_have_a_role(
    upstream: Upstream, adapter: Seedance, submission: Submission, roles: list[str]
) -> None:
    upstream.says(httpx.Response(200, json={"id": "cgt-1"}))
    await adapter.submit(submission)

    assert isinstance(upstream.last_json, dict)
    assert upstream.last_json["content"][1:] == [
        {"type": "image_url", "image_url": {"url": IMAGE.data_url}, "role": role} for role in roles
    ]


async def test_a_callers_options_add_and_never_change(
    upstream: Upstream, adapter: Seedance
) -> None:
    upstream.says(httpx.Response(200, json={"id": "cgt-1"}))
    options = {"camera_fixed": True, "safety_identifier": "mine", "model": "dearer"}
    await adapter.submit(replace(SUBMISSION, options=options))

    assert isinstance(upstream.last_json, dict)
    sent = {name: upstream.last_json[name] for name in options}
    assert sent == {"camera_fixed": True, "safety_identifier": "video_1", "model": MODEL}


@pytest.mark.parametrize(
    ("answer", "kind", "code"),
    [
        (error(400, "InputTextSensitiveContentDetected"), Kind.REFUSED, "moderation_blocked"),
        (
            error(400, "InputImageSensitiveContentDetected.PrivacyInformation"),
            Kind.REFUSED,
            "moderation_blocked",
        ),
        (error(400, "InputTextRiskDetection"), Kind.REFUSED, "moderation_blocked"),
        (error(400, "InvalidParameter"), Kind.REFUSED, "InvalidParameter"),
        (error(401, "AuthenticationError"), Kind.UNAUTHORISED, "invalid_credential"),
        (error(403, "AccountOverdueError"), Kind.REFUSED, "no_credit"),
        (error(403, "AccessDenied"), Kind.UNAUTHORISED, "access_denied"),
        (error(404, "ModelNotOpen"), Kind.REFUSED, "deployment_not_found"),
        (error(404, "InvalidEndpointOrModel.NotFound"), Kind.REFUSED, "deployment_not_found"),
        (error(403, "OperationDenied.ServiceNotOpen"), Kind.REFUSED, "deployment_not_found"),
        (error(429, "RateLimitExceeded.EndpointRPMExceeded"), Kind.THROTTLED, "rate_limit"),
        (error(429, "ServerOverloaded"), Kind.THROTTLED, "rate_limit"),
        (error(429, "QuotaExceeded"), Kind.REFUSED, "no_credit"),
        (
            error(429, "QuotaExceeded", "The number of queued tasks is exceeded"),
            Kind.THROTTLED,
            "concurrency_limit",
        ),
        (error(429, "SetLimitExceeded"), Kind.REFUSED, "no_credit"),
        (error(500, "InternalServiceError"), Kind.UNKNOWN, "unknown_outcome"),
        (httpx.Response(200, json={"status": "queued"}), Kind.UNKNOWN, "unknown_outcome"),
        (httpx.ReadTimeout("late"), Kind.UNKNOWN, "unknown_outcome"),
    ],
)
async def test_answers_to_a_create(
    upstream: Upstream,
    adapter: Seedance,
    answer: httpx.Response | Exception,
    kind: Kind,
    code: str,
) -> None:
    upstream.says(answer)
    outcome = await adapter.submit(SUBMISSION)

    assert (outcome.kind, outcome.code) == (kind, code)
    assert len(upstream.requests) == 1


# -- status


@pytest.mark.parametrize(
    ("fields", "status", "code", "cost"),
    [
        ({"status": "queued"}, JobStatus.QUEUED, None, None),
        ({"status": "running"}, JobStatus.RUNNING, None, None),
        (
            {
                "status": "succeeded",
                "content": {"video_url": LINK},
                "usage": {"completion_tokens": 108_900, "total_tokens": 108_900},
            },
            JobStatus.COMPLETED,
            None,
            0.7623,
        ),
        ({"status": "succeeded", "content": {}}, JobStatus.FAILED, "no_video", None),
        (
            {"status": "failed", "error": {"code": "OutputVideoSensitiveContentDetected"}},
            JobStatus.FAILED,
            "moderation_blocked",
            None,
        ),
        (
            {"status": "failed", "error": {"code": "InternalServiceError", "message": "Oh."}},
            JobStatus.FAILED,
            "InternalServiceError",
            None,
        ),
        ({"status": "failed", "error": None}, JobStatus.FAILED, "generation_failed", None),
        ({"status": "cancelled"}, JobStatus.CANCELLED, "cancelled_upstream", None),
        ({"status": "expired"}, JobStatus.EXPIRED, "expired", None),
        ({"status": "dreaming"}, JobStatus.UNKNOWN, None, None),
    ],
)
async def test_the_words_of_a_task(
    upstream: Upstream,
    adapter: Seedance,
    fields: dict[str, object],
    status: JobStatus,
    code: str | None,
    cost: float | None,
) -> None:
    upstream.says(httpx.Response(200, json=task(**fields)))
    job = (await adapter.status("cgt-1")).job

    assert job is not None
    assert (job.status, job.error_code, job.cost_usd) == (status, code, cost)
    assert str(upstream.last.url) == f"{TASKS}/cgt-1"


async def test_another_resolution_has_another_price(upstream: Upstream, adapter: Seedance) -> None:
    upstream.says(
        httpx.Response(200, json=task(resolution="1080p", usage={"completion_tokens": 1_000_000}))
    )
    job = (await adapter.status("cgt-1")).job

    assert job is not None
    assert job.cost_usd == 9


async def test_without_a_price_of_tokens_no_cost_is_told(upstream: Upstream) -> None:
    upstream.says(httpx.Response(200, json=task(usage={"completion_tokens": 5})))
    wire = Wire(upstream.client, httpx.Auth(), context_of(PROVIDER, URL, MODEL), url=URL)
    job = (await Seedance(wire).status("cgt-1")).job

    assert job is not None
    assert job.cost_usd is None


async def test_a_task_that_is_gone(upstream: Upstream, adapter: Seedance) -> None:
    upstream.says(error(404, "ResourceNotFound"))

    assert (await adapter.status("cgt-1")).kind is Kind.MISSING


# -- a lost answer


def page(*tasks: dict[str, object]) -> httpx.Response:
    return httpx.Response(200, json={"total": 99, "items": list(tasks)})


async def test_ours_is_the_one_with_our_mark(upstream: Upstream, adapter: Seedance) -> None:
    upstream.says(
        page(task(id="cgt-9", safety_identifier="video_9")), page(task(id="cgt-1")), page()
    )
    found = await adapter.find_submitted(SUBMISSION, SINCE)

    assert [job.id for job in found.jobs] == ["cgt-1"]
    pages = [dict(request.url.params) for request in upstream.requests]
    assert pages == [
        {"page_num": "1", "page_size": "100"},
        {"page_num": "2", "page_size": "100"},
    ]


@pytest.mark.parametrize(
    "pages",
    [
        [page()],
        [httpx.Response(200, json={"total": 0})],
        [page(task(id="cgt-9", safety_identifier="video_9")), page()],
        # of another time, or of another model: not ours, with or without a mark
        [page(task(id="cgt-9", safety_identifier=None, created_at=SINCE - 1000)), page()],
    ],
)
async def test_a_list_without_it_says_that_nothing_was_made(
    upstream: Upstream, adapter: Seedance, pages: list[httpx.Response]
) -> None:
    upstream.says(*pages)
    found = await adapter.find_submitted(SUBMISSION, SINCE)

    assert (found.outcome.kind, list(found.jobs)) == (Kind.ACCEPTED, [])


async def test_a_job_without_any_mark_is_no_proof(upstream: Upstream, adapter: Seedance) -> None:
    upstream.says(page(task(id="cgt-9", safety_identifier=None)), page())
    found = await adapter.find_submitted(SUBMISSION, SINCE)

    assert (found.outcome.kind, list(found.jobs)) == (Kind.UNKNOWN, [])


@pytest.mark.parametrize(
    ("answers", "kind"),
    [
        ([httpx.Response(503)], Kind.TRANSIENT),
        ([httpx.Response(200, json={"data": []})], Kind.TRANSIENT),
        # it ignores the number of the page, so older ones can't be seen
        ([page(task(id="cgt-9", safety_identifier="video_9"))], Kind.TRANSIENT),
    ],
)
async def test_a_list_that_can_not_be_read_is_no_list(
    upstream: Upstream, adapter: Seedance, answers: list[httpx.Response], kind: Kind
) -> None:
    upstream.says(*answers)

    assert (await adapter.find_submitted(SUBMISSION, SINCE)).outcome.kind is kind


@pytest.mark.parametrize(
    ("body", "job_id"),
    [(json.dumps(task()).encode(), "cgt-1"), (b"[]", None), (b"{}", None), (b"\xff", None)],
)
async def test_a_call_tells_of_a_job(adapter: Seedance, body: bytes, job_id: str | None) -> None:
    assert called_job(await adapter.called_back({}, body)) == job_id


# -- content, cancel


async def test_the_video_comes_by_its_link(upstream: Upstream, adapter: Seedance) -> None:
    upstream.says(httpx.Response(200, json=task(status="succeeded", content={"video_url": LINK})))
    async with adapter.open_content("cgt-1", Variant.VIDEO) as content:
        assert isinstance(content, Content)
        assert b"".join([chunk async for chunk in content.chunks]) == MP4


async def test_a_link_elsewhere_is_not_followed(upstream: Upstream, adapter: Seedance) -> None:
    content = {"video_url": "https://volces.com.example/a.mp4"}
    upstream.says(httpx.Response(200, json=task(status="succeeded", content=content)))
    async with adapter.open_content("cgt-1", Variant.VIDEO) as opened:
        assert isinstance(opened, Outcome)
        assert opened.code == "untrusted_link"


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (httpx.Response(200, json={}), Kind.ACCEPTED),
        (error(404, "ResourceNotFound"), Kind.ACCEPTED),
        (error(409, "InvalidAction.RunningTaskDeletion"), Kind.REFUSED),
    ],
)
async def test_cancel(
    upstream: Upstream, adapter: Seedance, answer: httpx.Response, kind: Kind
) -> None:
    upstream.says(answer)

    assert (await adapter.cancel("cgt-1")).kind is kind
    assert (upstream.last.method, str(upstream.last.url)) == ("DELETE", f"{TASKS}/cgt-1")


def test_the_declaration_is_sound() -> None:
    assert PROVIDER.is_sound
    assert PROVIDER.calls_back
