"""One activity takes a video through its life, and is safe to repeat at any instant of it."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from azure.core.exceptions import ServiceRequestError

from dailies.engine import Doing, Step, done
from dailies.pipeline.advance import advance_video
from dailies.providers.outcomes import JobStatus, Kind, Outcome, UpstreamJob
from dailies.video.basics import Phase, Variant, VideoError
from dailies.video.errors import Conflict
from dailies.video.record import VideoRecord
from tests.unit.pipeline.provider import LOST, Behaviour
from tests.unit.pipeline.schedule import Crash, Scheduler
from tests.unit.pipeline.test_never_pay_twice import CREATES, CrashAt
from tests.unit.pipeline.world import World, ref

REFUSED = Behaviour(False, Outcome(Kind.REFUSED, code="moderation_blocked", message="No."))
_TOPIC_DOWN = ServiceRequestError("the topic does not answer")


def _free() -> World:
    """A world whose deployments have no quota of ours."""
    return World(DAILIES_ENFORCE_QUOTA=False)


def _job(status: JobStatus, **fields: Any) -> Outcome:
    job = UpstreamJob(id="video_job_0", status=status, created_at=0.0, **fields)
    return Outcome(Kind.ACCEPTED, job=job)


class Orchestrator:
    """Calls the activity as the orchestrator does; every question for a place is granted."""

    def __init__(self, world: World, video: VideoRecord, doing: Doing = Doing.SUBMITTING) -> None:
        self.world, self.video = world, video
        self.steps: list[Step] = []
        self._doing, self._attempt, self._place = doing, 0, "first"

    async def call(self, **extra: Any) -> Step:
        """One call of the activity."""
        video = ref(
            self.video, doing=self._doing, attempt=self._attempt, place=self._place, **extra
        )
        step = await advance_video(self.world.services, video)
        self._doing = step.get("doing", self._doing)
        self._attempt = step.get("attempt", 0)
        self.steps.append(step)
        return step

    async def to_the_end(self, *, restart_after: float = 1, most_calls: int = 300) -> Step:
        """Calls until the video is over; after a crash again."""
        for _ in range(most_calls):
            try:
                step = await self.call()
            except Crash:
                self.world.now += restart_after
                self._attempt += 1
                continue
            if step["kind"] == "done":
                return step
            self.world.now += step.get("seconds", 0.0)
        raise AssertionError("it does not end")


def _types(world: World) -> list[str]:
    return [event.type.rpartition(".")[2] for event in world.events.taken]


async def test_two_calls_make_a_video_whose_deployment_has_no_quota() -> None:
    world = _free()
    video = await world.accepted()
    hub = Orchestrator(world, video)
    assert await hub.to_the_end() == done()
    sent, _ = hub.steps
    assert (sent["doing"], sent["holds"]) == (Doing.RENDERING, True)
    record = await world.record(video.id)
    assert (record.phase, record.cost_usd) == (Phase.DONE, 0.4)
    assert set(record.files) >= {Variant.VIDEO, Variant.THUMBNAIL}
    assert _types(world) == ["accepted", "submitted", "completed"]


async def test_a_place_is_given_back_before_the_files_are_fetched() -> None:
    world = World()
    video = await world.accepted()
    hub = Orchestrator(world, video)
    await hub.to_the_end()
    sent, rendered, _ = hub.steps
    assert rendered["release"] == {"deployment": "first", "took": pytest.approx(sent["seconds"])}
    assert (rendered["doing"], rendered["seconds"]) == (Doing.ARCHIVING, 0)


async def test_a_job_that_gives_no_video_gives_its_place_back_with_the_end() -> None:
    world = World()
    world.provider.statuses["*"] = [
        _job(JobStatus.FAILED, error_code="moderation_blocked", error_message="No.")
    ]
    video = await world.accepted()
    end = await Orchestrator(world, video).to_the_end()
    assert end["error"]["code"] == "moderation_blocked"
    assert end["release"] == {"deployment": "first", "took": None}
    assert _types(world)[-1] == "failed"


async def test_without_a_place_nothing_is_sent_and_it_is_asked_for() -> None:
    world = World()
    video = await world.accepted()
    step = await advance_video(world.services, ref(video, doing=Doing.SUBMITTING, place=None))
    place = step["place"]
    assert place is not None
    assert (step["kind"], place["deployment"]) == ("wait", "first")
    assert not world.provider.submissions


async def test_who_waits_for_a_place_is_announced_meanwhile() -> None:
    world = World()
    video = await world.accepted()
    step = await Orchestrator(world, video).call(waiting=True)
    assert step["kind"] == "wait"
    assert _types(world) == ["accepted"]
    assert (await world.record(video.id)).phase is Phase.WAITING
    assert not world.provider.submissions


async def test_a_refusal_ends_the_video_in_the_call_that_met_it() -> None:
    world = World()
    world.provider.behaviours = [REFUSED]
    video = await world.accepted()
    (end,) = [await Orchestrator(world, video).call()]
    assert (end["kind"], end["error"]["code"]) == ("done", "moderation_blocked")
    assert (await world.record(video.id)).phase is Phase.FAILED
    assert _types(world) == ["accepted", "failed"]


async def test_every_phase_counts_its_own_tries() -> None:
    """A long render must not use up the tries that its files have."""
    world = _free()
    world.provider.statuses["*"] = [
        *[_job(JobStatus.RUNNING, progress=10)] * 12,
        _job(JobStatus.COMPLETED, progress=100),
    ]
    world.provider.files[Variant.VIDEO] = Outcome(Kind.MISSING, code="not_found")
    video = await world.accepted()
    hub = Orchestrator(world, video)
    assert (await hub.to_the_end())["error"]["code"] == "expired"
    polls = [step for step in hub.steps if step.get("doing") == Doing.RENDERING]
    assert [step["attempt"] for step in polls] == [*range(13)]
    fetches = [step for step in hub.steps if step.get("doing") == Doing.ARCHIVING]
    assert [step["attempt"] for step in fetches] == [1, 2, 3, 4]


async def test_a_topic_that_is_down_holds_no_video_up_and_is_tried_eight_times_at_the_end() -> None:
    world = _free()
    world.events.failures = [_TOPIC_DOWN] * 100
    video = await world.accepted()
    hub = Orchestrator(world, video)
    assert (await hub.call())["doing"] == Doing.RENDERING
    assert (await hub.to_the_end())["kind"] == "done"
    assert (await world.record(video.id)).phase is Phase.DONE
    # After the request, and at the end.
    assert 100 - len(world.events.failures) == 1 + 8
    assert [v.id async for v in world.services.records.open.videos()] == [video.id]


async def test_what_could_not_be_announced_goes_out_at_the_end() -> None:
    world = _free()
    world.events.failures = [_TOPIC_DOWN] * 3
    video = await world.accepted()
    await Orchestrator(world, video).to_the_end()
    assert _types(world) == ["accepted", "submitted", "completed"]
    assert [v.id async for v in world.services.records.open.videos()] == []


@pytest.mark.parametrize("rendered", [False, True])
async def test_a_cancelled_video_ends_whatever_it_is_about(*, rendered: bool) -> None:
    world = World()
    video = await world.accepted()
    hub = Orchestrator(world, video)
    await hub.call()
    if rendered:
        await hub.call()
    await world.services.records.update(
        video.owner, video.id, lambda now: now.model_copy(update={"cancel_requested": True})
    )
    end = await hub.call(woken=True)
    assert (end["kind"], end["error"]["code"]) == ("done", "cancelled")
    assert world.provider.cancelled == ["video_job_0"]
    assert (await world.record(video.id)).phase is Phase.CANCELLED
    assert _types(world)[-1] == "cancelled"


async def test_one_that_is_cancelled_before_it_is_sent_never_is() -> None:
    world = World()
    video = await world.accepted(cancel_requested=True)
    end = await Orchestrator(world, video).call(woken=True)
    assert (end["kind"], end["error"]["code"]) == ("done", "cancelled")
    assert not world.provider.submissions


async def test_a_woken_video_that_was_not_cancelled_asks_for_its_place() -> None:
    world = World()
    video = await world.accepted()
    step = await advance_video(
        world.services, ref(video, doing=Doing.SUBMITTING, woken=True, place=None)
    )
    assert (step["kind"], step["seconds"]) == ("wait", 0)
    assert not world.provider.submissions


async def test_an_ended_video_is_announced_and_one_that_is_gone_is_over() -> None:
    world = World()
    failed = VideoError("internal_error", "It broke.")
    ended = (await world.accepted()).failed(failed, world.now)
    await world.services.records.update(ended.owner, ended.id, lambda _: ended)
    end = await advance_video(world.services, ref(ended))
    assert end == {**done(), "error": {"code": "internal_error", "message": "It broke."}}
    assert _types(world) == ["accepted", "failed"]
    gone = ref(ended.model_copy(update={"id": f"video_{1:032x}"}))
    assert await advance_video(world.services, gone) == done()


async def _points(behaviour: Behaviour) -> int:
    world = _free()
    world.provider.behaviours = [behaviour]
    video = await world.accepted()
    counter = CrashAt()
    world.go_wrong(counter)
    await Orchestrator(world, video).to_the_end()
    return counter.passed


@pytest.mark.parametrize("restart_after", [0.1, 400])
@pytest.mark.parametrize("name", CREATES)
async def test_a_crash_at_any_call_loses_nothing_and_pays_once(
    name: str, restart_after: float
) -> None:
    places = await _points(CREATES[name])
    assert places > 40
    for place in range(1, places + 1):
        world = _free()
        world.provider.behaviours = [CREATES[name]]
        video = await world.accepted()
        world.go_wrong(CrashAt(place))
        end = await Orchestrator(world, video).to_the_end(restart_after=restart_after)
        assert "error" not in end, f"crash at {place}"
        assert (await world.record(video.id)).phase is Phase.DONE, f"crash at {place}"
        assert list(world.provider.jobs) == await world.jobs_of([video]), f"crash at {place}"
        assert sorted(set(_types(world))) == ["accepted", "completed", "submitted"]


async def test_two_crashes_lose_nothing_and_pay_once() -> None:
    places = await _points(LOST)
    for first in range(1, places + 1, 5):
        for second in range(first + 1, first + places + 1, 7):
            world = _free()
            world.provider.behaviours = [LOST]
            video = await world.accepted()
            world.go_wrong(CrashAt(first, second))
            await Orchestrator(world, video).to_the_end()
            assert (await world.record(video.id)).phase is Phase.DONE, (first, second)
            assert list(world.provider.jobs) == await world.jobs_of([video]), (first, second)


async def _live(world: World, deal: Scheduler, video: VideoRecord) -> None:
    """Durable's part for one video: at least once, which at times is twice at once."""
    hub = Orchestrator(world, video)
    while True:
        if deal.chance(0.2):
            # An execution that was given up for dead, but goes on.
            deal.spawn(_zombie(hub))
        try:
            step = await hub.call()
        except (Crash, Conflict):
            await deal.sleep(5)
            continue
        if step["kind"] == "done":
            assert "error" not in step
            return
        await deal.sleep(step.get("seconds", 0.0))


async def _zombie(hub: Orchestrator) -> None:
    with contextlib.suppress(Crash, Conflict):
        await hub.call()


@pytest.mark.parametrize("seed", range(20))
async def test_many_videos_at_once_in_any_order_get_one_job_each_and_all_arrive(seed: int) -> None:
    world = World(DAILIES_SUBMIT_TIMEOUT_SECONDS=90, DAILIES_ENFORCE_QUOTA=False)
    world.provider.timeout = 90
    videos = []
    for prompt in ("one", "two", "two"):
        world.now += 0.01
        videos.append(await world.accepted(prompt))
    deal = Scheduler(world, seed, crash=0.02, stall=0.05)
    world.provider.behaviours = [
        [*CREATES.values()][(seed // 5**place + place) % 5] for place in range(6)
    ]
    for video in videos:
        deal.spawn(_live(world, deal, video))
    await deal.run()
    jobs = await world.jobs_of(videos)
    assert len(set(jobs)) == len(videos), "one job serves two videos"
    assert set(world.provider.jobs) == set(jobs), "a job was paid for and serves nobody"
    for video in videos:
        assert (await world.record(video.id)).phase is Phase.DONE
    assert len(set(world.events.ids)) == 3 * len(videos)
