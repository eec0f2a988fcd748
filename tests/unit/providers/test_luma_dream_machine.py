"""The adapter of Luma's older API: what it sends, and what it makes of the answers."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from dailies.catalogue import Catalogue
from dailies.net.downloads import Downloads
from dailies.providers.base import Content, Submission
from dailies.providers.classify import CallContext
from dailies.providers.key_auth import BearerKeyAuth
from dailies.providers.luma_dream_machine import PROVIDER, DreamMachine
from dailies.providers.outcomes import JobStatus, Kind, Outcome
from dailies.providers.registry import check_deployment
from dailies.providers.shapes import aspect_ratio, resolution
from dailies.providers.wire import Wire
from dailies.video.basics import Size, Variant
from tests.unit.inputs.pictures import box
from tests.unit.providers.conftest import Upstream, called_job

API = "https://api.lumalabs.ai/dream-machine/v1"
LINK = "https://storage.cdn-luma.com/dream_machine/1/video.mp4"
OURS = "https://app.example/callbacks/video_1"
SUBMISSION = Submission("ray-2", "A pier at dawn", 5, Size(1280, 720), callback_url=OURS)
SENT_AT = 1_775_649_600.0
SHIPPED = Path(__file__).parents[3] / "models.yaml"
MP4 = box(b"ftyp", b"isom") + box(b"mdat", bytes(500))


def generation(job_id: str = "g1", **fields: object) -> dict[str, object]:
    """A generation as Luma sends it; ``asked`` changes the request that it repeats."""
    asked: Any = fields.pop("asked", {})
    request = {
        "generation_type": "video",
        "model": "ray-2",
        "prompt": "A pier at dawn",
        "duration": "5s",
        "callback_url": OURS,
        "keyframes": None,
    }
    return {
        "id": job_id,
        "generation_type": "video",
        "state": "queued",
        "failure_reason": None,
        "created_at": "2026-04-08T12:00:01Z",
        "assets": None,
        "model": "ray-2",
        "request": None if asked is None else request | asked,
    } | fields


def page(*items: dict[str, object], has_more: bool | None = False) -> httpx.Response:
    document: dict[str, object] = {"generations": items, "count": len(items)}
    if has_more is not None:
        document["has_more"] = has_more
    return httpx.Response(200, json=document)


DONE = generation(state="completed", assets={"video": LINK})


def adapter(upstream: Upstream) -> DreamMachine:
    about = CallContext("api.lumalabs.ai", "ray-2", answers=PROVIDER.answers)
    downloads = Downloads(("api.lumalabs.ai", *PROVIDER.hosts), transport=upstream.transport)
    auth = BearerKeyAuth(SecretStr("luma-key"))
    return DreamMachine(Wire(upstream.client, auth, about, url=API, downloads=downloads))


# -- submit


async def test_a_create_names_its_shape_and_whom_to_call(upstream: Upstream) -> None:
    upstream.says(httpx.Response(201, json=generation()))
    outcome = await adapter(upstream).submit(replace(SUBMISSION, options={"loop": True}))

    assert outcome.kind is Kind.ACCEPTED
    assert outcome.job is not None
    assert (outcome.job.id, outcome.job.status) == ("g1", JobStatus.QUEUED)
    assert (outcome.job.seconds, outcome.job.created_at) == (5, SENT_AT + 1)
    assert (upstream.last.method, str(upstream.last.url)) == ("POST", f"{API}/generations/video")
    assert upstream.last.headers["authorization"] == "Bearer luma-key"
    assert upstream.last_json == {
        "generation_type": "video",
        "model": "ray-2",
        "prompt": "A pier at dawn",
        "aspect_ratio": "16:9",
        "resolution": "720p",
        "duration": "5s",
        "callback_url": OURS,
        "loop": True,
    }


async def test_nobody_is_called_where_there_is_no_address(upstream: Upstream) -> None:
    upstream.says(httpx.Response(201, json=generation()))
    await adapter(upstream).submit(replace(SUBMISSION, callback_url=None))
    assert isinstance(upstream.last_json, dict)
    assert "callback_url" not in upstream.last_json


@pytest.mark.parametrize(
    ("status", "detail", "kind", "code"),
    [
        (400, "Insufficient credits", Kind.REFUSED, "no_credit"),
        (402, "Payment required", Kind.REFUSED, "no_credit"),
        (401, "Invalid API key", Kind.UNAUTHORISED, "invalid_credential"),
        (403, "Not authenticated", Kind.UNAUTHORISED, "access_denied"),
        (400, "Prompt is too short", Kind.REFUSED, "invalid_request"),
        (400, "Advanced prompt moderation failed", Kind.REFUSED, "moderation_blocked"),
        (429, "Too many requests", Kind.THROTTLED, "rate_limit"),
        (503, "Unavailable", Kind.UNKNOWN, "unknown_outcome"),
        (201, "no generation", Kind.UNKNOWN, "unknown_outcome"),
    ],
)
async def test_what_each_answer_to_a_create_means(
    upstream: Upstream, status: int, detail: str, kind: Kind, code: str
) -> None:
    upstream.says(httpx.Response(status, json={"detail": detail}))
    outcome = await adapter(upstream).submit(SUBMISSION)

    assert (outcome.kind, outcome.code) == (kind, code)
    assert len(upstream.requests) == 1


# -- status


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ({"state": "dreaming"}, JobStatus.RUNNING, None),
        ({"state": "sleeping"}, JobStatus.UNKNOWN, None),
        ({"state": "completed", "assets": {"video": LINK}}, JobStatus.COMPLETED, None),
        ({"state": "completed", "assets": {"image": LINK}}, JobStatus.FAILED, "no_video"),
        ({"state": "completed"}, JobStatus.FAILED, "no_video"),
        (
            {"state": "failed", "failure_reason": "Frame moderation failed"},
            JobStatus.FAILED,
            "moderation_blocked",
        ),
        (
            {"state": "failed", "failure_reason": "Contains blacklisted words"},
            JobStatus.FAILED,
            "moderation_blocked",
        ),
        (
            {"state": "failed", "failure_reason": "Prompt processing failed"},
            JobStatus.FAILED,
            "generation_failed",
        ),
    ],
)
async def test_how_a_job_is_doing(
    upstream: Upstream, fields: dict[str, Any], status: JobStatus, code: str | None
) -> None:
    upstream.says(httpx.Response(200, json=generation(**fields)))
    outcome = await adapter(upstream).status("g1")

    assert outcome.job is not None
    assert (outcome.job.status, outcome.job.error_code) == (status, code)
    assert str(upstream.last.url) == f"{API}/generations/g1"


# -- finding what was sent


async def found(upstream: Upstream, submission: Submission = SUBMISSION) -> list[str]:
    result = await adapter(upstream).find_submitted(submission, SENT_AT)
    assert result.outcome.kind is Kind.ACCEPTED
    return [job.id for job in result.jobs]


async def test_a_lost_job_is_found_by_the_address_that_is_its_own(upstream: Upstream) -> None:
    other = {"callback_url": "https://app.example/callbacks/video_2"}
    upstream.says(page(generation("g2", asked=other), generation("g1", asked={"prompt": "other"})))
    assert await found(upstream) == ["g1"]
    assert dict(upstream.last.url.params) == {"limit": "100", "offset": "0"}


async def test_where_no_address_is_repeated_the_request_decides(upstream: Upstream) -> None:
    silent = {"callback_url": None}
    upstream.says(
        page(
            generation("g1", asked=silent),
            generation("g2", asked=silent | {"prompt": "A cat"}),
            generation("g3", asked=silent | {"duration": "9s"}),
            generation("g4", asked={"callback_url": "https://app.example/callbacks/video_2"}),
        )
    )
    assert await found(upstream) == ["g1"]
    assert await found(upstream, replace(SUBMISSION, callback_url=None)) == ["g1"]


@pytest.mark.parametrize("has_more", [True, None])
async def test_the_list_is_read_to_its_end(upstream: Upstream, has_more: bool | None) -> None:
    first = [generation(f"n{n}", asked={"callback_url": "https://x/y"}) for n in range(3)]
    upstream.says(page(*first, has_more=has_more), page(generation("g1"), has_more=False))
    assert await found(upstream) == ["g1"]
    assert upstream.last.url.params["offset"] == "3"


async def test_jobs_that_can_not_be_told_apart_are_left_to_others(upstream: Upstream) -> None:
    upstream.says(page(generation("g1", asked=None), generation("g2", asked=None)))
    result = await adapter(upstream).find_submitted(SUBMISSION, SENT_AT)
    assert (result.outcome.kind, result.outcome.code) == (Kind.UNKNOWN, "ambiguous_jobs")


async def test_a_list_that_can_not_be_read_is_no_search(upstream: Upstream) -> None:
    upstream.says(httpx.Response(503, json={"detail": "Unavailable"}))
    result = await adapter(upstream).find_submitted(SUBMISSION, SENT_AT)
    assert (result.outcome.kind, list(result.jobs)) == (Kind.TRANSIENT, [])


@pytest.mark.parametrize(
    ("body", "job_id"),
    [
        (json.dumps(generation(state="dreaming")).encode(), "g1"),
        (b'{"state": "completed"}', None),
        (b"[]", None),
        (b"odd", None),
    ],
)
async def test_a_call_names_its_job(upstream: Upstream, body: bytes, job_id: str | None) -> None:
    assert called_job(await adapter(upstream).called_back({}, body)) == job_id
    assert upstream.requests == []


# -- files and cancel


async def test_the_video_is_fetched_by_its_link_without_the_key(upstream: Upstream) -> None:
    video = httpx.Response(200, content=MP4, headers={"content-type": "video/mp4"})
    upstream.says(httpx.Response(200, json=DONE), video)
    async with adapter(upstream).open_content("g1", Variant.VIDEO) as content:
        assert isinstance(content, Content)
        assert b"".join([chunk async for chunk in content.chunks]) == MP4
    assert str(upstream.last.url) == LINK
    assert "authorization" not in upstream.last.headers


async def test_there_are_no_other_files(upstream: Upstream) -> None:
    async with adapter(upstream).open_content("g1", Variant.THUMBNAIL) as content:
        assert isinstance(content, Outcome)
        assert content.code == "variant_unavailable"


@pytest.mark.parametrize(
    ("seen", "kind", "methods"),
    [
        (httpx.Response(200, json=generation(state="dreaming")), Kind.REFUSED, ["GET"]),
        (httpx.Response(200, json=DONE), Kind.ACCEPTED, ["GET", "DELETE"]),
        (httpx.Response(404, json={"detail": "Not found"}), Kind.ACCEPTED, ["GET"]),
        (httpx.Response(503, json={"detail": "Unavailable"}), Kind.TRANSIENT, ["GET"]),
    ],
)
async def test_only_what_is_over_is_deleted(
    upstream: Upstream, seen: httpx.Response, kind: Kind, methods: list[str]
) -> None:
    upstream.says(seen, httpx.Response(204))
    assert (await adapter(upstream).cancel("g1")).kind is kind
    assert [request.method for request in upstream.requests] == methods


def test_it_lists_its_jobs_and_calls_back() -> None:
    assert PROVIDER.is_sound
    assert PROVIDER.calls_back


def test_its_models_are_offered_once_there_is_a_key_in_sizes_that_it_has() -> None:
    offered = Catalogue.load(
        SHIPPED, {"LUMA_DREAM_MACHINE_API_KEY": "a-key"}, check=check_deployment()
    )

    assert sorted(offered.models) == ["ray-2"]
    for model in offered.models.values():
        for deployment in model.deployments:
            shapes = {(aspect_ratio(size), resolution(size)) for size in deployment.sizes}
            assert len(shapes) == len(deployment.sizes)
            assert {ratio for ratio, _ in shapes} == {"16:9", "9:16"}
