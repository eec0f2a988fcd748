"""Google Omni's interactions: what is sent, and what is made of the answers."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from dailies.providers.base import Submission
from dailies.providers.google_interaction import parse_interaction
from dailies.providers.outcomes import JobStatus, Kind
from dailies.video.basics import Operation, Size
from tests.unit.providers.conftest import Upstream
from tests.unit.providers.omni_wire import (
    CLOUD,
    DEVELOPER,
    IMAGE,
    LARGE,
    MODEL,
    PROMPT,
    SUBMISSION,
    VERTEX,
    adapter,
    completed,
    interaction,
    rpc,
    video,
)

# -- creates


async def test_a_create_for_developers(upstream: Upstream) -> None:
    upstream.says(httpx.Response(200, json=interaction()))

    outcome = await adapter(upstream).submit(SUBMISSION)

    assert outcome.kind is Kind.ACCEPTED
    assert outcome.job is not None
    assert (outcome.job.id, outcome.job.status) == ("v1_abc", JobStatus.RUNNING)
    assert outcome.job.created_at == 1_795_429_303
    assert str(upstream.last.url) == f"{DEVELOPER}/v1beta/interactions"
    assert upstream.last.headers["x-goog-api-key"] == "the-key"
    assert upstream.last.headers["api-revision"] == "2026-05-20"
    assert upstream.last_json == {
        "model": MODEL,
        "background": True,
        "store": True,
        "input": [{"type": "text", "text": PROMPT}],
        "response_format": {
            "type": "video",
            "aspect_ratio": "16:9",
            "resolution": "720p",
            "duration": "8s",
            "delivery": "uri",
        },
        "generation_config": {"video_config": {"task": "text_to_video"}},
    }


async def test_a_create_on_google_cloud(upstream: Upstream) -> None:
    upstream.says(httpx.Response(200, json=interaction()))

    await adapter(upstream, **CLOUD).submit(SUBMISSION)

    body: Any = upstream.last_json
    assert str(upstream.last.url) == (
        f"{VERTEX}/v1beta1/projects/studio-1/locations/global/interactions"
    )
    assert upstream.last.headers["authorization"] == "Bearer the-key"
    assert body["response_format"]["gcs_uri"] == "gs://dailies/videos/video_1/"
    assert body["labels"] == {"dailies_video": "video_1"}


@pytest.mark.parametrize(
    ("images", "task", "count"),
    [
        ({"reference": IMAGE}, "image_to_video", 1),
        ({"references": (IMAGE, IMAGE)}, "reference_to_video", 2),
        ({"reference": IMAGE, "references": (IMAGE,)}, "reference_to_video", 2),
    ],
)
async def test_images(upstream: Upstream, images: dict[str, Any], task: str, count: int) -> None:
    upstream.says(httpx.Response(200, json=interaction()))
    submission = Submission(MODEL, PROMPT, 5, Size(1080, 1920), seed=7, **images)

    await adapter(upstream).submit(submission)

    body: Any = upstream.last_json
    image = {"type": "image", "data": "iVBORw==", "mime_type": "image/png"}
    assert body["input"][1:] == [image] * count
    assert body["generation_config"] == {"video_config": {"task": task}, "seed": 7}
    shape = body["response_format"]
    assert (shape["aspect_ratio"], shape["resolution"], shape["duration"]) == (
        "9:16",
        "1080p",
        "5s",
    )


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"references": (LARGE, LARGE, LARGE)}, "images_too_large"),
        ({"operation": Operation.REMIX, "source_job_id": "v1_a"}, "unsupported_operation"),
    ],
)
async def test_what_it_can_not_do_is_not_sent(
    upstream: Upstream, fields: dict[str, Any], code: str
) -> None:
    given: dict[str, Any] = {"size": Size(1280, 720)} | fields

    outcome = await adapter(upstream).submit(Submission(MODEL, PROMPT, 8, **given))

    assert (outcome.kind, outcome.code) == (Kind.REFUSED, code)
    assert upstream.requests == []


@pytest.mark.parametrize(
    ("answer", "kind", "code"),
    [
        (
            rpc(
                429,
                "RESOURCE_EXHAUSTED",
                "You exceeded your current quota, please check your plan and billing details.",
                retryDelay="34s",
            ),
            Kind.THROTTLED,
            "rate_limit",
        ),
        (
            rpc(429, "RESOURCE_EXHAUSTED", "Your prepayment credits are depleted."),
            Kind.REFUSED,
            "no_credit",
        ),
        (
            rpc(429, "RESOURCE_EXHAUSTED", "Quota exceeded for metric: free_tier, limit: 0"),
            Kind.REFUSED,
            "no_credit",
        ),
        (
            rpc(403, "PERMISSION_DENIED", "This API method requires billing to be enabled."),
            Kind.REFUSED,
            "no_credit",
        ),
        (
            rpc(403, "PERMISSION_DENIED", "Disabled.", reason="BILLING_DISABLED"),
            Kind.REFUSED,
            "no_credit",
        ),
        (
            rpc(400, "INVALID_ARGUMENT", "API key not valid.", reason="API_KEY_INVALID"),
            Kind.UNAUTHORISED,
            "invalid_credential",
        ),
        (
            rpc(403, "PERMISSION_DENIED", "Permission 'aiplatform.endpoints.predict' denied"),
            Kind.UNAUTHORISED,
            "access_denied",
        ),
        (
            rpc(400, "INVALID_ARGUMENT", "The prompt violates our usage guidelines."),
            Kind.REFUSED,
            "moderation_blocked",
        ),
        (
            httpx.Response(
                400, json={"error": {"code": "invalid_request", "message": "duration is no string"}}
            ),
            Kind.REFUSED,
            "invalid_request",
        ),
        (
            rpc(400, "INVALID_ARGUMENT", "safety_settings is not supported."),
            Kind.REFUSED,
            "invalid_request",
        ),
        (
            rpc(404, "NOT_FOUND", "models/gemini-omni-0 is not found for API version v1beta"),
            Kind.REFUSED,
            "deployment_not_found",
        ),
        (
            rpc(404, "NOT_FOUND", "This model models/gemini-omni-0 is no longer available."),
            Kind.RETIRED,
            "model_retired",
        ),
        (rpc(503, "UNAVAILABLE", "The model is overloaded."), Kind.UNKNOWN, "unknown_outcome"),
        (rpc(500, "INTERNAL", "An internal error has occurred."), Kind.UNKNOWN, "unknown_outcome"),
        (httpx.Response(200, json={"status": "queued"}), Kind.UNKNOWN, "unknown_outcome"),
        (httpx.ReadTimeout("late"), Kind.UNKNOWN, "unknown_outcome"),
        (httpx.ConnectError("no"), Kind.TRANSIENT, "connection_failed"),
    ],
)
async def test_outcomes_of_a_create(
    upstream: Upstream, answer: httpx.Response | Exception, kind: Kind, code: str
) -> None:
    upstream.says(answer)

    outcome = await adapter(upstream).submit(SUBMISSION)

    assert (outcome.kind, outcome.code) == (kind, code)
    assert len(upstream.requests) == 1


async def test_a_pause_is_what_the_error_says(upstream: Upstream) -> None:
    upstream.says(rpc(429, "RESOURCE_EXHAUSTED", "Quota exceeded.", retryDelay="34.5s"))

    assert (await adapter(upstream).submit(SUBMISSION)).retry_after == 34.5


async def test_an_echo_of_the_prompt_is_not_told(upstream: Upstream) -> None:
    upstream.says(rpc(400, "INVALID_ARGUMENT", f"Can not draw '{PROMPT}'."))

    assert PROMPT not in repr(await adapter(upstream).submit(SUBMISSION))


# -- how a job is doing


@pytest.mark.parametrize(
    ("document", "status", "code"),
    [
        (interaction(status="queued"), JobStatus.QUEUED, None),
        (interaction(), JobStatus.RUNNING, None),
        (completed(video(uri="https://x/v1beta/files/a")), JobStatus.COMPLETED, None),
        (completed(video(data="AAAA")), JobStatus.COMPLETED, None),
        (
            interaction(status="completed", output_video={"uri": "gs://b/v.mp4"}),
            JobStatus.COMPLETED,
            None,
        ),
        (interaction(status="cancelled"), JobStatus.CANCELLED, "cancelled_upstream"),
        (interaction(status="incomplete"), JobStatus.FAILED, "incomplete"),
        (interaction(status="budget_exceeded"), JobStatus.FAILED, "no_credit"),
        (interaction(status="requires_action"), JobStatus.UNKNOWN, None),
        (interaction(status="dreaming"), JobStatus.UNKNOWN, None),
        (interaction(status=None), JobStatus.UNKNOWN, None),
        (interaction(status="failed"), JobStatus.FAILED, "generation_failed"),
        (
            interaction(status="failed", errors=[{"code": "https://x/e", "message": "broken"}]),
            JobStatus.FAILED,
            "generation_failed",
        ),
        (
            interaction(status="failed", errors=[{"message": "Blocked by the safety filters."}]),
            JobStatus.FAILED,
            "moderation_blocked",
        ),
        (
            interaction(
                status="failed",
                steps=[{"type": "model_output", "error": {"message": "PROHIBITED_CONTENT"}}],
            ),
            JobStatus.FAILED,
            "moderation_blocked",
        ),
        (
            completed({"type": "text", "text": "I can't, for safety reasons."}),
            JobStatus.FAILED,
            "moderation_blocked",
        ),
        (completed({"type": "text", "text": "I made a poem."}), JobStatus.FAILED, "no_video"),
        (completed(video()), JobStatus.FAILED, "no_video"),
        (interaction(status="completed"), JobStatus.FAILED, "no_video"),
        (interaction(status="completed", steps=[7, {"content": 7}]), JobStatus.FAILED, "no_video"),
    ],
)
async def test_statuses(
    upstream: Upstream, document: dict[str, object], status: JobStatus, code: str | None
) -> None:
    upstream.says(httpx.Response(200, json=document))

    outcome = await adapter(upstream).status("v1_abc")

    assert outcome.job is not None
    assert (outcome.job.status, outcome.job.error_code) == (status, code)
    assert str(upstream.last.url) == f"{DEVELOPER}/v1beta/interactions/v1_abc"


def test_what_a_model_says_is_not_told() -> None:
    job = parse_interaction(completed({"type": "text", "text": f"No: {PROMPT}, for safety."}))

    assert job is not None
    assert job.error_code == "moderation_blocked"
    assert PROMPT not in (job.error_message or "")


@pytest.mark.parametrize("document", [None, [], "x", {}, {"id": ""}, {"id": 7}])
def test_no_interaction(document: object) -> None:
    assert parse_interaction(document) is None


async def test_an_unknown_id_is_a_400(upstream: Upstream) -> None:
    upstream.says(rpc(400, "INVALID_ARGUMENT", "Interaction v1_x not found."))
    omni = adapter(upstream)

    seen, gone = await omni.status("v1_x"), await omni.cancel("v1_x")

    assert (seen.kind, seen.code, gone.kind) == (Kind.MISSING, "job_not_found", Kind.ACCEPTED)


async def test_another_400_says_nothing_of_the_job(upstream: Upstream) -> None:
    upstream.says(rpc(400, "FAILED_PRECONDITION", "User location is not supported."))

    assert (await adapter(upstream).status("v1_x")).kind is Kind.REFUSED


# -- cancels


async def test_a_cancel(upstream: Upstream) -> None:
    upstream.says(httpx.Response(200, json=interaction(status="cancelled")))

    outcome = await adapter(upstream).cancel("v1/abc")

    assert outcome.kind is Kind.ACCEPTED
    assert upstream.last.method == "POST"
    assert upstream.last.url.raw_path == b"/v1beta/interactions/v1%2Fabc/cancel"


@pytest.mark.parametrize(
    ("document", "kind", "methods"),
    [
        (completed(video(uri="gs://b/v")), Kind.ACCEPTED, ["POST", "GET", "DELETE"]),
        (interaction(), Kind.REFUSED, ["POST", "GET"]),
    ],
)
async def test_only_what_is_done_is_deleted(
    upstream: Upstream, document: dict[str, object], kind: Kind, methods: list[str]
) -> None:
    upstream.says(
        rpc(400, "FAILED_PRECONDITION", "Only a running interaction can be cancelled."),
        httpx.Response(200, json=document),
        httpx.Response(200, json={}),
    )

    outcome = await adapter(upstream).cancel("v1_abc")

    assert outcome.kind is kind
    assert [request.method for request in upstream.requests] == methods
