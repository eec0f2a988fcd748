"""fal's queue on the wire: how a request is doing, its file, and its end."""

from __future__ import annotations

import httpx
import pytest

from dailies.providers.outcomes import JobStatus, Kind, Outcome
from dailies.video.basics import Variant
from tests.unit.providers.conftest import Upstream
from tests.unit.providers.fal_wire import (
    FLAGGED,
    JOB,
    QUEUED,
    REQUEST,
    VIDEO,
    fal,
    read,
)


@pytest.mark.parametrize(
    ("status", "body", "word"),
    [
        (202, QUEUED, JobStatus.QUEUED),
        (202, {"status": "IN_PROGRESS", "logs": None}, JobStatus.RUNNING),
        (200, {"status": "IN_PROGRESS"}, JobStatus.RUNNING),
        (202, {"status": "DREAMING"}, JobStatus.UNKNOWN),
    ],
)
async def test_states(upstream: Upstream, status: int, body: object, word: JobStatus) -> None:
    upstream.says(httpx.Response(status, json=body))
    outcome = await fal(upstream).status(JOB)
    assert outcome.job is not None
    assert (outcome.job.id, outcome.job.status) == (JOB, word)
    assert [str(request.url) for request in upstream.requests] == [f"{REQUEST}/status"]


@pytest.mark.parametrize(
    ("status", "body", "kind", "code"),
    [
        (404, {"detail": "Request not found"}, Kind.MISSING, "job_not_found"),
        (403, {"detail": "User is locked. Reason: TOP_UP."}, Kind.UNAUTHORISED, "access_denied"),
        (429, {"detail": "Slow down"}, Kind.THROTTLED, "rate_limit"),
        (500, None, Kind.TRANSIENT, "provider_error"),
        (200, ["odd"], Kind.TRANSIENT, "malformed_answer"),
        (200, {"status": 7}, Kind.TRANSIENT, "malformed_answer"),
    ],
)
async def test_a_state_that_can_not_be_had(
    upstream: Upstream, status: int, body: object, kind: Kind, code: str
) -> None:
    upstream.says(httpx.Response(status, json=body))
    outcome = await fal(upstream).status(JOB)
    assert (outcome.kind, outcome.code, outcome.job) == (kind, code, None)


COMPLETED = httpx.Response(200, json={"status": "COMPLETED", "logs": None, "metrics": {}})


async def test_a_video_is_what_completes_a_job(upstream: Upstream) -> None:
    upstream.says(COMPLETED, httpx.Response(200, json=VIDEO))
    outcome = await fal(upstream).status(JOB)
    assert outcome.job is not None
    assert (outcome.job.status, outcome.job.progress) == (JobStatus.COMPLETED, 100)
    assert str(upstream.last.url) == REQUEST


@pytest.mark.parametrize(
    ("state", "status", "body", "code", "cost"),
    [
        ({}, 200, {"video": None}, "no_video", None),
        ({}, 200, {"images": []}, "no_video", None),
        ({}, 422, {"detail": [FLAGGED]}, "moderation_blocked", None),
        (
            {"error": "Invalid status code: 422"},
            422,
            {"detail": [FLAGGED]},
            "moderation_blocked",
            None,
        ),
        (
            {},
            422,
            {"detail": [{"loc": ["body", "image_url"], "msg": "x", "type": "image_too_small"}]},
            "image_too_small",
            None,
        ),
        ({}, 400, {"detail": "x", "error_type": "bad_request"}, "bad_request", None),
        (
            {"error": "Runner went away", "error_type": "runner_disconnected"},
            503,
            {"detail": "Runner went away", "error_type": "runner_disconnected"},
            "runner_disconnected",
            0.0,
        ),
        ({}, 504, {"detail": "x", "error_type": "startup_timeout"}, "startup_timeout", 0.0),
        (
            {},
            500,
            {"detail": [{"loc": [], "msg": "x", "type": "internal_server_error"}]},
            "internal_server_error",
            0.0,
        ),
        (
            {"error": "It broke", "error_type": "internal_error"},
            404,
            {"detail": "gone"},
            "internal_error",
            None,
        ),
        ({"error": "It broke"}, 200, VIDEO, "generation_failed", None),
    ],
)
async def test_completed_may_be_a_failure(
    upstream: Upstream,
    state: dict[str, str],
    status: int,
    body: object,
    code: str,
    cost: float | None,
) -> None:
    over = httpx.Response(200, json={"status": "COMPLETED", **state})
    upstream.says(over, httpx.Response(status, json=body))
    outcome = await fal(upstream).status(JOB)
    assert outcome.kind is Kind.ACCEPTED
    assert outcome.job is not None
    assert (outcome.job.status, outcome.job.error_code) == (JobStatus.FAILED, code)
    assert outcome.job.cost_usd == cost
    assert "A pier at night" not in (outcome.job.error_message or "")


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (500, Kind.TRANSIENT),
        (502, Kind.TRANSIENT),
        (429, Kind.THROTTLED),
        (401, Kind.UNAUTHORISED),
        (404, Kind.MISSING),
    ],
)
async def test_the_queues_own_trouble_fails_no_job(
    upstream: Upstream, status: int, kind: Kind
) -> None:
    trouble = httpx.Response(status, json={"detail": "x", "error_type": "internal_error"})
    upstream.says(COMPLETED, trouble)
    outcome = await fal(upstream).status(JOB)
    assert (outcome.kind, outcome.job) == (kind, None)


async def test_a_result_that_can_not_be_read_fails_no_job(upstream: Upstream) -> None:
    upstream.says(COMPLETED, httpx.Response(200, text="<html>"))
    outcome = await fal(upstream).status(JOB)
    assert (outcome.kind, outcome.code) == (Kind.TRANSIENT, "malformed_answer")


async def test_a_cancelled_request_is_told_as_such(upstream: Upstream) -> None:
    cancelled = {"error": "Cancelled", "error_type": "client_cancelled"}
    over = httpx.Response(200, json={"status": "COMPLETED", **cancelled})
    upstream.says(over, httpx.Response(499, json={"detail": "Cancelled", **cancelled}))
    outcome = await fal(upstream).status(JOB)
    assert outcome.job is not None
    assert outcome.job.status is JobStatus.CANCELLED


async def test_the_file_is_fetched_without_the_key(upstream: Upstream) -> None:
    file = httpx.Response(200, headers={"content-type": "video/mp4"}, content=b"the video")
    upstream.says(httpx.Response(200, json=VIDEO), file)
    assert await read(fal(upstream)) == b"the video"
    result, link = upstream.requests
    assert (str(result.url), str(link.url)) == (REQUEST, VIDEO["video"]["url"])
    assert "authorization" in result.headers
    assert "authorization" not in link.headers


async def test_a_file_elsewhere_is_not_fetched(upstream: Upstream) -> None:
    video = {"video": {"url": "https://fal.media.evil.example/video.mp4"}}
    upstream.says(httpx.Response(200, json=video))
    outcome = await read(fal(upstream))
    assert isinstance(outcome, Outcome)
    assert outcome.code == "untrusted_link"
    assert len(upstream.requests) == 1


async def test_a_result_that_is_over_is_missing(upstream: Upstream) -> None:
    upstream.says(httpx.Response(404, json={"detail": "Result expired"}))
    outcome = await read(fal(upstream))
    assert isinstance(outcome, Outcome)
    assert outcome.kind is Kind.MISSING


async def test_there_is_nothing_but_the_video(upstream: Upstream) -> None:
    async with fal(upstream).open_content(JOB, Variant.THUMBNAIL) as outcome:
        assert isinstance(outcome, Outcome)
        assert outcome.code == "variant_unavailable"
    assert upstream.requests == []


@pytest.mark.parametrize(
    ("status", "word", "kind"),
    [
        (200, "OK", Kind.ACCEPTED),
        (202, "CANCELLATION_REQUESTED", Kind.ACCEPTED),
        (400, "ALREADY_COMPLETED", Kind.REFUSED),
        (200, "ALREADY_COMPLETED", Kind.REFUSED),
        (404, "NOT_FOUND", Kind.ACCEPTED),
        (500, "?", Kind.TRANSIENT),
    ],
)
async def test_cancels(upstream: Upstream, status: int, word: str, kind: Kind) -> None:
    upstream.says(httpx.Response(status, json={"status": word}))
    outcome = await fal(upstream).cancel(JOB)
    assert outcome.kind is kind
    assert (upstream.last.method, str(upstream.last.url)) == ("PUT", f"{REQUEST}/cancel")
