"""Calls of a provider that says when a job is done: they heal, and are not believed."""

from __future__ import annotations

import logging

import pytest

from dailies.pipeline.callbacks import receive_callback
from dailies.pipeline.check import check_video
from dailies.pipeline.resolve import Decision, resolve_video
from dailies.providers.declaration import Recovery
from dailies.providers.outcomes import JobStatus, Kind, Outcome, UpstreamJob
from dailies.video.basics import Phase
from dailies.video.record import VideoRecord
from tests.unit.pipeline.provider import ACCEPT, LOST
from tests.unit.pipeline.recovering import PROVIDER, URL, Engine, step_of, until, world_of
from tests.unit.pipeline.world import World, ref


async def call(world: World, video: VideoRecord, job_id: str, **changed: str) -> bool:
    token = (await world.record(video.id)).submit.callback_token
    given = {"provider": PROVIDER, "token": token or "", **changed}
    return await receive_callback(
        world.services, Engine(), given["provider"], given["token"], {}, job_id.encode()
    )


async def test_a_call_heals_a_lost_answer_and_wakes_the_video() -> None:
    world = world_of(Recovery.CALLED_BACK, LOST)
    video = await world.accepted()
    await step_of(world, video)
    (job_id,) = world.provider.jobs
    (submission,) = world.provider.submissions
    token = (await world.record(video.id)).submit.callback_token
    assert submission.callback_url == f"{URL}/callbacks/{PROVIDER}/{token}"
    engine = Engine()
    assert await receive_callback(
        world.services, engine, PROVIDER, token or "", {}, job_id.encode()
    )
    assert await world.jobs_of([video]) == [job_id]
    assert f"{video.id}-check_video-0" in engine.woken
    assert (await step_of(world, video))["kind"] == "done"
    assert await call(world, video, job_id)  # providers repeat themselves


async def test_a_call_heals_a_video_that_is_held_already() -> None:
    world = world_of(Recovery.CALLED_BACK, LOST, DAILIES_CALLBACK_WAIT_SECONDS=600)
    video = await world.accepted()
    began = world.now
    await until(world, video, Phase.UNRESOLVED)
    assert world.now - began >= 600
    (job_id,) = world.provider.jobs
    assert await call(world, video, job_id)
    assert (await world.record(video.id)).submit.unresolved_since is None


async def test_a_call_about_a_second_job_of_the_video_is_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "dailies")
    world = world_of(Recovery.CALLED_BACK, LOST, LOST, ACCEPT)
    other = await world.accepted()
    await step_of(world, other)
    video = await world.accepted()
    await step_of(world, video)
    theirs, first = world.provider.jobs
    await call(world, other, theirs)
    await until(world, video, Phase.UNRESOLVED)
    await resolve_video(world.services, Engine(), video.id, Decision.RESEND)
    await step_of(world, video)
    second = (await world.record(video.id)).submit.job_id
    for job_id in (second, theirs, "job_nobody_knows"):
        await call(world, video, job_id or "")
    assert "job_left_over" not in caplog.text
    await call(world, video, first)
    assert f'"job_left_over", "video_id": "{video.id}"' in caplog.text
    assert f'"job_id": "{first}"' in caplog.records[-1].message


async def test_nothing_that_a_call_says_is_believed() -> None:
    world = world_of(Recovery.CALLED_BACK, LOST, LOST)
    other = await world.accepted()
    await step_of(world, other)
    video = await world.accepted()
    await step_of(world, video)
    theirs, ours = world.provider.jobs
    await call(world, other, theirs)
    token = (await world.record(video.id)).submit.callback_token or ""
    assert not await call(world, video, "job_nobody_knows")
    assert not await call(world, video, theirs)
    assert not await call(world, video, "")
    for wrong in (token[:-1] + "x", token[:32], "", "\udcff", "0" * 32 + token[32:]):
        assert not await call(world, video, ours, token=wrong)
    assert not await call(world, video, ours, provider="fal")
    assert await call(world, video, ours)
    assert await world.jobs_of([other, video]) == [theirs, ours]


async def test_without_an_address_of_its_own_the_app_is_not_called() -> None:
    world = World()
    world.provider.grade = Recovery.CALLED_BACK
    world.provider.behaviours = [LOST]
    video = await world.accepted()
    await until(world, video, Phase.UNRESOLVED)
    assert [s.callback_url for s in world.provider.submissions] == [None]


async def test_where_we_are_called_few_looks_are_taken() -> None:
    world = world_of(Recovery.CALLED_BACK)
    video = await world.accepted()
    step = await step_of(world, video)
    looks, waited = 0, 0.0
    (job_id,) = world.provider.jobs
    world.provider.statuses[job_id] = [
        Outcome(Kind.ACCEPTED, job=UpstreamJob(job_id, JobStatus.RUNNING, progress=10))
    ]
    while waited + step["seconds"] < 300:
        waited += step["seconds"]
        world.now += step["seconds"]
        looks += 1
        step = await check_video(world.services, ref(video))
    assert looks + 1 <= 4
