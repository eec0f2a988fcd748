"""Luma's adapter on the wire: what it sends, and what it makes of the answers."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from dailies.catalogue import Catalogue
from dailies.net.downloads import Downloads
from dailies.providers.base import Content, Reference, Submission
from dailies.providers.classify import CallContext
from dailies.providers.key_auth import BearerKeyAuth
from dailies.providers.luma import PROVIDER, Luma
from dailies.providers.outcomes import JobStatus, Kind, Outcome
from dailies.providers.registry import check_deployment
from dailies.providers.shapes import aspect_ratio, resolution
from dailies.providers.wire import Wire
from dailies.video.basics import Size, Variant
from tests.unit.inputs.pictures import box
from tests.unit.providers.conftest import Upstream

API = "https://agents.lumalabs.ai/v1"
LINK = "https://luma-outputs.s3.us-west-2.amazonaws.com/d290/output.mp4?X-Amz-Expires=3600"
HD = Size(1280, 720)
PNG = Reference(b"png", "image/png", HD)
JPEG = Reference(b"jpeg", "image/jpeg", HD)
SUBMISSION = Submission("ray-3.2", "A pier at dawn", 5, HD, video_id="video_1")
SHIPPED = Path(__file__).parents[3] / "models.yaml"
MP4 = box(b"ftyp", b"isom") + box(b"mdat", bytes(500))


def generation(**fields: object) -> dict[str, object]:
    """A generation as Luma sends it."""
    return {
        "id": "d290f1ee",
        "type": "video",
        "state": "queued",
        "model": "ray-3.2",
        "created_at": "2026-04-08T12:00:00Z",
        "output": [],
        "failure_reason": None,
        "failure_code": None,
    } | fields


DONE = generation(state="completed", output=[{"type": "video", "url": LINK}])


def adapter(upstream: Upstream) -> Luma:
    about = CallContext(
        "agents.lumalabs.ai",
        "ray-3.2",
        answers=PROVIDER.answers,
        remedies={help_.code: help_.remedy for help_ in PROVIDER.helps},
    )
    downloads = Downloads(("agents.lumalabs.ai", *PROVIDER.hosts), transport=upstream.transport)
    auth = BearerKeyAuth(SecretStr("luma-api-key"))
    return Luma(Wire(upstream.client, auth, about, url=API, downloads=downloads))


# -- submit


async def test_a_create_names_its_length_and_shape_and_bears_our_mark(upstream: Upstream) -> None:
    upstream.says(httpx.Response(201, json=generation()))
    outcome = await adapter(upstream).submit(SUBMISSION)

    assert outcome.kind is Kind.ACCEPTED
    assert outcome.job is not None
    assert (outcome.job.id, outcome.job.status) == ("d290f1ee", JobStatus.QUEUED)
    assert outcome.job.created_at == 1_775_649_600
    assert (upstream.last.method, str(upstream.last.url)) == ("POST", f"{API}/generations")
    assert upstream.last.headers["authorization"] == "Bearer luma-api-key"
    assert upstream.last_json == {
        "type": "video",
        "model": "ray-3.2",
        "prompt": "A pier at dawn",
        "aspect_ratio": "16:9",
        "video": {"duration": "5s", "resolution": "720p"},
        "user_id": "video_1",
    }


@pytest.mark.parametrize(
    ("seconds", "first", "last", "frames"),
    [
        (5, PNG, None, {"start_frame": {"data": "cG5n", "media_type": "image/png"}}),
        (
            5,
            PNG,
            JPEG,
            {
                "start_frame": {"data": "cG5n", "media_type": "image/png"},
                "end_frame": {"data": "anBlZw==", "media_type": "image/jpeg"},
            },
        ),
        # a start and an end frame are for five seconds only
        (
            10,
            PNG,
            JPEG,
            {
                "keyframes": [
                    {"data": "cG5n", "media_type": "image/png"},
                    {"data": "anBlZw==", "media_type": "image/jpeg"},
                ],
                "keyframe_indexes": [0, 240],
            },
        ),
        (
            10,
            None,
            JPEG,
            {
                "keyframes": [{"data": "anBlZw==", "media_type": "image/jpeg"}],
                "keyframe_indexes": [240],
            },
        ),
        (10, None, None, {}),
    ],
)
async def test_frames_are_pinned_as_a_video_of_that_length_takes_them(
    upstream: Upstream,
    seconds: int,
    first: Reference | None,
    last: Reference | None,
    frames: dict[str, object],
) -> None:
    upstream.says(httpx.Response(201, json=generation()))
    asked = replace(SUBMISSION, seconds=seconds, size=Size(540, 960))
    await adapter(upstream).submit(replace(asked, reference=first, last_frame=last))

    body = upstream.last_json
    assert isinstance(body, dict)
    assert body["aspect_ratio"] == "9:16"
    assert body["video"] == {"duration": f"{seconds}s", "resolution": "540p", **frames}


async def test_only_what_costs_the_same_can_be_asked_for_besides(upstream: Upstream) -> None:
    upstream.says(httpx.Response(201, json=generation()))
    await adapter(upstream).submit(replace(SUBMISSION, options={"loop": True}))
    body = upstream.last_json
    assert isinstance(body, dict)
    assert body["video"] == {"duration": "5s", "resolution": "720p", "loop": True}


@pytest.mark.parametrize(
    ("status", "detail", "kind", "code"),
    [
        (402, "Insufficient credits. Please add credits.", Kind.REFUSED, "no_credit"),
        (401, "API key has been revoked", Kind.UNAUTHORISED, "invalid_credential"),
        (403, "API client is suspended", Kind.UNAUTHORISED, "access_denied"),
        (400, "Unknown model: ray-9", Kind.REFUSED, "deployment_not_found"),
        (400, "Invalid aspect_ratio '5:4'. Valid: 1:1", Kind.REFUSED, "invalid_request"),
        (413, "Image exceeds 50 MB size limit", Kind.REFUSED, "invalid_request"),
        (422, "video.start_frame: invalid base64 data", Kind.REFUSED, "invalid_request"),
        (422, "Image flagged by moderation", Kind.REFUSED, "moderation_blocked"),
        (429, "Rate limit exceeded", Kind.THROTTLED, "rate_limit"),
        (429, "Too many concurrent jobs", Kind.THROTTLED, "concurrency_limit"),
        # never pay twice: that something behind it is down says nothing of the job
        (502, "Upstream service unavailable", Kind.UNKNOWN, "unknown_outcome"),
        (503, "Service unavailable", Kind.UNKNOWN, "unknown_outcome"),
        (201, "not a generation", Kind.UNKNOWN, "unknown_outcome"),
    ],
)
async def test_what_each_answer_to_a_create_means(
    upstream: Upstream, status: int, detail: str, kind: Kind, code: str
) -> None:
    headers = {"Retry-After": "60", "X-Request-Id": "550e8400"}
    upstream.says(httpx.Response(status, json={"detail": detail}, headers=headers))
    outcome = await adapter(upstream).submit(SUBMISSION)

    assert (outcome.kind, outcome.code) == (kind, code)
    assert (outcome.retry_after, outcome.request_id) == (60, "550e8400")
    assert len(upstream.requests) == 1


async def test_a_create_whose_answer_is_lost_is_not_sent_again(upstream: Upstream) -> None:
    upstream.says(httpx.ReadError("cut"))
    outcome = await adapter(upstream).submit(SUBMISSION)

    assert outcome.kind is Kind.UNKNOWN
    assert len(upstream.requests) == 1


# -- status


@pytest.mark.parametrize(
    ("state", "status"),
    [
        ("queued", JobStatus.QUEUED),
        ("processing", JobStatus.RUNNING),
        ("dreaming", JobStatus.UNKNOWN),
        (None, JobStatus.UNKNOWN),
    ],
)
async def test_how_a_job_is_doing(upstream: Upstream, state: str | None, status: JobStatus) -> None:
    upstream.says(httpx.Response(200, json=generation(state=state, id="another")))
    outcome = await adapter(upstream).status("d290f1ee")

    assert outcome.kind is Kind.ACCEPTED
    assert outcome.job is not None
    assert (outcome.job.id, outcome.job.status) == ("d290f1ee", status)
    assert str(upstream.last.url) == f"{API}/generations/d290f1ee"


async def test_a_job_with_a_video_is_done(upstream: Upstream) -> None:
    upstream.says(httpx.Response(200, json=DONE))
    outcome = await adapter(upstream).status("d290f1ee")

    assert outcome.job is not None
    assert (outcome.job.status, outcome.job.progress) == (JobStatus.COMPLETED, 100)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"state": "completed", "output": []}, "no_video"),
        ({"state": "completed", "output": [{"type": "image", "url": LINK}]}, "no_video"),
        ({"state": "completed", "output": [{"type": "video", "url": ""}]}, "no_video"),
        ({"state": "completed", "output": "odd"}, "no_video"),
        (
            {
                "state": "failed",
                "failure_code": "content_moderated",
                "failure_reason": "Generation output was flagged.",
            },
            "moderation_blocked",
        ),
        (
            {
                "state": "failed",
                "failure_code": "budget_exhausted",
                "failure_reason": "Insufficient credits to complete this generation.",
            },
            "no_credit",
        ),
        (
            {"state": "failed", "failure_code": "generation_failed", "failure_reason": "It broke."},
            "generation_failed",
        ),
        ({"state": "failed", "failure_code": "corrupt_input"}, "corrupt_input"),
        ({"state": "failed"}, "generation_failed"),
    ],
)
async def test_a_job_without_a_video_has_failed(
    upstream: Upstream, fields: dict[str, object], code: str
) -> None:
    upstream.says(httpx.Response(200, json=generation(**fields)))
    outcome = await adapter(upstream).status("d290f1ee")

    assert outcome.job is not None
    assert (outcome.job.status, outcome.job.error_code) == (JobStatus.FAILED, code)
    assert outcome.job.error_message


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (httpx.Response(404, json={"detail": "Generation not found"}), Kind.MISSING),
        (httpx.Response(502, json={"detail": "Upstream service unavailable"}), Kind.TRANSIENT),
        (httpx.Response(200, json=["odd"]), Kind.TRANSIENT),
        (httpx.ConnectError("no"), Kind.TRANSIENT),
    ],
)
async def test_a_look_that_fails_says_why(
    upstream: Upstream, answer: httpx.Response | Exception, kind: Kind
) -> None:
    upstream.says(answer)
    assert (await adapter(upstream).status("d290f1ee")).kind is kind


# -- files


async def test_the_video_is_fetched_by_a_fresh_link_without_the_key(upstream: Upstream) -> None:
    files = [
        {"type": "exr", "url": "https://x.amazonaws.com/a.zip"},
        {"type": "video", "url": LINK},
    ]
    upstream.says(
        httpx.Response(200, json=generation(state="completed", output=files)),
        httpx.Response(200, content=MP4, headers={"content-type": "video/mp4"}),
    )
    async with adapter(upstream).open_content("d290f1ee", Variant.VIDEO) as content:
        assert isinstance(content, Content)
        data = b"".join([chunk async for chunk in content.chunks])

    assert data == MP4
    assert [request.url.host for request in upstream.requests] == [
        "agents.lumalabs.ai",
        "luma-outputs.s3.us-west-2.amazonaws.com",
    ]
    assert "authorization" not in upstream.last.headers


@pytest.mark.parametrize(
    ("document", "variant", "code"),
    [
        (DONE, Variant.SPRITESHEET, "variant_unavailable"),
        (generation(state="failed"), Variant.VIDEO, "content_not_found"),
        (
            generation(
                state="completed", output=[{"type": "video", "url": "https://elsewhere.example/a"}]
            ),
            Variant.VIDEO,
            "untrusted_link",
        ),
    ],
)
async def test_where_there_is_no_file_to_be_had_it_says_why(
    upstream: Upstream, document: dict[str, object], variant: Variant, code: str
) -> None:
    upstream.says(httpx.Response(200, json=document))
    async with adapter(upstream).open_content("d290f1ee", variant) as content:
        assert isinstance(content, Outcome)
        assert content.code == code
    assert len(upstream.requests) <= 1


# -- cancel


async def test_a_job_can_not_be_stopped_and_nothing_pretends_so(upstream: Upstream) -> None:
    outcome = await adapter(upstream).cancel("d290f1ee")

    assert (outcome.kind, outcome.code) == (Kind.REFUSED, "not_cancellable")
    assert upstream.requests == []


# -- what it is


def test_it_takes_a_key_and_can_not_look_for_lost_jobs() -> None:
    assert PROVIDER.is_sound
    assert not PROVIDER.calls_back
    assert (PROVIDER.key_auth, PROVIDER.token_scope) == (BearerKeyAuth, None)


async def test_neither_prompt_nor_link_is_logged(
    upstream: Upstream, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    upstream.says(httpx.Response(400, json={"detail": "No: A pier at dawn"}))
    refused = await adapter(upstream).submit(SUBMISSION)
    upstream.says(httpx.Response(200, json=DONE))
    await adapter(upstream).status("d290f1ee")

    told = "\n".join([*(str(vars(record)) for record in caplog.records), refused.message or ""])
    assert "pier at dawn" not in told
    assert "amazonaws" not in told


def test_its_models_are_offered_once_there_is_a_key_in_sizes_that_it_has() -> None:
    offered = Catalogue.load(SHIPPED, {"LUMA_API_KEY": "a-key"}, check=check_deployment())

    assert sorted(offered.models) == ["ray-3.2"]
    for model in offered.models.values():
        for deployment in model.deployments:
            shapes = {(aspect_ratio(size), resolution(size)) for size in deployment.sizes}
            assert len(shapes) == len(deployment.sizes)
            assert {ratio for ratio, _ in shapes} == {"16:9", "9:16"}
