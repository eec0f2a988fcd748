"""Replicate's jobs: their states, their files, their end."""

from __future__ import annotations

import httpx
import pytest

from dailies.providers.base import Content
from dailies.providers.outcomes import JobStatus, Kind, Outcome
from dailies.providers.replicate import Replicate
from dailies.video.basics import Variant
from tests.unit.providers.conftest import Upstream
from tests.unit.providers.replicate.conftest import LINK, prediction

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
