"""One accepted request makes at most one paid job, whatever dies and whenever."""

from __future__ import annotations

from collections import Counter

import pytest

from dailies.engine import Step
from dailies.pipeline.submit import submit_video
from dailies.providers.outcomes import Kind, Outcome
from dailies.video.basics import VideoError
from dailies.video.record import VideoRecord
from tests.unit.pipeline.provider import ACCEPT, LOST, RESET, Behaviour
from tests.unit.pipeline.schedule import Crash, Scheduler
from tests.unit.pipeline.world import World, ref

THROTTLED = Behaviour(False, Outcome(Kind.THROTTLED, retry_after=20, code="rate_limit"))
TRANSIENT = Behaviour(False, Outcome(Kind.TRANSIENT, code="connection_failed"))
CREATES = {
    "accepted": ACCEPT,
    "taken, but the answer was lost": LOST,
    "lost before it was taken": RESET,
    "throttled": THROTTLED,
    "no connection": TRANSIENT,
}


class CrashAt:
    """Dies at these points, counted as they are passed."""

    def __init__(self, *places: int) -> None:
        self.places = places
        self.passed = 0

    async def __call__(self, name: str) -> None:
        self.passed += 1
        if self.passed in self.places:
            raise Crash(name)


async def submit_to_the_end(world: World, video: VideoRecord, *, restart_after: float) -> Step:
    """Repeat the step as its orchestration does: after a pause, and after a crash."""
    for _ in range(200):
        try:
            step = await submit_video(world.services, ref(video))
        except Crash:
            world.now += restart_after
            continue
        if step["kind"] != "wait":
            return step
        world.now += step.get("seconds", 0.0)
    raise AssertionError("it does not end")


async def _points(behaviour: Behaviour) -> int:
    world = World()
    world.provider.behaviours = [behaviour]
    video = await world.accepted()
    counter = CrashAt()
    world.go_wrong(counter)
    await submit_to_the_end(world, video, restart_after=1)
    return counter.passed


@pytest.mark.parametrize("restart_after", [0.1, 40, 400])
@pytest.mark.parametrize("name", CREATES)
async def test_a_crash_at_any_call_leaves_one_job(name: str, restart_after: float) -> None:
    places = await _points(CREATES[name])
    assert places > 8
    for place in range(1, places + 1):
        world = World()
        world.provider.behaviours = [CREATES[name]]
        video = await world.accepted()
        world.go_wrong(CrashAt(place))
        step = await submit_to_the_end(world, video, restart_after=restart_after)
        assert step["kind"] == "done", f"crash at {place}"
        assert list(world.provider.jobs) == await world.jobs_of([video]), f"crash at {place}"


async def test_two_crashes_leave_one_job() -> None:
    places = await _points(LOST)
    for first in range(1, places + 1):
        for second in range(first + 1, first + places + 1):
            world = World()
            world.provider.behaviours = [LOST]
            video = await world.accepted()
            world.go_wrong(CrashAt(first, second))
            await submit_to_the_end(world, video, restart_after=1)
            assert list(world.provider.jobs) == await world.jobs_of([video]), (first, second)


async def _orchestrate(world: World, deal: Scheduler, video: VideoRecord) -> None:
    """Durable's part for one video: at least once, which at times is twice at once."""
    while True:
        if deal.chance(0.2):
            # An execution that was given up for dead, but goes on.
            deal.spawn(_zombie(world, video))
        try:
            step = await submit_video(world.services, ref(video))
        except Crash:
            await deal.sleep(5)
            continue
        if step["kind"] != "wait":
            assert step["kind"] == "done"
            return
        await deal.sleep(step.get("seconds", 0.0))


async def _zombie(world: World, video: VideoRecord) -> None:
    try:
        await submit_video(world.services, ref(video))
    except Crash:
        return


@pytest.mark.parametrize("seed", range(60))
@pytest.mark.parametrize("prompts", [["one", "two", "three"], ["the same"] * 4])
async def test_many_videos_in_any_order_get_one_job_each(prompts: list[str], seed: int) -> None:
    world = World(DAILIES_SUBMIT_TIMEOUT_SECONDS=90)
    world.provider.timeout = 90
    videos = []
    for prompt in prompts:
        world.now += 0.01
        videos.append(await world.accepted(prompt))
    deal = Scheduler(world, seed, crash=0.04, stall=0.1)
    world.provider.behaviours = [
        (ACCEPT, LOST, RESET, THROTTLED, TRANSIENT)[(seed // 5**place + place) % 5]
        for place in range(8)
    ]
    for video in videos:
        deal.spawn(_orchestrate(world, deal, video))
    await deal.run()
    jobs = await world.jobs_of(videos)
    assert None not in jobs
    assert Counter(jobs).most_common(1)[0][1] == 1, "one job serves two videos"
    assert set(world.provider.jobs) == set(jobs), "a job was paid for and serves nobody"
    for video, job in zip(videos, jobs, strict=True):
        assert world.provider.jobs[str(job)].prompt == video.request.prompt


async def test_a_request_that_could_not_leave_in_time_is_not_sent() -> None:
    """The process slept between the mark and the request: others take it for lost by now."""
    world = World()
    video = await world.accepted()

    async def sleep_after_the_mark(name: str) -> None:
        if name == "videos.update ended":
            world.now += 100

    world.go_wrong(sleep_after_the_mark)
    step = await submit_video(world.services, ref(video))
    assert step["kind"] == "wait"
    assert not world.provider.submissions


async def test_nothing_is_adopted_while_the_own_request_may_be_under_way() -> None:
    world = World()
    first, second = await world.accepted(), await world.accepted()
    world.provider.behaviours = [LOST, RESET]
    await submit_video(world.services, ref(first))
    await submit_video(world.services, ref(second))
    step = await submit_video(world.services, ref(second))
    assert step["kind"] == "wait"
    assert await world.jobs_of([first, second]) == [None, None]


async def test_an_old_execution_does_not_clear_the_mark_of_a_new_one() -> None:
    """An answer that is handled after another execution has sent again changes nothing."""
    world = World()
    video = await world.accepted()
    world.provider.behaviours = [Behaviour(False, Outcome(Kind.TRANSIENT)), LOST]
    resent = False

    async def resend_before_the_answer_is_handled(name: str) -> None:
        nonlocal resent
        if name != "create ended" or resent:
            return
        resent = True
        for _ in range(3):  # it finds nothing twice, and sends again
            world.now += 100
            await submit_video(world.services, ref(video))
        await submit_video(world.services, ref(video))

    world.go_wrong(resend_before_the_answer_is_handled)
    await submit_video(world.services, ref(video))
    record = await world.record(video.id)
    assert record.submit.sending_since is not None
    assert record.submit.attempts == 2


async def test_a_video_that_ended_while_its_request_was_under_way_cancels_its_job() -> None:
    world = World()
    video = await world.accepted()

    async def end_it(name: str) -> None:
        if name == "create ended":
            record = await world.services.records.get(video.owner, video.id)
            assert record is not None
            cause = VideoError("cancelled", "An operator ended it.")
            await world.services.records.update(
                video.owner, video.id, lambda current: current.failed(cause, world.now)
            )

    world.go_wrong(end_it)
    await submit_video(world.services, ref(video))
    assert world.provider.cancelled == list(world.provider.jobs)
