"""The adapter for any server of OpenAI's videos protocol: what becomes of a job, and its files."""

from __future__ import annotations

import httpx
import pytest

from dailies.providers.outcomes import JobStatus, Kind, Outcome
from dailies.video.basics import Variant
from tests.unit.providers.conftest import Upstream, job, page
from tests.unit.providers.openai_videos_wire import (
    ENDPOINT,
    SGLANG,
    SUBMISSION,
    VLLM_OMNI,
    Build,
    builder,
    fetched,
)


@pytest.fixture
def adapter(upstream: Upstream) -> Build:
    return builder(upstream)


# -- how a job is doing


@pytest.mark.parametrize("status", [400, 422, 500])
async def test_a_failed_job_may_come_with_the_status_of_its_failure(
    upstream: Upstream, adapter: Build, status: int
) -> None:
    failed = job(status="failed", error={"code": status, "message": "CUDA out of memory"})
    upstream.says(httpx.Response(status, json=failed))
    outcome = await adapter(VLLM_OMNI).status("video_1")

    assert outcome.kind is Kind.ACCEPTED
    assert outcome.job is not None
    assert outcome.job.status is JobStatus.FAILED
    assert outcome.job.error_code == "generation_failed"
    assert "CUDA out of memory" in (outcome.job.error_message or "")


async def test_a_job_that_a_restart_lost_has_failed(upstream: Upstream, adapter: Build) -> None:
    upstream.says(httpx.Response(404, json={"detail": "Video not found"}))
    lost = await adapter(VLLM_OMNI).status("video_1")
    assert lost.job is not None
    assert (lost.kind, lost.job.status, lost.job.error_code) == (
        Kind.ACCEPTED,
        JobStatus.FAILED,
        "job_lost",
    )
    assert (await adapter().status("video_1")).kind is Kind.MISSING


@pytest.mark.parametrize("body", [b"default backend - 404", b"<html>404</html>", b""])
async def test_a_404_that_is_no_word_of_the_servers_loses_no_job(
    upstream: Upstream, adapter: Build, body: bytes
) -> None:
    upstream.says(httpx.Response(404, content=body))

    assert (await adapter(VLLM_OMNI).status("video_1")).kind is Kind.MISSING


@pytest.mark.parametrize("status", [500, 502, 503, 409])
async def test_a_server_that_is_down_loses_no_job(
    upstream: Upstream, adapter: Build, status: int
) -> None:
    upstream.says(httpx.Response(status, json={"detail": "API worker topology"}))

    assert (await adapter(VLLM_OMNI).status("video_1")).kind is Kind.TRANSIENT


# -- files


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (404, {"detail": "Generation is still in-progress"}, Kind.TRANSIENT),
        (404, {"detail": "Video still being generated"}, Kind.TRANSIENT),
        (400, {"detail": "Not ready"}, Kind.TRANSIENT),
        (422, {"detail": "Video generation failed. Check job status."}, Kind.TRANSIENT),
        (500, {"detail": "Video generation failed"}, Kind.TRANSIENT),
        (404, {"detail": "Video not found"}, Kind.MISSING),
    ],
)
async def test_a_file_that_is_not_handed_out_yet_is_not_lost(
    upstream: Upstream, adapter: Build, status: int, body: object, kind: Kind
) -> None:
    upstream.says(httpx.Response(status, json=body))
    outcome = await fetched(adapter(VLLM_OMNI))

    assert isinstance(outcome, Outcome)
    assert outcome.kind is kind


async def test_a_variant_is_named_only_where_it_is_one(upstream: Upstream, adapter: Build) -> None:
    upstream.says(httpx.Response(200, content=b"film", headers={"content-type": "video/mp4"}))
    assert await fetched(adapter()) == b"film"
    assert upstream.last.url.query == b"variant=video"
    assert await fetched(adapter(SGLANG)) == b"film"
    assert str(upstream.last.url) == f"{ENDPOINT}/v1/videos/video_1/content"

    sent = len(upstream.requests)
    outcome = await fetched(adapter(SGLANG), Variant.THUMBNAIL)
    assert isinstance(outcome, Outcome)
    assert outcome.kind is Kind.MISSING
    assert len(upstream.requests) == sent


def _elsewhere(url: str) -> list[httpx.Response]:
    said = f"Video has been uploaded to cloud storage. Please use the cloud URL: {url}"
    return [
        httpx.Response(400, json={"detail": said}),
        httpx.Response(200, json=job(status="completed", url=url)),
        httpx.Response(200, content=b"film", headers={"content-type": "video/mp4"}),
    ]


async def test_a_file_in_a_cloud_storage_is_fetched_there(
    upstream: Upstream, adapter: Build
) -> None:
    url = "https://films.s3.example/out/video_1.mp4?X-Sig=1"
    upstream.says(*_elsewhere(url))

    assert await fetched(adapter({**SGLANG, "file_hosts": [".s3.example"]})) == b"film"
    assert [str(request.url) for request in upstream.requests[1:]] == [
        f"{ENDPOINT}/v1/videos/video_1",
        url,
    ]


async def test_a_redirect_to_the_file_is_followed(upstream: Upstream, adapter: Build) -> None:
    upstream.says(
        httpx.Response(302, headers={"location": "https://a.blob.example/v.mp4?sig=s"}),
        httpx.Response(200, content=b"film", headers={"content-type": "video/mp4"}),
    )
    assert await fetched(adapter({"file_hosts": ["a.blob.example"]})) == b"film"

    upstream.says(
        httpx.Response(307, headers={"location": "/files/v.mp4"}),
        httpx.Response(200, content=b"film", headers={"content-type": "video/mp4"}),
    )
    assert await fetched(adapter()) == b"film"
    assert str(upstream.last.url) == f"{ENDPOINT}/files/v.mp4"


@pytest.mark.parametrize(
    "url", ["https://elsewhere.example/v.mp4", "http://169.254.169.254/latest", "http://[", "x"]
)
async def test_no_link_leads_the_app_elsewhere(
    upstream: Upstream, adapter: Build, url: str
) -> None:
    for answers in (_elsewhere(url), [httpx.Response(302, headers={"location": url})]):
        upstream.says(*answers)
        before = len(upstream.requests)
        outcome = await fetched(adapter({**SGLANG, "file_hosts": ["files.example"]}))
        if url == "x" and len(answers) == 1:
            continue  # a path at the endpoint's own host
        assert isinstance(outcome, Outcome)
        assert outcome.code == "untrusted_link"
        assert "file_hosts" in (outcome.remedy or "")
        assert len(upstream.requests) - before <= 2
        assert all(request.url.host == "gpu.example" for request in upstream.requests)


# -- a job that nobody waits for


async def test_a_server_that_is_still_stopping_a_job_is_asked_again(
    upstream: Upstream, adapter: Build
) -> None:
    said = "Cancellation in progress. Please try again later."
    upstream.says(httpx.Response(409, json={"detail": said}))

    assert (await adapter(VLLM_OMNI).cancel("video_1")).kind is Kind.TRANSIENT


async def test_a_running_job_is_not_forgotten_where_that_does_not_stop_it(
    upstream: Upstream, adapter: Build
) -> None:
    upstream.says(httpx.Response(200, json=job(status="in_progress")))
    outcome = await adapter(SGLANG).cancel("video_1")

    assert (outcome.kind, outcome.code) == (Kind.REFUSED, "not_cancellable")
    assert [request.method for request in upstream.requests] == ["GET"]


async def test_a_job_that_has_ended_is_deleted_there_too(
    upstream: Upstream, adapter: Build
) -> None:
    upstream.says(
        httpx.Response(200, json=job(status="completed")),
        httpx.Response(200, json=job(status="deleted")),
    )
    assert (await adapter(SGLANG).cancel("video_1")).kind is Kind.ACCEPTED
    assert [request.method for request in upstream.requests] == ["GET", "DELETE"]

    upstream.says(httpx.Response(404, json={"detail": "Video not found"}))
    assert (await adapter(SGLANG).cancel("video_1")).kind is Kind.ACCEPTED

    upstream.says(httpx.Response(503))
    assert (await adapter(SGLANG).cancel("video_1")).kind is Kind.TRANSIENT


# -- a job whose create had no clear answer


async def test_a_lost_job_is_found_by_what_was_asked_for(
    upstream: Upstream, adapter: Build
) -> None:
    ours = job(id="ours", model="wan-2.2", created_at=1000)
    upstream.says(page(job(id="other", prompt="a dog", created_at=1001), ours))
    found = await adapter(VLLM_OMNI).find_submitted(SUBMISSION, since=1000)

    assert [candidate.id for candidate in found.jobs] == ["ours"]
    assert upstream.last.url.params["order"] == "desc"


async def test_what_was_rendered_does_not_speak_against_a_job(
    upstream: Upstream, adapter: Build
) -> None:
    made = job(id="ours", model="wan-2.2", size="1280x704", seconds="5", created_at=1000)
    del made["prompt"]
    upstream.says(page(made, has_more=None), page(has_more=None))

    found = await adapter(SGLANG).find_submitted(SUBMISSION, since=1000)
    assert [candidate.id for candidate in found.jobs] == ["ours"]
    upstream.says(page(made, has_more=None), page(has_more=None))
    assert not (await adapter().find_submitted(SUBMISSION, since=1000)).jobs
