"""xAI's adapter on the wire: what it sends, and what it makes of the answers."""

from __future__ import annotations

import logging
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from dailies.catalogue import Catalogue
from dailies.net.downloads import Downloads
from dailies.providers.base import Content, Reference, Submission
from dailies.providers.classify import CallContext
from dailies.providers.key_auth import BearerKeyAuth
from dailies.providers.outcomes import JobStatus, Kind, Outcome
from dailies.providers.registry import check_deployment
from dailies.providers.shapes import aspect_ratio, resolution
from dailies.providers.wire import Wire
from dailies.providers.xai import PROVIDER, Xai, XaiOptions
from dailies.video.basics import Size, Variant
from tests.unit.inputs.pictures import box
from tests.unit.providers.conftest import Upstream

API = "https://api.x.ai/v1"
LINK = "https://vidgen.x.ai/xai-vidgen-bucket/xai-video-1.mp4"
MODEL = "grok-imagine-video-1.5"
HD = Size(1280, 720)
IMAGE = Reference(b"png", "image/png", HD)
SUBMISSION = Submission(MODEL, "A pier at dawn", 6, HD, video_id="video_1")
SHIPPED = Path(__file__).parents[3] / "models.yaml"
MP4 = box(b"ftyp", b"isom") + box(b"mdat", bytes(500))
DONE: dict[str, object] = {
    "status": "done",
    "progress": 100,
    "model": MODEL,
    "video": {"url": LINK, "duration": 6, "respect_moderation": True},
    "usage": {"cost_in_usd_ticks": 8_400_000_000},
}


def adapter(upstream: Upstream, options: XaiOptions | None = None) -> Xai:
    about = CallContext(
        "api.x.ai",
        MODEL,
        answers=PROVIDER.answers,
        remedies={help_.code: help_.remedy for help_ in PROVIDER.helps},
    )
    return Xai(
        Wire(
            upstream.client,
            BearerKeyAuth(SecretStr("the-key")),
            about,
            url=API,
            options=options or XaiOptions(),
            downloads=Downloads(("api.x.ai", *PROVIDER.hosts), transport=upstream.transport),
        )
    )


def created() -> httpx.Response:
    return httpx.Response(200, json={"request_id": "d97415a1"})


def says(http_status: int, **body: object) -> httpx.Response:
    return httpx.Response(http_status, json=body)


# -- submit


async def test_a_create_names_its_model_length_and_shape_and_bears_our_mark(
    upstream: Upstream,
) -> None:
    upstream.says(created())
    outcome = await adapter(upstream).submit(SUBMISSION)

    assert outcome.kind is Kind.ACCEPTED
    assert outcome.job is not None
    assert (outcome.job.id, outcome.job.status) == ("d97415a1", JobStatus.QUEUED)
    assert (upstream.last.method, str(upstream.last.url)) == ("POST", f"{API}/videos/generations")
    assert upstream.last.headers["authorization"] == "Bearer the-key"
    assert upstream.last_json == {
        "model": MODEL,
        "prompt": "A pier at dawn",
        "duration": 6,
        "aspect_ratio": "16:9",
        "resolution": "720p",
        "user": "video_1",
        "storage_options": {"filename": "video_1.mp4", "expires_after": 86_400},
    }


async def test_images_sound_and_its_own_options_go_in_its_own_words(upstream: Upstream) -> None:
    upstream.says(created())
    frames = [{"image": {"url": "https://a/b.png"}, "timestamp_s": 2}]
    await adapter(upstream, XaiOptions(keep_copy=False)).submit(
        Submission(
            MODEL,
            "A pier",
            5,
            Size(480, 848),
            video_id="video_1",
            reference=IMAGE,
            last_frame=IMAGE,
            references=(IMAGE, IMAGE),
            sound=False,
            options={"keyframes": frames},
        )
    )
    image = {"url": IMAGE.data_url}
    assert upstream.last_json == {
        "model": MODEL,
        "prompt": "A pier",
        "duration": 5,
        "aspect_ratio": "9:16",
        "resolution": "480p",
        "image": image,
        "last_frame": image,
        "reference_images": [image, image],
        "generate_audio": False,
        "user": "video_1",
        "keyframes": frames,
    }


@pytest.mark.parametrize(
    ("answer", "kind", "code"),
    [
        # out of funds, as accounts of each kind are told
        (says(402, error="Payment required"), Kind.REFUSED, "no_credit"),
        (
            says(
                403,
                code="permission-denied",
                error="Your newly created team doesn't have any credits or licenses yet.",
            ),
            Kind.REFUSED,
            "no_credit",
        ),
        (
            says(403, code="personal-team-blocked:spending-limit", error="You have run out."),
            Kind.REFUSED,
            "no_credit",
        ),
        (
            says(
                429,
                error="Your team 1 has either used all available credits or reached its monthly "
                "spending limit.",
            ),
            Kind.REFUSED,
            "no_credit",
        ),
        # who we are
        (
            says(
                400,
                code="Client specified an invalid argument",
                error="Incorrect API key provided: xa***gA.",
            ),
            Kind.UNAUTHORISED,
            "invalid_credential",
        ),
        (
            says(401, code="unauthenticated:no-credentials", error="No credentials provided"),
            Kind.UNAUTHORISED,
            "invalid_credential",
        ),
        (says(403, code="permission-denied", error="Blocked."), Kind.UNAUTHORISED, "access_denied"),
        (
            says(
                400,
                code="invalid-argument",
                error="Zero Data Retention teams must provide output.upload_url for video "
                "generation.",
            ),
            Kind.UNAUTHORISED,
            "zero_data_retention",
        ),
        # what is asked for
        (
            says(400, code="invalid_argument", error="Rejected by content moderation."),
            Kind.REFUSED,
            "moderation_blocked",
        ),
        (
            says(403, error="Content violates usage guidelines. Failed check: SAFETY_CHECK_TYPE"),
            Kind.REFUSED,
            "moderation_blocked",
        ),
        (
            says(404, code="not-found", error="The model grok-9 does not exist or your team …"),
            Kind.REFUSED,
            "deployment_not_found",
        ),
        (
            says(
                400, code="invalid_argument", error="`last_frame` is not supported for this model"
            ),
            Kind.REFUSED,
            "invalid_argument",
        ),
        (
            says(422, error="Failed to deserialize the JSON body into the target type: duration"),
            Kind.REFUSED,
            "invalid_request",
        ),
        # how much
        (
            says(429, code="resource-exhausted", error="Too many requests"),
            Kind.THROTTLED,
            "rate_limit",
        ),
        # never pay twice: an answer of a gateway says nothing of the job
        (says(503, error="Service temporarily unavailable."), Kind.UNKNOWN, "unknown_outcome"),
        (says(500, code=500, error="internal server error"), Kind.UNKNOWN, "unknown_outcome"),
        (httpx.Response(200, json={}), Kind.UNKNOWN, "unknown_outcome"),
        (httpx.Response(200, content=b"<html>"), Kind.UNKNOWN, "unknown_outcome"),
    ],
)
async def test_what_each_answer_to_a_create_means(
    upstream: Upstream, answer: httpx.Response, kind: Kind, code: str
) -> None:
    upstream.says(answer)
    outcome = await adapter(upstream).submit(SUBMISSION)

    assert (outcome.kind, outcome.code) == (kind, code)
    assert len(upstream.requests) == 1


async def test_a_create_whose_answer_is_lost_is_not_sent_again(upstream: Upstream) -> None:
    upstream.says(httpx.ReadTimeout("slow"))
    outcome = await adapter(upstream).submit(SUBMISSION)

    assert outcome.kind is Kind.UNKNOWN
    assert len(upstream.requests) == 1


async def test_who_is_out_of_funds_tells_the_operator_how_to_mend_it(upstream: Upstream) -> None:
    upstream.says(says(402, error="Payment required"))
    outcome = await adapter(upstream).submit(SUBMISSION)

    assert outcome.message == "This service has no credit left at the provider."
    assert outcome.remedy is not None
    assert "console.x.ai" in outcome.remedy


# -- status


@pytest.mark.parametrize(
    ("answer", "status", "progress"),
    [
        (httpx.Response(202), JobStatus.RUNNING, 0),
        (says(202, status="pending", progress=12), JobStatus.RUNNING, 12),
        (says(200, status="pending", model=MODEL), JobStatus.RUNNING, 0),
        (says(200, status="thinking"), JobStatus.UNKNOWN, 0),
        (httpx.Response(200, json=DONE), JobStatus.COMPLETED, 100),
        (says(200, video={"url": LINK}), JobStatus.COMPLETED, 100),
        (says(200, status="expired"), JobStatus.EXPIRED, 0),
    ],
)
async def test_how_a_job_is_doing(
    upstream: Upstream, answer: httpx.Response, status: JobStatus, progress: int
) -> None:
    upstream.says(answer)
    outcome = await adapter(upstream).status("d97415a1")

    assert outcome.kind is Kind.ACCEPTED
    assert outcome.job is not None
    assert (outcome.job.id, outcome.job.status) == ("d97415a1", status)
    assert outcome.job.progress == progress
    assert str(upstream.last.url) == f"{API}/videos/d97415a1"


@pytest.mark.parametrize(
    ("document", "code", "cost"),
    [
        (
            DONE | {"video": {"duration": 6, "respect_moderation": False, "url": ""}},
            "moderation_blocked",
            0.84,
        ),
        (DONE | {"video": {"respect_moderation": False, "url": LINK}}, "moderation_blocked", 0.84),
        ({"status": "done", "video": {"duration": 6, "url": ""}}, "no_video", None),
        ({"status": "done"}, "no_video", None),
        (
            {
                "status": "failed",
                "error": {"code": "invalid_argument", "message": "Blocked by content moderation."},
            },
            "moderation_blocked",
            None,
        ),
        (
            {
                "status": "failed",
                "error": {
                    "code": "permission_denied",
                    "message": "Content violates usage guidelines.",
                },
                "usage": {"cost_in_usd_ticks": "500000000"},
            },
            "moderation_blocked",
            0.05,
        ),
        (
            {"status": "failed", "error": {"code": "internal_error", "message": "It broke."}},
            "internal_error",
            None,
        ),
        ({"status": "failed", "error": "odd"}, "generation_failed", None),
        ({"status": "failed", "usage": {"cost_in_usd_ticks": -1}}, "generation_failed", None),
    ],
)
async def test_a_job_without_a_video_has_failed_and_may_cost(
    upstream: Upstream, document: dict[str, object], code: str, cost: float | None
) -> None:
    upstream.says(httpx.Response(200, json=document))
    outcome = await adapter(upstream).status("d97415a1")

    assert outcome.job is not None
    assert (outcome.job.status, outcome.job.error_code) == (JobStatus.FAILED, code)
    assert outcome.job.error_message
    assert outcome.job.cost_usd == cost


async def test_what_a_job_costs_is_told_in_ticks(upstream: Upstream) -> None:
    upstream.says(httpx.Response(200, json=DONE))
    outcome = await adapter(upstream).status("d97415a1")

    assert outcome.job is not None
    assert outcome.job.cost_usd == 0.84


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (says(404, code="not-found", error="Deferred request not found"), Kind.MISSING),
        (says(503, error="busy"), Kind.TRANSIENT),
        (says(429, error="Too many requests"), Kind.THROTTLED),
        (httpx.Response(200, content=b"<html>"), Kind.TRANSIENT),
        (httpx.Response(200), Kind.TRANSIENT),
        (httpx.ConnectError("no"), Kind.TRANSIENT),
    ],
)
async def test_a_look_that_fails_says_why(
    upstream: Upstream, answer: httpx.Response | Exception, kind: Kind
) -> None:
    upstream.says(answer)
    assert (await adapter(upstream).status("d97415a1")).kind is kind


# -- files


async def test_the_video_is_fetched_by_its_link_without_the_key(upstream: Upstream) -> None:
    video = httpx.Response(200, content=MP4, headers={"content-type": "video/mp4"})
    upstream.says(httpx.Response(200, json=DONE), video)
    async with adapter(upstream).open_content("d97415a1", Variant.VIDEO) as content:
        assert isinstance(content, Content)
        data = b"".join([chunk async for chunk in content.chunks])

    assert data == MP4
    assert str(upstream.last.url) == LINK
    assert "authorization" not in upstream.last.headers


@pytest.mark.parametrize(
    ("document", "variant", "code"),
    [
        (DONE, Variant.THUMBNAIL, "variant_unavailable"),
        ({"status": "failed"}, Variant.VIDEO, "content_not_found"),
        (
            DONE | {"video": {"url": "https://elsewhere.example/a.mp4"}},
            Variant.VIDEO,
            "untrusted_link",
        ),
        (
            DONE | {"video": {"url": LINK, "respect_moderation": False}},
            Variant.VIDEO,
            "content_not_found",
        ),
    ],
)
async def test_where_there_is_no_file_to_be_had_it_says_why(
    upstream: Upstream, document: dict[str, object], variant: Variant, code: str
) -> None:
    upstream.says(httpx.Response(200, json=document))
    async with adapter(upstream).open_content("d97415a1", variant) as content:
        assert isinstance(content, Outcome)
        assert content.code == code
    assert len(upstream.requests) <= 1


# -- cancel


async def test_a_job_can_not_be_stopped_and_nothing_pretends_so(upstream: Upstream) -> None:
    outcome = await adapter(upstream).cancel("d97415a1")

    assert (outcome.kind, outcome.code) == (Kind.REFUSED, "not_cancellable")
    assert upstream.requests == []


# -- what it is


def test_it_takes_a_key_and_can_not_look_for_lost_jobs() -> None:
    assert PROVIDER.is_sound
    assert not PROVIDER.calls_back
    assert (PROVIDER.key_auth, PROVIDER.token_scope) == (BearerKeyAuth, None)


async def test_neither_prompt_nor_key_nor_link_is_logged(
    upstream: Upstream, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    upstream.says(says(400, code="invalid_argument", error="No: A pier at dawn, the-key"))
    refused = await adapter(upstream).submit(SUBMISSION)
    upstream.says(httpx.Response(200, json=DONE))
    await adapter(upstream).status("d97415a1")

    told = "\n".join([*(str(vars(record)) for record in caplog.records), refused.message or ""])
    assert "pier at dawn" not in told
    assert "vidgen" not in told


def test_its_models_are_offered_once_there_is_a_key_in_sizes_that_it_has() -> None:
    offered = Catalogue.load(SHIPPED, {"XAI_API_KEY": "a-key"}, check=check_deployment())

    assert sorted(offered.models) == ["grok-imagine-video-1.5", "grok-imagine-video-1.5-lite"]
    for model in offered.models.values():
        for deployment in model.deployments:
            shapes = {(aspect_ratio(size), resolution(size)) for size in deployment.sizes}
            assert len(shapes) == len(deployment.sizes)
            assert {ratio for ratio, _ in shapes} == {"16:9", "9:16"}
