"""fal's queue on the wire: what is sent, and what a create is answered with."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from dailies.providers.base import CallsBack, Submission
from dailies.providers.fal import PROVIDER
from dailies.providers.fal.adapter import Fal, FalOptions
from dailies.providers.outcomes import JobStatus, Kind
from dailies.providers.registry import find_provider
from tests.unit.providers.conftest import Upstream
from tests.unit.providers.fal_wire import (
    ENDPOINT,
    FLAGGED,
    HD,
    ID,
    IMAGE,
    JOB,
    MODEL,
    QUEUED,
    REQUEST,
    SUBMISSION,
    VIDEO,
    fal,
)


def test_it_is_found_and_sound() -> None:
    assert find_provider("fal") is PROVIDER
    assert PROVIDER.is_sound
    assert issubclass(Fal, CallsBack)


async def test_a_request_is_queued_once_as_one_run(upstream: Upstream) -> None:
    upstream.says(httpx.Response(200, json=QUEUED))
    outcome = await fal(upstream).submit(SUBMISSION)
    assert outcome.kind is Kind.ACCEPTED
    assert outcome.job is not None
    assert (outcome.job.id, outcome.job.status) == (JOB, JobStatus.QUEUED)
    [sent] = upstream.requests
    assert (sent.method, str(sent.url)) == ("POST", f"{ENDPOINT}/{MODEL}")
    assert sent.headers["authorization"] == "Key id:secret"
    assert sent.headers["x-fal-no-retry"] == "1"
    assert {name for name in sent.headers if name.startswith("x-fal")} == {"x-fal-no-retry"}
    assert upstream.last_json == {
        "prompt": "A pier at night",
        "duration": "5",
        "aspect_ratio": "16:9",
        "resolution": "720p",
    }


async def test_options_are_headers(upstream: Upstream) -> None:
    upstream.says(httpx.Response(200, json=QUEUED))
    adapter = fal(upstream, reruns=True, start_timeout="600", file_seconds=86400, priority="low")
    await adapter.submit(SUBMISSION)
    sent = upstream.last.headers
    assert "x-fal-no-retry" not in sent
    assert sent["x-fal-request-timeout"] == "600.0"
    assert json.loads(sent["x-fal-object-lifecycle-preference"]) == {
        "expiration_duration_seconds": 86400
    }
    assert sent["x-fal-queue-priority"] == "low"


async def test_it_is_told_whom_to_call(upstream: Upstream) -> None:
    upstream.says(httpx.Response(200, json=QUEUED))
    address = "https://app.example/hooks/fal/video_1?key=a+b&c"
    await fal(upstream).submit(Submission(MODEL, "A pier", 5, HD, callback_url=address))
    assert dict(upstream.last.url.params) == {"fal_webhook": address}


@pytest.mark.parametrize(
    ("fields", "path", "inputs"),
    [
        ({"reference": IMAGE}, "image-to-video", {"start_image_url": IMAGE.data_url}),
        (
            {"reference": IMAGE, "last_frame": IMAGE},
            "first-last-frame-to-video",
            {
                "aspect_ratio": "16:9",
                "first_frame_url": IMAGE.data_url,
                "last_frame_url": IMAGE.data_url,
            },
        ),
        (
            {"references": (IMAGE,)},
            "reference-to-video",
            {"aspect_ratio": "16:9", "image_urls": [IMAGE.data_url]},
        ),
    ],
)
async def test_images_go_to_the_apps_endpoint_for_them(
    upstream: Upstream, fields: dict[str, Any], path: str, inputs: dict[str, object]
) -> None:
    upstream.says(httpx.Response(200, json=QUEUED))
    await fal(upstream).submit(Submission(MODEL, "A pier", 5, HD, **fields))
    assert str(upstream.last.url) == f"{ENDPOINT}/kling/v4/{path}"
    common = {"prompt": "A pier", "duration": "5", "resolution": "720p"}
    assert upstream.last_json == common | inputs


async def test_addresses_are_kept_as_they_are_told(upstream: Upstream) -> None:
    told = {
        "response_url": f"{ENDPOINT}/r/1?a=b",
        "status_url": f"{ENDPOINT}/s/1",
        "cancel_url": f"{ENDPOINT}/c/1",
    }
    upstream.says(httpx.Response(200, json=QUEUED | told))
    adapter = fal(upstream)
    outcome = await adapter.submit(SUBMISSION)
    assert outcome.job is not None
    upstream.says(
        httpx.Response(200, json={"status": "COMPLETED"}), httpx.Response(200, json=VIDEO)
    )
    done = await adapter.status(outcome.job.id)
    assert done.job is not None
    assert (done.job.id, done.job.status) == (outcome.job.id, JobStatus.COMPLETED)
    upstream.says(httpx.Response(202, json={"status": "CANCELLATION_REQUESTED"}))
    await adapter.cancel(outcome.job.id)
    asked = [(request.method, str(request.url)) for request in upstream.requests[1:]]
    assert asked == [
        ("GET", told["status_url"]),
        ("GET", told["response_url"]),
        ("PUT", told["cancel_url"]),
    ]


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://queue.fal.run.evil.example/kling/v4",
        "https://evil.example/status",
        "http://queue.fal.run/kling/v4",
        "https://user@queue.fal.run/kling/v4",
        "//evil.example/",
        "https://queue.fal.run/a b",
        "https://queue.fal.run/a|b",
        7,
        None,
    ],
)
async def test_the_key_goes_nowhere_else(upstream: Upstream, elsewhere: object) -> None:
    names = ("response_url", "status_url", "cancel_url")
    upstream.says(httpx.Response(200, json=QUEUED | dict.fromkeys(names, elsewhere)))
    outcome = await fal(upstream).submit(SUBMISSION)
    # what was paid for is not lost: fal's own client would ask there, too
    assert outcome.job is not None
    assert outcome.job.id == JOB
    upstream.says(httpx.Response(202, json=QUEUED))
    await fal(upstream).status(outcome.job.id)
    assert str(upstream.last.url) == f"{REQUEST}/status"


@pytest.mark.parametrize("job_id", ["https://evil.example/x", "//evil.example/x", "@evil.example/"])
async def test_no_id_leads_elsewhere(upstream: Upstream, job_id: str) -> None:
    upstream.says(httpx.Response(404, json={"detail": "Request not found"}))
    await fal(upstream).status(job_id)
    assert upstream.last.url.host == "queue.fal.run"


async def test_the_bare_id_of_a_request_will_do(upstream: Upstream) -> None:
    upstream.says(httpx.Response(202, json=QUEUED))
    await fal(upstream).status(ID)
    assert str(upstream.last.url) == f"{REQUEST}/status"
    await fal(upstream, model="comfy/team/flow/run").status(ID)
    assert str(upstream.last.url) == f"{ENDPOINT}/comfy/team/flow/requests/{ID}/status"


@pytest.mark.parametrize(
    ("status", "body", "kind", "code"),
    [
        (401, {"detail": "Authentication is required"}, Kind.UNAUTHORISED, "invalid_credential"),
        (403, {"detail": "Access denied"}, Kind.UNAUTHORISED, "access_denied"),
        (
            403,
            {
                "detail": "User is locked. Reason: Exhausted balance. Top up your balance at "
                "fal.ai/dashboard/billing."
            },
            Kind.REFUSED,
            "no_credit",
        ),
        (403, {"detail": "User is locked. Reason: TOP_UP."}, Kind.REFUSED, "no_credit"),
        (402, {"detail": "Payment required"}, Kind.REFUSED, "no_credit"),
        (
            403,
            {"detail": "User is locked. Reason: Admin lock. Please contact support@fal.ai."},
            Kind.UNAUTHORISED,
            "account_locked",
        ),
        (404, {"detail": "Application 'v4' not found"}, Kind.REFUSED, "deployment_not_found"),
        (422, {"detail": [FLAGGED]}, Kind.REFUSED, "moderation_blocked"),
        (
            422,
            {"detail": [{"loc": ["body", "duration"], "msg": "no", "type": "literal_error"}]},
            Kind.REFUSED,
            "literal_error",
        ),
        (429, {"detail": "Too many concurrent requests"}, Kind.THROTTLED, "concurrency_limit"),
        (429, {"detail": "Slow down"}, Kind.THROTTLED, "rate_limit"),
        (410, {"detail": "This endpoint is gone"}, Kind.RETIRED, "model_retired"),
        (
            400,
            {"detail": "Invalid timeout", "error_type": "bad_request"},
            Kind.REFUSED,
            "bad_request",
        ),
        (
            499,
            {"detail": "x", "error_type": "client_disconnected"},
            Kind.UNKNOWN,
            "unknown_outcome",
        ),
        (500, {"detail": "x", "error_type": "internal_error"}, Kind.UNKNOWN, "unknown_outcome"),
        (503, None, Kind.UNKNOWN, "unknown_outcome"),
        (504, None, Kind.UNKNOWN, "unknown_outcome"),
        (200, {"status": "IN_QUEUE"}, Kind.UNKNOWN, "unknown_outcome"),
    ],
)
async def test_answers_to_a_create(
    upstream: Upstream, status: int, body: object, kind: Kind, code: str
) -> None:
    upstream.says(httpx.Response(status, json=body))
    outcome = await fal(upstream).submit(SUBMISSION)
    assert (outcome.kind, outcome.code) == (kind, code)
    assert len(upstream.requests) == 1
    assert "A pier at night" not in f"{outcome.message} {outcome.detail}"


async def test_a_refusal_tells_why_and_where(upstream: Upstream) -> None:
    upstream.says(httpx.Response(422, json={"detail": [FLAGGED]}))
    outcome = await fal(upstream).submit(SUBMISSION)
    assert "(model-moderated, violence)" in (outcome.message or "")
    assert outcome.param == "prompt"


async def test_an_operator_is_told_what_helps(upstream: Upstream) -> None:
    upstream.says(
        httpx.Response(403, json={"detail": "User is locked. Reason: Exhausted balance."})
    )
    outcome = await fal(upstream).submit(SUBMISSION)
    assert outcome.message == "This service has no credit left at the provider."
    assert "fal.ai/dashboard/billing" in (outcome.remedy or "")


async def test_a_lost_answer_is_unknown(upstream: Upstream) -> None:
    upstream.says(httpx.ReadTimeout("late"))
    outcome = await fal(upstream).submit(SUBMISSION)
    assert outcome.kind is Kind.UNKNOWN
    assert len(upstream.requests) == 1


# -- the catalogue's options


@pytest.mark.parametrize(
    "wrong", [{"priority": "high"}, {"with_image": {}}, {"start_timeout": 0}, {"more": 1}]
)
def test_wrong_options_are_told(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        FalOptions.model_validate(wrong)
