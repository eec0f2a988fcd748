"""Replicate on the wire: what is sent, and what is made of the answers."""

from __future__ import annotations

import base64
import hmac
import json
import time
from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from dailies.net.downloads import Downloads
from dailies.providers.azure_auth import BearerKeyAuth
from dailies.providers.base import Content, Reference, Submission
from dailies.providers.classify import CallContext
from dailies.providers.outcomes import JobStatus, Kind, Outcome
from dailies.providers.replicate import PROVIDER, Replicate, ReplicateOptions
from dailies.providers.wire import Wire
from dailies.video.basics import Size, Variant
from tests.unit.providers.conftest import Upstream, called_job

ROOT = "https://api.replicate.com/v1"
HD = Size(1280, 720)
MODEL = "google/veo-3.1"
CALLBACK = "https://dailies.example/calls/video_1/token"
SUBMISSION = Submission(MODEL, "a heron at dawn", 8, HD, video_id="video_1")
OPTIONS: dict[str, Any] = {
    "inputs": {
        "image": "image",
        "last_frame": "last_frame",
        "references": "reference_images",
        "seed": "seed",
        "negative_prompt": "negative_prompt",
        "sound": "generate_audio",
    }
}
INPUT = {
    "prompt": "a heron at dawn",
    "duration": 8,
    "aspect_ratio": "16:9",
    "resolution": "720p",
}
CREATED = 1_780_000_000.0
LINK = "https://pbxt.replicate.delivery/abc/out.mp4"


def prediction(**fields: object) -> dict[str, object]:
    """A prediction as Replicate answers it."""
    return {
        "id": "gm3qorzdhgbfurvjtvhg6dckhu",
        "model": MODEL,
        "version": "hidden",
        "input": INPUT,
        "logs": "",
        "output": None,
        "data_removed": False,
        "error": None,
        "status": "starting",
        "created_at": "2026-05-28T20:26:40.123456789Z",
        "urls": {"get": f"{ROOT}/predictions/gm3qorzdhgbfurvjtvhg6dckhu"},
    } | fields


def accepted(**fields: object) -> httpx.Response:
    return httpx.Response(201, json=prediction(**fields))


@pytest.fixture
def wire(upstream: Upstream) -> Wire:
    context = CallContext(
        "api.replicate.com",
        MODEL,
        answers=PROVIDER.answers,
        remedies={help_.code: help_.remedy for help_ in PROVIDER.helps},
        kept_seconds=3600,
    )
    downloads = Downloads(
        ("api.replicate.com", *PROVIDER.hosts), transport=httpx.MockTransport(upstream._answer)
    )
    return Wire(
        upstream.client,
        BearerKeyAuth(SecretStr("r8_key")),
        context,
        url="https://api.replicate.com",
        options=ReplicateOptions.model_validate(OPTIONS),
        downloads=downloads,
    )


@pytest.fixture
def replicate(wire: Wire) -> Replicate:
    return Replicate(wire)


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


# -- status


async def status(upstream: Upstream, replicate: Replicate, **fields: object) -> Outcome:
    upstream.says(httpx.Response(200, json=prediction(**fields)))
    return await replicate.status("gm3qorzdhgbfurvjtvhg6dckhu")


@pytest.mark.parametrize(
    ("word", "fields", "expected"),
    [
        ("starting", {}, JobStatus.QUEUED),
        ("processing", {}, JobStatus.RUNNING),
        ("succeeded", {"output": LINK}, JobStatus.COMPLETED),
        ("succeeded", {"output": [LINK]}, JobStatus.COMPLETED),
        ("canceled", {}, JobStatus.CANCELLED),
        ("failed", {"error": "CUDA out of memory"}, JobStatus.FAILED),
        ("aborted", {}, JobStatus.FAILED),
        ("dreaming", {}, JobStatus.UNKNOWN),
        ("succeeded", {"output": None}, JobStatus.FAILED),
        ("succeeded", {"output": []}, JobStatus.FAILED),
        ("succeeded", {"output": None, "data_removed": True}, JobStatus.EXPIRED),
    ],
)
async def test_words_are_states(
    upstream: Upstream,
    replicate: Replicate,
    word: str,
    fields: dict[str, object],
    expected: JobStatus,
) -> None:
    outcome = await status(upstream, replicate, status=word, **fields)
    assert outcome.job is not None
    assert outcome.job.status is expected


@pytest.mark.parametrize(
    ("error", "code"),
    [
        ("The input or output was flagged as sensitive. Please try again (E005)", "moderation"),
        ("NSFW content detected. Try running it again, or try a different prompt.", "moderation"),
        ("This violates our content policy", "moderation"),
        ("CUDA out of memory", "generation_failed"),
        (None, "generation_failed"),
        ({"odd": 1}, "generation_failed"),
    ],
)
async def test_moderation_is_read_from_the_words(
    upstream: Upstream, replicate: Replicate, error: object, code: str
) -> None:
    outcome = await status(upstream, replicate, status="failed", error=error)
    assert outcome.job is not None
    assert (outcome.job.error_code or "").startswith(code)


async def test_an_error_does_not_repeat_the_prompt(
    upstream: Upstream, replicate: Replicate
) -> None:
    error = "Could not draw 'a heron at dawn'"
    outcome = await status(upstream, replicate, status="failed", error=error)
    assert outcome.job is not None
    assert "heron" not in (outcome.job.error_message or "")


async def test_what_never_began_costs_nothing(upstream: Upstream, replicate: Replicate) -> None:
    aborted = await status(upstream, replicate, status="aborted")
    cancelled = await status(upstream, replicate, status="canceled")
    assert aborted.job is not None
    assert cancelled.job is not None
    assert (aborted.job.cost_usd, cancelled.job.cost_usd) == (0.0, None)


async def test_progress_is_read_from_the_logs(upstream: Upstream, replicate: Replicate) -> None:
    logs = " 10%|█         | 5/50\n 46%|████▌     | 23/50"
    outcome = await status(upstream, replicate, status="processing", logs=logs)
    assert outcome.job is not None
    assert outcome.job.progress == 46


async def test_an_unknown_job_is_missing(upstream: Upstream, replicate: Replicate) -> None:
    upstream.says(httpx.Response(404, json={"detail": "Not found.", "status": 404}))
    outcome = await replicate.status("nothing")
    assert (outcome.kind, outcome.code) == (Kind.MISSING, "job_not_found")


@pytest.mark.parametrize("document", ["[]", '{"id": 5}', "null", '{"id": ""}'])
async def test_an_answer_that_is_no_prediction_is_none(
    upstream: Upstream, replicate: Replicate, document: str
) -> None:
    upstream.says(httpx.Response(200, text=document))
    assert (await replicate.status("x")).kind is Kind.TRANSIENT


# -- content and cancel


async def test_the_file_is_fetched_without_the_key(
    upstream: Upstream, replicate: Replicate
) -> None:
    upstream.says(
        httpx.Response(200, json=prediction(status="succeeded", output=[LINK])),
        httpx.Response(200, content=b"\0\0\0\x18ftyp", headers={"Content-Type": "video/mp4"}),
    )
    async with replicate.open_content("p1", Variant.VIDEO) as content:
        assert isinstance(content, Content)
        assert b"".join([chunk async for chunk in content.chunks]) == b"\0\0\0\x18ftyp"
    assert str(upstream.last.url) == LINK
    assert "authorization" not in upstream.last.headers


async def test_a_file_elsewhere_is_not_fetched(upstream: Upstream, replicate: Replicate) -> None:
    link = "https://replicate.delivery.evil.example/out.mp4"
    upstream.says(httpx.Response(200, json=prediction(status="succeeded", output=link)))
    async with replicate.open_content("p1", Variant.VIDEO) as content:
        assert isinstance(content, Outcome)
        assert content.code == "untrusted_link"
    assert len(upstream.requests) == 1


async def test_a_file_that_was_removed_is_missing(upstream: Upstream, replicate: Replicate) -> None:
    upstream.says(httpx.Response(200, json=prediction(status="succeeded", data_removed=True)))
    async with replicate.open_content("p1", Variant.VIDEO) as content:
        assert isinstance(content, Outcome)
        assert content.kind is Kind.MISSING


async def test_there_are_no_thumbnails(upstream: Upstream, replicate: Replicate) -> None:
    async with replicate.open_content("p1", Variant.THUMBNAIL) as content:
        assert isinstance(content, Outcome)
        assert content.kind is Kind.MISSING
    assert not upstream.requests


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (httpx.Response(200, json=prediction(status="canceled")), Kind.ACCEPTED),
        (httpx.Response(404, json={}), Kind.ACCEPTED),
        (httpx.Response(500), Kind.TRANSIENT),
    ],
)
async def test_a_job_is_cancelled(
    upstream: Upstream, replicate: Replicate, answer: httpx.Response, kind: Kind
) -> None:
    upstream.says(answer)
    outcome = await replicate.cancel("p/1")
    assert outcome.kind is kind
    assert (upstream.last.method, upstream.last.url.raw_path) == (
        "POST",
        b"/v1/predictions/p%2F1/cancel",
    )


# -- a lost create


def listed(*predictions: dict[str, object], following: str | None = None) -> httpx.Response:
    return httpx.Response(200, json={"next": following, "previous": None, "results": predictions})


async def found(upstream: Upstream, replicate: Replicate, **fields: Any) -> list[str]:
    search = await replicate.find_submitted(replace(SUBMISSION, **fields), CREATED)
    assert search.outcome.kind is Kind.ACCEPTED
    return [job.id for job in search.jobs]


async def test_a_lost_job_is_found_by_its_inputs(upstream: Upstream, replicate: Replicate) -> None:
    upstream.says(
        listed(
            prediction(id="longer", input={**INPUT, "duration": 4}),
            prediction(id="other-model", model="google/veo-3.1-fast"),
            prediction(id="other-prompt", input={**INPUT, "prompt": "a stork"}),
            prediction(id="with-image", input={**INPUT, "image": "https://x/a.png"}),
            prediction(id="old", created_at="2026-05-28T20:00:00Z"),
            prediction(id="ours"),
        )
    )
    assert await found(upstream, replicate) == ["ours"]
    assert upstream.last.url.params["created_after"] == "2026-05-28T20:26:10+00:00"


async def test_files_are_not_compared(upstream: Upstream, replicate: Replicate) -> None:
    image = Reference(b"small", "image/png", HD)
    upstream.says(listed(prediction(id="ours", input={**INPUT, "seed": 3})))
    options = {"reference_videos": ["https://x/clip.mp4"]}
    assert await found(upstream, replicate, reference=image, seed=3, options=options) == ["ours"]


async def test_half_a_surrogate_pair_comes_back_changed(
    upstream: Upstream, replicate: Replicate
) -> None:
    upstream.says(listed(prediction(id="ours", input={**INPUT, "prompt": "a \ufffd heron"})))
    assert await found(upstream, replicate, prompt="a \ud83d heron") == ["ours"]


async def test_our_own_address_settles_it(upstream: Upstream, replicate: Replicate) -> None:
    upstream.says(
        listed(
            prediction(id="twin", webhook="https://dailies.example/calls/video_2/token"),
            prediction(id="ours", webhook=CALLBACK, input={}, data_removed=True),
            prediction(id="unsure", input={}, data_removed=True),
        )
    )
    assert await found(upstream, replicate, callback_url=CALLBACK) == ["ours"]


async def test_after_the_app_has_moved_the_inputs_tell(
    upstream: Upstream, replicate: Replicate
) -> None:
    upstream.says(listed(prediction(id="ours", webhook="https://before.example/calls/video_1/x")))
    assert await found(upstream, replicate, callback_url=CALLBACK) == ["ours"]


async def test_jobs_without_inputs_are_no_answer_when_there_are_several(
    upstream: Upstream, replicate: Replicate
) -> None:
    gone = {"input": {}, "data_removed": True}
    upstream.says(listed(prediction(id="a", **gone), prediction(id="b", **gone)))
    search = await replicate.find_submitted(SUBMISSION, CREATED)
    assert (search.outcome.kind, search.outcome.code) == (Kind.UNKNOWN, "ambiguous_jobs")


async def test_the_list_is_read_page_by_page_at_our_own_address(
    upstream: Upstream, replicate: Replicate
) -> None:
    elsewhere = "https://evil.example/v1/predictions?cursor=abc%3D&created_after=x"
    upstream.says(
        listed(prediction(id="other", input={**INPUT, "duration": 4}), following=elsewhere),
        listed(prediction(id="ours")),
    )
    assert await found(upstream, replicate) == ["ours"]
    assert upstream.last.url.host == "api.replicate.com"
    assert dict(upstream.last.url.params) == {"cursor": "abc=", "created_after": "x"}


async def test_a_list_that_can_not_be_read_is_no_answer(
    upstream: Upstream, replicate: Replicate
) -> None:
    upstream.says(httpx.Response(503))
    search = await replicate.find_submitted(SUBMISSION, CREATED)
    assert search.outcome.kind is Kind.TRANSIENT
    assert not search.jobs


# -- calls

SECRET = "whsec_" + base64.b64encode(b"the signing key").decode()
RENEWED = "whsec_" + base64.b64encode(b"the next key").decode()
BODY = json.dumps(prediction(status="succeeded")).encode()


def signed(body: bytes, secret: str = SECRET, at: float | None = None) -> dict[str, str]:
    key = base64.b64decode(secret.partition("_")[2])
    sent = str(round(time.time() if at is None else at))
    digest = hmac.digest(key, f"msg_1.{sent}.".encode() + body, sha256)
    return {
        "webhook-id": "msg_1",
        "webhook-timestamp": sent,
        "webhook-signature": f"v1,bm8= v1,{base64.b64encode(digest).decode()}",
    }


def secret(key: str = SECRET) -> httpx.Response:
    return httpx.Response(200, json={"key": key})


async def test_a_signed_call_names_its_job(upstream: Upstream, replicate: Replicate) -> None:
    upstream.says(secret())
    for _ in range(2):  # it may come twice
        called = await replicate.called_back(signed(BODY), BODY)
        assert called_job(called) == "gm3qorzdhgbfurvjtvhg6dckhu"
    assert [str(request.url) for request in upstream.requests] == [
        f"{ROOT}/webhooks/default/secret"
    ]


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({}, BODY),
        (signed(BODY, RENEWED), BODY),
        (signed(BODY), BODY + b" "),
        (signed(BODY, at=time.time() - 900), BODY),
        (signed(BODY, at=time.time() + 900), BODY),
        ({**signed(BODY), "webhook-timestamp": "soon"}, BODY),
        ({**signed(BODY), "webhook-signature": "v1 \u00e9"}, BODY),
        (signed(b"no json"), b"no json"),
        (signed(b"[]"), b"[]"),
        (signed(b'{"id": 5}'), b'{"id": 5}'),
    ],
)
async def test_no_other_call_is_believed(
    upstream: Upstream, replicate: Replicate, headers: dict[str, str], body: bytes
) -> None:
    upstream.says(secret())
    assert await replicate.called_back(headers, body) is None
    assert len(upstream.requests) == 1  # whoever calls can't make us ask again


async def test_a_key_that_was_renewed_is_asked_for_again(upstream: Upstream, wire: Wire) -> None:
    now = 1_780_000_000.0
    replicate = Replicate(wire, lambda: now)
    upstream.says(secret(), secret(RENEWED))
    assert await replicate.called_back(signed(BODY, at=now), BODY) is not None
    now += 3600
    assert await replicate.called_back(signed(BODY, RENEWED, at=now), BODY) is not None


async def test_without_the_key_nobody_is_believed(upstream: Upstream, replicate: Replicate) -> None:
    upstream.says(httpx.Response(503), httpx.Response(503), secret())
    assert await replicate.called_back(signed(BODY), BODY) is None
    assert await replicate.called_back(signed(BODY), BODY) is not None


@pytest.mark.parametrize("name", ["veo", "google/veo/3", "google/veo:latest", "a b/c"])
def test_a_model_has_an_owner_and_a_name(name: str) -> None:
    problems = _problems({"deployment": name})
    assert [problem.field for problem in problems] == ["deployment"]


@pytest.mark.parametrize("cancel_after", ["soon", "1d", "m", "20"])
def test_a_deadline_is_hours_minutes_and_seconds(cancel_after: str) -> None:
    problems = _problems({"options": {**OPTIONS, "cancel_after": cancel_after}})
    assert [problem.field for problem in problems] == ["options.cancel_after"]


def _problems(fields: dict[str, object]) -> list[Any]:
    from dailies.catalogue import Deployment

    row = {
        "name": "veo",
        "provider": "replicate",
        "endpoint": "https://api.replicate.com",
        "deployment": MODEL,
        "credential": "api-key",
        "api_key": "r8_key",
        "sizes": ["1280x720"],
        "seconds": [8],
        "variants": ["video"],
        "operations": ["create"],
        "prices": None,
        "options": OPTIONS,
    }
    return list(PROVIDER.problems(Deployment.model_validate(row | fields)))
