"""A Dailies whose provider is another Dailies: the adapter speaks to the app as it is."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urlsplit

import httpx
import pytest

from dailies.net.downloads import Downloads
from dailies.providers.base import Content, Submission
from dailies.providers.classify import CallContext
from dailies.providers.openai_videos import OpenAIVideos, VideosOptions
from dailies.providers.other_dailies import PROVIDER
from dailies.providers.outcomes import JobStatus, Kind, Outcome
from dailies.providers.wire import Wire
from dailies.video.basics import Size, Variant
from tests.integration.api.world import CLIP, World

SUBMISSION = Submission("sora-2", "a pier at dawn", 8, Size(1280, 720), video_id="video_of_ours")


@pytest.fixture
def adapter(world: World) -> OpenAIVideos:
    storage = urlsplit(world.services.files.url("x")).hostname or ""
    context = CallContext("other.example", "sora-2", answers=PROVIDER.answers)
    wire = Wire(
        world.alice,
        httpx.Auth(),
        context,
        url=str(world.alice.base_url).rstrip("/"),
        options=VideosOptions(),
        downloads=Downloads((storage,), plain=True),
    )
    return OpenAIVideos(wire)


async def test_a_request_that_is_sent_twice_makes_one_job(
    world: World, adapter: OpenAIVideos
) -> None:
    first, second = [await adapter.submit(SUBMISSION) for _ in range(2)]

    assert first.job is not None
    assert second.job is not None
    assert first.job.id == second.job.id
    assert len((await world.alice.get("/v1/videos")).json()["data"]) == 1


async def test_a_key_that_stands_for_another_request_is_used_up(
    world: World, adapter: OpenAIVideos
) -> None:
    first = await adapter.submit(SUBMISSION)
    other = await adapter.submit(replace(SUBMISSION, prompt="a tower at dusk"))
    assert (other.kind, other.code, other.http_status) == (Kind.REFUSED, "key_used_up", 409)
    assert first.job is not None
    assert (await world.alice.delete(f"/v1/videos/{first.job.id}")).status_code == 200
    gone = await adapter.submit(SUBMISSION)
    assert (gone.kind, gone.code) == (Kind.REFUSED, "key_used_up")


async def test_a_job_is_followed_found_and_stopped(world: World, adapter: OpenAIVideos) -> None:
    sent = await adapter.submit(SUBMISSION)
    assert sent.job is not None
    seen = await adapter.status(sent.job.id)
    assert seen.job is not None
    assert seen.job.status is JobStatus.QUEUED

    found = await adapter.find_submitted(SUBMISSION, since=world.now)
    assert [job.id for job in found.jobs] == [sent.job.id]

    assert (await adapter.cancel(sent.job.id)).kind is Kind.ACCEPTED
    assert (await adapter.status(sent.job.id)).kind is Kind.MISSING


async def test_its_files_are_fetched_from_its_storage(world: World, adapter: OpenAIVideos) -> None:
    video_id = await world.finished()
    async with adapter.open_content(video_id, Variant.VIDEO) as content:
        assert isinstance(content, Content)
        assert b"".join([chunk async for chunk in content.chunks]) == CLIP


async def test_a_file_that_is_not_there_yet_is_not_lost(
    world: World, adapter: OpenAIVideos
) -> None:
    sent = await adapter.submit(SUBMISSION)
    assert sent.job is not None
    async with adapter.open_content(sent.job.id, Variant.VIDEO) as content:
        assert isinstance(content, Outcome)
        assert content.kind is Kind.TRANSIENT


async def test_what_it_refuses_is_refused(world: World, adapter: OpenAIVideos) -> None:
    wrong = Submission("no-such-model", "a pier", 8, Size(1280, 720), video_id="video_other")
    outcome = await adapter.submit(wrong)

    assert (outcome.kind, outcome.code) == (Kind.REFUSED, "deployment_not_found")
