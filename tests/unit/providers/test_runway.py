"""Runway on the wire: what is sent, and what is made of its answers."""

from __future__ import annotations

import logging
from dataclasses import replace

import httpx
import pytest
from pydantic import SecretStr

from dailies.net.downloads import Downloads
from dailies.providers.base import Content, Reference, Submission
from dailies.providers.outcomes import JobStatus, Kind, Outcome
from dailies.providers.runway import PROVIDER, Runway, RunwayOptions
from dailies.providers.wire import Wire
from dailies.video.basics import Size, Variant
from tests.unit.providers.conftest import Upstream
from tests.unit.providers.living import context_of

HD = Size(1280, 720)
URL = "https://api.dev.runwayml.com"
IMAGE = Reference(b"\x89PNG", "image/png", HD)
SUBMISSION = Submission("gen4.5", "a cat in the rain", 5, HD, video_id="video_1")
MP4 = b"\x00\x00\x00\x18ftypisom" + bytes(4000)
LINK = "https://dnznrvs05pmza.cloudfront.net/a.mp4?_jwt=secret"


@pytest.fixture
def adapter(upstream: Upstream) -> Runway:
    return adapter_of(upstream, RunwayOptions())


def adapter_of(upstream: Upstream, options: RunwayOptions) -> Runway:
    assert PROVIDER.key_auth is not None
    return Runway(
        Wire(
            upstream.client,
            PROVIDER.key_auth(SecretStr("the-key")),
            context_of(PROVIDER, URL, "gen4.5"),
            url=URL,
            options=options,
            downloads=Downloads(
                ("api.dev.runwayml.com", *PROVIDER.hosts),
                transport=httpx.MockTransport(lambda _: httpx.Response(200, content=MP4)),
            ),
        )
    )


def task(**fields: object) -> httpx.Response:
    known = {"id": "task-1", "createdAt": "2026-11-28T10:00:00.000Z"}
    return httpx.Response(200, json=known | fields)


# -- create


async def test_a_create_names_the_pixels_and_the_version(
    upstream: Upstream, adapter: Runway
) -> None:
    upstream.says(httpx.Response(200, json={"id": "task-1", "estimatedCost": {"credits": 60}}))
    outcome = await adapter.submit(replace(SUBMISSION, seed=7))

    assert outcome.kind is Kind.ACCEPTED
    assert outcome.job is not None
    assert (outcome.job.id, outcome.job.status) == ("task-1", JobStatus.QUEUED)
    assert outcome.job.cost_usd is None
    assert str(upstream.last.url) == f"{URL}/v1/text_to_video"
    assert upstream.last.headers["authorization"] == "Bearer the-key"
    assert upstream.last.headers["x-runway-version"] == "2024-11-06"
    assert upstream.last_json == {
        "model": "gen4.5",
        "promptText": "a cat in the rain",
        "ratio": "1280:720",
        "duration": 5,
        "seed": 7,
    }


async def test_images_have_a_place(upstream: Upstream, adapter: Runway) -> None:
    upstream.says(httpx.Response(200, json={"id": "task-1"}))
    await adapter.submit(
        replace(SUBMISSION, reference=IMAGE, last_frame=IMAGE, sound=False, negative_prompt="rain")
    )

    assert upstream.last.url.path == "/v1/image_to_video"
    assert upstream.last_json == {
        "model": "gen4.5",
        "promptText": "a cat in the rain",
        "ratio": "1280:720",
        "duration": 5,
        "promptImage": [
            {"uri": IMAGE.data_url, "position": "first"},
            {"uri": IMAGE.data_url, "position": "last"},
        ],
        "audio": False,
        "negativePrompt": "rain",
    }


async def test_images_to_look_like_stay_with_the_text(upstream: Upstream, adapter: Runway) -> None:
    upstream.says(httpx.Response(200, json={"id": "task-1"}))
    await adapter.submit(replace(SUBMISSION, references=(IMAGE, IMAGE)))

    assert upstream.last.url.path == "/v1/text_to_video"
    assert isinstance(upstream.last_json, dict)
    assert upstream.last_json["references"] == [{"uri": IMAGE.data_url}] * 2


async def test_a_callers_options_add_and_never_change(upstream: Upstream, adapter: Runway) -> None:
    upstream.says(httpx.Response(200, json={"id": "task-1"}))
    options = {"contentModeration": {"publicFigureThreshold": "low"}, "model": "veo3.1"}
    await adapter.submit(replace(SUBMISSION, options=options))

    assert isinstance(upstream.last_json, dict)
    assert upstream.last_json["model"] == "gen4.5"
    assert upstream.last_json["contentModeration"] == {"publicFigureThreshold": "low"}


async def test_a_router_chooses_the_model(upstream: Upstream) -> None:
    routing = {"configId": "films", "model": "gen4.5", "estimatedCost": {"credits": 60}}
    upstream.says(httpx.Response(200, json={"id": "task-1", "routing": routing}))
    outcome = await adapter_of(upstream, RunwayOptions(router="films")).submit(
        replace(
            SUBMISSION,
            reference=IMAGE,
            references=(IMAGE,),
            sound=True,
            options={"contentModeration": {}, "duration": 99},
        )
    )

    assert outcome.job is not None
    assert (outcome.job.id, outcome.job.model) == ("task-1", "gen4.5")
    assert upstream.last.url.path == "/v1/generate/video"
    assert upstream.last_json == {
        "configId": "films",
        "input": {
            "promptText": "a cat in the rain",
            "aspectRatio": "16:9",
            "resolution": "720p",
            "duration": 5,
            "referenceImages": [
                {"role": "first", "uri": IMAGE.data_url},
                {"role": "reference", "uri": IMAGE.data_url},
            ],
            "audio": True,
            "contentModeration": {},
        },
    }


@pytest.mark.parametrize(
    ("submission", "code", "param"),
    [
        (
            replace(SUBMISSION, reference=Reference(bytes(3_800_000), "image/png", HD)),
            "image_too_large",
            "input_reference",
        ),
    ],
)
async def test_what_surely_is_refused_is_not_sent(
    upstream: Upstream, adapter: Runway, submission: Submission, code: str, param: str
) -> None:
    outcome = await adapter.submit(submission)

    assert (outcome.kind, outcome.code, outcome.param) == (Kind.REFUSED, code, param)
    assert not upstream.requests


async def test_a_prompt_of_just_the_length_is_sent(upstream: Upstream, adapter: Runway) -> None:
    upstream.says(httpx.Response(200, json={"id": "task-1"}))
    outcome = await adapter.submit(replace(SUBMISSION, prompt="🌧" * 499 + "\ud83c."))

    assert outcome.kind is Kind.ACCEPTED


@pytest.mark.parametrize(
    ("answer", "kind", "code"),
    [
        (
            httpx.Response(400, json={"error": "You do not have enough credits to run this task."}),
            Kind.REFUSED,
            "no_credit",
        ),
        (
            httpx.Response(403, json={"error": "Model variant gen4 is not available"}),
            Kind.REFUSED,
            "deployment_not_found",
        ),
        (httpx.Response(400, json={"error": "Validation of body failed"}), Kind.REFUSED, None),
        (httpx.Response(401, json={"error": "bad key"}), Kind.UNAUTHORISED, "invalid_credential"),
        (
            httpx.Response(429, headers={"retry-after": "7"}, json={"error": "Too many"}),
            Kind.THROTTLED,
            "rate_limit",
        ),
        (httpx.Response(502), Kind.UNKNOWN, "unknown_outcome"),
        (httpx.Response(503), Kind.UNKNOWN, "unknown_outcome"),
        (httpx.Response(504), Kind.UNKNOWN, "unknown_outcome"),
        (httpx.Response(200, json={}), Kind.UNKNOWN, "unknown_outcome"),
        (httpx.ReadTimeout("late"), Kind.UNKNOWN, "unknown_outcome"),
        (httpx.ConnectError("no"), Kind.TRANSIENT, "connection_failed"),
    ],
)
async def test_answers_to_a_create(
    upstream: Upstream,
    adapter: Runway,
    answer: httpx.Response | Exception,
    kind: Kind,
    code: str | None,
) -> None:
    upstream.says(answer)
    outcome = await adapter.submit(SUBMISSION)

    assert outcome.kind is kind
    assert code is None or outcome.code == code
    assert len(upstream.requests) == 1


async def test_who_has_no_credit_is_told_by_the_log(upstream: Upstream, adapter: Runway) -> None:
    upstream.says(httpx.Response(400, json={"error": "You do not have enough credits."}))
    outcome = await adapter.submit(SUBMISSION)

    assert outcome.message == "This service has no credit left at the provider."
    assert "dev.runwayml.com" in str(outcome.remedy)


# -- status


@pytest.mark.parametrize(
    ("fields", "status", "progress", "cost"),
    [
        ({"status": "PENDING", "estimatedCost": {"credits": 60}}, JobStatus.QUEUED, 0, None),
        ({"status": "THROTTLED", "estimatedCost": {"credits": 60}}, JobStatus.QUEUED, 0, None),
        # Whoever stops it now pays all the same.
        (
            {"status": "RUNNING", "progress": 0.25, "estimatedCost": {"credits": 60}},
            JobStatus.RUNNING,
            25,
            0.6,
        ),
        (
            {"status": "SUCCEEDED", "output": [LINK], "cost": {"credits": 50}},
            JobStatus.COMPLETED,
            100,
            0.5,
        ),
        ({"status": "CANCELLED", "cost": {"credits": 0}}, JobStatus.CANCELLED, 0, 0.0),
        ({"status": "DREAMING"}, JobStatus.UNKNOWN, 0, None),
    ],
)
async def test_the_words_of_a_task(
    upstream: Upstream,
    adapter: Runway,
    fields: dict[str, object],
    status: JobStatus,
    progress: int,
    cost: float | None,
) -> None:
    upstream.says(task(**fields))
    job = (await adapter.status("task-1")).job

    assert job is not None
    assert (job.status, job.progress, job.cost_usd) == (status, progress, cost)
    assert job.created_at == 1_795_860_000
    assert upstream.last.headers["x-runway-version"] == "2024-11-06"
    assert upstream.last.url.path == "/v1/tasks/task-1"


@pytest.mark.parametrize(
    ("failure_code", "code", "told"),
    [
        ("SAFETY.INPUT.TEXT", "moderation_blocked", "input_moderation"),
        ("SAFETY.OUTPUT.VIDEO", "moderation_blocked", "output_moderation"),
        ("INPUT_PREPROCESSING.SAFETY.THIRD_PARTY", "moderation_blocked", "input_moderation"),
        ("INTERNAL.BAD_OUTPUT.CODE01", "INTERNAL.BAD_OUTPUT.CODE01", "Try again."),
        (None, "generation_failed", "Try again."),
    ],
)
async def test_why_a_task_failed(
    upstream: Upstream, adapter: Runway, failure_code: str | None, code: str, told: str
) -> None:
    upstream.says(
        task(status="FAILED", failure="Try again.", failureCode=failure_code, cost={"credits": 12})
    )
    job = (await adapter.status("task-1")).job

    assert job is not None
    assert (job.status, job.error_code, job.cost_usd) == (JobStatus.FAILED, code, 0.12)
    assert told in str(job.error_message)


async def test_done_without_a_video_is_a_failure(upstream: Upstream, adapter: Runway) -> None:
    upstream.says(task(status="SUCCEEDED", output=[], cost={"credits": 60}))
    job = (await adapter.status("task-1")).job

    assert job is not None
    assert (job.status, job.error_code, job.cost_usd) == (JobStatus.FAILED, "no_video", 0.6)


async def test_a_task_that_is_gone(upstream: Upstream, adapter: Runway) -> None:
    upstream.says(httpx.Response(404, json={"error": "not found"}))

    assert (await adapter.status("a/b")).kind is Kind.MISSING
    assert upstream.last.url.raw_path == b"/v1/tasks/a%2Fb"


# -- content, cancel


async def test_the_video_comes_by_its_link(
    upstream: Upstream, adapter: Runway, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    upstream.says(task(status="SUCCEEDED", output=[LINK]))
    async with adapter.open_content("task-1", Variant.VIDEO) as content:
        assert isinstance(content, Content)
        assert b"".join([chunk async for chunk in content.chunks]) == MP4
    assert "_jwt" not in str([vars(record) for record in caplog.records if record.name != "httpx"])


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (task(status="SUCCEEDED", output=["https://elsewhere.cloudfront.net/a"]), Kind.UNKNOWN),
        (task(status="SUCCEEDED", output=[]), Kind.MISSING),
        (httpx.Response(503), Kind.TRANSIENT),
    ],
)
async def test_no_video_to_be_had(
    upstream: Upstream, adapter: Runway, answer: httpx.Response, kind: Kind
) -> None:
    upstream.says(answer)
    async with adapter.open_content("task-1", Variant.VIDEO) as content:
        assert isinstance(content, Outcome)
        assert content.kind is kind


async def test_there_are_no_thumbnails(upstream: Upstream, adapter: Runway) -> None:
    async with adapter.open_content("task-1", Variant.THUMBNAIL) as content:
        assert isinstance(content, Outcome)
        assert content.kind is Kind.MISSING
    assert not upstream.requests


@pytest.mark.parametrize("status", [204, 404])
async def test_cancel(upstream: Upstream, adapter: Runway, status: int) -> None:
    upstream.says(httpx.Response(status))

    assert (await adapter.cancel("task-1")).kind is Kind.ACCEPTED
    assert (upstream.last.method, upstream.last.url.path) == ("DELETE", "/v1/tasks/task-1")


async def test_no_prompt_and_no_key_in_logs(
    upstream: Upstream, adapter: Runway, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="dailies")
    upstream.says(httpx.Response(400, json={"error": "bad: a cat in the rain, the-key"}))
    outcome = await adapter.submit(SUBMISSION)

    told = str([vars(record) for record in caplog.records])
    assert "cat in the rain" not in f"{told}{outcome}"
    assert "the-key" not in told


def test_the_declaration_is_sound() -> None:
    assert PROVIDER.is_sound
    assert not PROVIDER.calls_back
