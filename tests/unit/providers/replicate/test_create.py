"""What is sent to Replicate, and how it may refuse."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace

import httpx
import pytest

from dailies.providers.base import Reference
from dailies.providers.outcomes import JobStatus, Kind
from dailies.providers.replicate import Replicate
from tests.unit.providers.conftest import Upstream
from tests.unit.providers.replicate.conftest import CALLBACK, HD, INPUT, ROOT, SUBMISSION, accepted

# -- submit


async def test_a_create_goes_to_the_model(upstream: Upstream, replicate: Replicate) -> None:
    upstream.says(accepted())
    outcome = await replicate.submit(replace(SUBMISSION, callback_url=CALLBACK))

    assert outcome.kind is Kind.ACCEPTED
    assert outcome.job is not None
    assert outcome.job.id == "gm3qorzdhgbfurvjtvhg6dckhu"
    assert outcome.job.status is JobStatus.QUEUED
    assert outcome.job.created_at == pytest.approx(1_780_000_000.123456)
    assert (upstream.last.method, str(upstream.last.url)) == (
        "POST",
        f"{ROOT}/models/google/veo-3.1/predictions",
    )
    assert upstream.last.headers["authorization"] == "Bearer r8_key"
    assert upstream.last.headers["cancel-after"] == "1h"
    assert "prefer" not in upstream.last.headers
    assert upstream.last_json == {
        "input": INPUT,
        "webhook": CALLBACK,
        "webhook_events_filter": ["start", "completed"],
    }


async def test_a_version_is_named_in_the_body(upstream: Upstream, replicate: Replicate) -> None:
    upstream.says(accepted())
    version = "5c7d5dc6dd8bf75c1acaa8565735e7986bc5b66206b55cca93cb72c9bf15ccaa"
    await replicate.submit(replace(SUBMISSION, deployment=f"owner/film:{version}"))

    assert str(upstream.last.url) == f"{ROOT}/predictions"
    assert upstream.last_json == {"version": version, "input": INPUT}


async def test_small_images_go_along_and_large_ones_before(
    upstream: Upstream, replicate: Replicate
) -> None:
    small = Reference(b"small", "image/png", HD)
    large = Reference(b"x" * 300_000, "image/png", HD)
    uploaded = f"{ROOT}/files/f1"
    upstream.says(
        httpx.Response(201, json={"id": "f1", "urls": {"get": uploaded}}),
        accepted(),
    )
    await replicate.submit(
        replace(SUBMISSION, reference=large, last_frame=small, seed=3, sound=False)
    )

    upload, create = upstream.requests
    assert str(upload.url) == f"{ROOT}/files"
    assert b'name="content"; filename="image.png"' in upload.content
    assert b"Content-Type: image/png" in upload.content
    assert json.loads(create.content)["input"] == {
        **INPUT,
        "image": uploaded,
        "last_frame": small.data_url,
        "seed": 3,
        "generate_audio": False,
    }


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (httpx.Response(500), Kind.TRANSIENT),
        (httpx.ReadTimeout("slow"), Kind.TRANSIENT),
        (httpx.Response(429, json={"detail": "… resets in ~7s."}), Kind.THROTTLED),
        (httpx.Response(402, json={"title": "Insufficient credit"}), Kind.REFUSED),
        (httpx.Response(201, json={"id": "f1"}), Kind.TRANSIENT),
    ],
)
async def test_nothing_is_created_when_an_image_can_not_be_brought(
    upstream: Upstream, replicate: Replicate, answer: httpx.Response | Exception, kind: Kind
) -> None:
    upstream.says(answer)
    image = Reference(b"x" * 300_000, "image/png", HD)
    outcome = await replicate.submit(replace(SUBMISSION, reference=image))

    assert outcome.kind is kind
    assert [str(request.url) for request in upstream.requests] == [f"{ROOT}/files"]


CREDIT = {
    "title": "Insufficient credit",
    "detail": "You have insufficient credit to run this model. Go to "
    "https://replicate.com/account/billing#billing to purchase credit.",
    "status": 402,
}
THROTTLED = {
    "detail": "Request was throttled. Your rate limit for creating predictions is reduced to 6 "
    "requests per minute with a burst of 1 requests while you have less than $5.0 in credit. Your "
    "rate limit resets in ~30s.",
    "status": 429,
    "retry_after": 30,
}
VERSION = {
    "title": "Invalid version or not permitted",
    "detail": "The specified version does not exist (or perhaps you don't have permission to use "
    "it?)",
    "status": 422,
}
INVALID = {
    "title": "Input validation failed",
    "detail": "- input.duration: duration must be one of the following: 4, 6, 8\n",
    "status": 422,
}
BLOCKED = {"detail": "The input was flagged as sensitive. (E005)", "status": 422}


@pytest.mark.parametrize(
    ("status", "body", "kind", "code"),
    [
        (402, CREDIT, Kind.REFUSED, "no_credit"),
        (429, THROTTLED, Kind.THROTTLED, "rate_limit"),
        (401, {"title": "Unauthenticated"}, Kind.UNAUTHORISED, "invalid_credential"),
        (404, {"detail": "Not found."}, Kind.REFUSED, "deployment_not_found"),
        (422, VERSION, Kind.REFUSED, "deployment_not_found"),
        (422, INVALID, Kind.REFUSED, "invalid_request"),
        (422, BLOCKED, Kind.REFUSED, "moderation_blocked"),
        (500, {"detail": "Internal"}, Kind.UNKNOWN, "unknown_outcome"),
        (503, {}, Kind.UNKNOWN, "unknown_outcome"),
        (201, {"status": "starting"}, Kind.UNKNOWN, "unknown_outcome"),
    ],
)
async def test_each_refusal_has_its_outcome(
    upstream: Upstream,
    replicate: Replicate,
    status: int,
    body: Mapping[str, object],
    kind: Kind,
    code: str,
) -> None:
    upstream.says(httpx.Response(status, json=body))
    outcome = await replicate.submit(SUBMISSION)
    assert (outcome.kind, outcome.code) == (kind, code)


async def test_callers_are_not_told_to_buy_credit(upstream: Upstream, replicate: Replicate) -> None:
    upstream.says(httpx.Response(402, json=CREDIT))
    outcome = await replicate.submit(SUBMISSION)
    assert outcome.message == "This service has no credit left at the provider."
    assert "billing" in (outcome.remedy or "")


@pytest.mark.parametrize(
    ("headers", "pause"), [({}, 30.0), ({"Retry-After": "12"}, 12.0)], ids=["words", "header"]
)
async def test_the_pause_is_read_where_it_is_told(
    upstream: Upstream, replicate: Replicate, headers: dict[str, str], pause: float
) -> None:
    upstream.says(httpx.Response(429, json=THROTTLED, headers=headers))
    assert (await replicate.submit(SUBMISSION)).retry_after == pause


async def test_a_broken_connection_is_an_unknown_outcome(
    upstream: Upstream, replicate: Replicate
) -> None:
    upstream.says(httpx.ReadError("reset"))
    assert (await replicate.submit(SUBMISSION)).kind is Kind.UNKNOWN
