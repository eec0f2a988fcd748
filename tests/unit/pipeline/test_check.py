"""Every way in which a render can go on or end."""

from __future__ import annotations

import json

import pytest

from dailies.pipeline.check import check_video
from dailies.providers.outcomes import JobStatus, Kind, Outcome, UpstreamJob
from dailies.video.basics import Phase
from dailies.video.record import VideoRecord
from tests.unit.pipeline.world import START, World, ref


async def _rendering(world: World, *, cancel: bool = False) -> VideoRecord:
    record = await world.accepted(phase=Phase.RENDERING, cancel_requested=cancel)
    updated = await world.services.records.update(
        record.owner,
        record.id,
        lambda r: r.with_submit(deployment="first", job_id="job", submitted_at=START),
    )
    assert updated is not None
    return updated


def _job(status: JobStatus, **fields: object) -> Outcome:
    return Outcome(Kind.ACCEPTED, job=UpstreamJob(id="job", status=status, **fields))  # type: ignore[arg-type] # of the tests' literals


async def test_a_complete_render_is_noted_once() -> None:
    world = World()
    video = await _rendering(world)
    world.provider.statuses["job"] = [_job(JobStatus.COMPLETED, expires_at=START + 86_400)]
    assert (await check_video(world.services, ref(video)))["kind"] == "done"
    record = await world.record(video.id)
    assert (record.phase, record.progress, record.rendered_at) == (Phase.ARCHIVING, 99, START)
    world.provider.statuses["job"] = [Outcome(Kind.MISSING)]
    assert (await check_video(world.services, ref(video)))["kind"] == "done"


@pytest.mark.parametrize("status", [JobStatus.QUEUED, JobStatus.RUNNING, JobStatus.UNKNOWN])
async def test_a_running_job_is_looked_at_again(status: JobStatus) -> None:
    world = World()
    video = await _rendering(world)
    world.provider.statuses["job"] = [_job(status, progress=45)]
    step = await check_video(world.services, ref(video))
    assert step["kind"] == "wait"
    assert 1 <= step["seconds"] <= 30
    assert (await world.record(video.id)).progress == 45


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (JobStatus.FAILED, "moderation_blocked", "moderation_blocked"),
        (JobStatus.FAILED, None, "job_failed"),
        (JobStatus.CANCELLED, None, "job_cancelled"),
        (JobStatus.EXPIRED, None, "job_expired"),
    ],
)
async def test_a_job_that_ended_badly_ends_the_video(
    status: JobStatus, code: str | None, expected: str
) -> None:
    world = World()
    video = await _rendering(world)
    world.provider.statuses["job"] = [_job(status, error_code=code)]
    step = await check_video(world.services, ref(video))
    assert step["kind"] == "stop"
    assert step["error"]["code"] == expected


async def test_a_job_just_created_may_not_be_readable_yet_but_a_vanished_one_ends() -> None:
    world = World()
    video = await _rendering(world)
    world.provider.statuses["job"] = [Outcome(Kind.MISSING)]
    world.now = START + 5
    assert (await check_video(world.services, ref(video)))["kind"] == "wait"
    world.now = START + 60
    step = await check_video(world.services, ref(video))
    assert step["error"]["code"] == "job_vanished"


@pytest.mark.parametrize("kind", [Kind.TRANSIENT, Kind.UNAUTHORISED, Kind.THROTTLED])
async def test_trouble_is_waited_out_up_to_the_deadline(kind: Kind) -> None:
    world = World()
    video = await _rendering(world)
    world.provider.statuses["job"] = [Outcome(kind, retry_after=70)]
    step = await check_video(world.services, ref(video))
    assert (step["kind"], step["seconds"]) == ("wait", 70)
    world.now = START + 3601
    step = await check_video(world.services, ref(video))
    assert step["error"]["code"] == "timeout"
    assert world.provider.cancelled == ["job"]


async def test_a_cancelled_video_is_stopped_upstream() -> None:
    world = World()
    video = await _rendering(world, cancel=True)
    step = await check_video(world.services, ref(video))
    assert step["error"]["code"] == "cancelled"
    assert world.provider.cancelled == ["job"]


async def test_a_provider_that_can_not_be_told_to_stop_is_told_of_once_for_each_reason(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO", logger="dailies")
    world = World()
    video = await _rendering(world, cancel=True)
    busy = Outcome(Kind.TRANSIENT, code="server_error", http_status=503)
    slow = Outcome(Kind.THROTTLED, code="rate_limited", http_status=429)
    world.provider.cancel_answers = [busy] * 5 + [slow] * 5 + [busy]
    for _ in range(11):
        assert (await check_video(world.services, ref(video)))["kind"] == "wait"
        world.now += 5
    step = await check_video(world.services, ref(video))
    assert step["error"]["code"] == "cancelled"
    lines = [json.loads(record.getMessage()) for record in caplog.records]
    told = [(e["event"], e.get("code")) for e in lines if e["event"].startswith("upstream_")]
    assert told == [
        ("upstream_not_cancelled", "server_error"),
        ("upstream_not_cancelled", "rate_limited"),
        ("upstream_not_cancelled", "server_error"),
        ("upstream_cancelled", None),
    ]


async def test_a_job_that_is_done_may_be_late_with_its_video() -> None:
    world = World()
    video = await _rendering(world)
    empty = _job(JobStatus.FAILED, error_code="no_video")
    world.provider.statuses["job"] = [empty]
    assert (await check_video(world.services, ref(video)))["kind"] == "wait"
    world.now += 30
    world.provider.statuses["job"] = [_job(JobStatus.COMPLETED)]
    assert (await check_video(world.services, ref(video)))["kind"] == "done"
    assert (await world.record(video.id)).submit.job_end is None


async def test_a_job_that_stays_without_a_video_ends_it() -> None:
    world = World()
    video = await _rendering(world)
    world.provider.statuses["job"] = [_job(JobStatus.FAILED, error_code="no_video")]
    assert (await check_video(world.services, ref(video)))["kind"] == "wait"
    world.now += 59
    assert (await check_video(world.services, ref(video)))["kind"] == "wait"
    world.now += 2
    step = await check_video(world.services, ref(video))
    assert step["kind"] == "stop"
    assert step["error"]["code"] == "no_video"
