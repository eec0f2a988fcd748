"""A video that is deleted while it runs: cancelled, told of and gone, whatever dies."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from dailies.engine import InstanceState
from dailies.pipeline.archive import archive_video
from dailies.pipeline.check import check_video
from dailies.pipeline.finish import finish_video
from dailies.pipeline.prepare import prepare_reference
from dailies.pipeline.publish import publish_events
from dailies.pipeline.remove import remove_video
from dailies.pipeline.submit import submit_video
from dailies.pipeline.sweep import sweep
from dailies.providers.outcomes import JobStatus, Kind, Outcome, UpstreamJob
from dailies.stores.tombstones import Removal
from dailies.video.framing import FitMode
from dailies.video.record import VideoRecord
from dailies.video.request import Input, InputKind, Role
from tests.pictures import png
from tests.unit.pipeline.memory import no_point
from tests.unit.pipeline.provider import LOST
from tests.unit.pipeline.schedule import Crash
from tests.unit.pipeline.test_sweep import Hub
from tests.unit.pipeline.world import World, ref

_RUNNING = Outcome(Kind.ACCEPTED, job=UpstreamJob(id="job", status=JobStatus.RUNNING))


async def _accepted(world: World) -> VideoRecord:
    return await world.accepted()


async def _being_sent(world: World) -> VideoRecord:
    """Its request was taken, and the answer was lost."""
    world.provider.behaviours = [LOST]
    video = await world.accepted()
    await submit_video(world.services, ref(video))
    return video


async def _rendering(world: World) -> VideoRecord:
    video = await world.accepted()
    await submit_video(world.services, ref(video))
    world.provider.statuses["*"] = [_RUNNING]
    world.now += 60
    return video


async def _archiving(world: World) -> VideoRecord:
    video = await world.accepted()
    await submit_video(world.services, ref(video))
    await check_video(world.services, ref(video))
    await world.files.put(f"{video.id}/video.mp4", b"stored", content_type="video/mp4")
    return video


BEGINNINGS = {
    "accepted": _accepted,
    "being sent": _being_sent,
    "rendering": _rendering,
    "archiving": _archiving,
}


async def _delete(world: World, video: VideoRecord) -> None:
    """As the API does; a caller who got no answer asks again."""
    services = world.services
    record = await services.tombstones.withdraw(video.owner, video.id, world.now)
    if record is None or record.is_final:
        await remove_video(services, video.owner, video.id, Removal.DELETED)


async def _live(world: World, video: VideoRecord) -> None:
    """The orchestration: every step in its order."""
    error: dict[str, str] | None = None
    for step in (submit_video, check_video, archive_video):
        last = await _repeat(world, step, video)
        if last["kind"] == "stop":
            error = last["error"]
            break
    await finish_video(world.services, ref(video, error=error))
    await publish_events(world.services, ref(video))


async def _repeat(world: World, step: Callable[..., Any], video: VideoRecord) -> Any:
    for _ in range(500):
        answer = await step(world.services, ref(video))
        if answer["kind"] != "wait":
            return answer
        world.now += max(answer["seconds"], 1)
    raise AssertionError(f"{step.__name__} does not end")


async def _though_it_crashes(
    work: Callable[[World, VideoRecord], Any], world: World, video: VideoRecord
) -> bool:
    """Do it, again after a crash; whether there was one."""
    try:
        await work(world, video)
    except Crash:
        await work(world, video)
        return True
    return False


@pytest.mark.parametrize("beginning", BEGINNINGS)
async def test_a_crash_at_any_call_leaves_nothing_undone(beginning: str) -> None:
    for place in range(1, 200):
        world, hub = World(), Hub()
        video = await BEGINNINGS[beginning](world)
        passed = 0

        async def crash(name: str, place: int = place) -> None:
            nonlocal passed
            passed += 1
            if passed == place:
                raise Crash

        world.go_wrong(crash)
        crashed = await _though_it_crashes(_delete, world, video)
        world.go_wrong(no_point)
        seen = await world.services.tombstones.get(video.owner, video.id)
        assert seen is not None, "it is not gone at once"
        world.go_wrong(crash)
        crashed = await _though_it_crashes(_live, world, video) or crashed
        world.go_wrong(no_point)
        hub.states[video.id] = InstanceState.COMPLETED
        world.now += 300
        await sweep(world.services, hub)
        await _assert_gone(world, video)
        if not crashed:
            assert place > 15
            return
    raise AssertionError("it never came to its end without a crash")


async def _assert_gone(world: World, video: VideoRecord) -> None:
    services = world.services
    assert await services.records.get(video.owner, video.id) is None
    tombstone = await services.tombstones.get(video.owner, video.id)
    assert tombstone is not None
    assert tombstone.is_settled
    assert [v async for v in services.records.open.videos()] == []
    assert not world.files.files
    assert set(world.provider.cancelled) == set(world.provider.jobs)
    kinds = list(dict.fromkeys(i.removeprefix(f"{video.id}.") for i in world.events.ids))
    submitted = ["submitted"] if world.provider.jobs else []
    assert kinds == ["accepted", *submitted, "cancelled", "deleted"]


@pytest.mark.parametrize("state", [InstanceState.MISSING, InstanceState.FAILED])
async def test_a_video_without_its_orchestration_is_given_a_new_one(state: InstanceState) -> None:
    world, hub = World(), Hub()
    video = await _rendering(world)
    await _delete(world, video)
    hub.states[video.id] = state
    world.now += 300
    assert await sweep(world.services, hub) == {"started": 1}
    await _live(world, video)
    await _assert_gone(world, video)


async def test_a_video_whose_orchestration_was_terminated_is_seen_to_by_the_sweeper() -> None:
    world, hub = World(), Hub()
    video = await _being_sent(world)
    await _delete(world, video)
    hub.states[video.id] = InstanceState.TERMINATED
    for _ in range(5):
        world.now += 300
        await sweep(world.services, hub)
    await _assert_gone(world, video)


async def test_a_topic_that_is_down_leaves_it_to_the_sweeper() -> None:
    world, hub = World(), Hub()
    video = await _rendering(world)
    await _delete(world, video)
    world.events.failures = [Crash()]
    with pytest.raises(Crash):
        await _live(world, video)
    hub.states[video.id] = InstanceState.COMPLETED
    world.now += 300
    await sweep(world.services, hub)
    await _assert_gone(world, video)


async def test_the_end_may_come_first() -> None:
    """The video is complete at the moment at which it is to be deleted."""
    world = World()
    video = await _archiving(world)
    once = False

    async def end_it(name: str) -> None:
        nonlocal once
        if name == "videos.transaction begins" and not once:
            once = True
            await _live(world, video)

    world.go_wrong(end_it)
    await _delete(world, video)
    world.go_wrong(no_point)
    assert await world.services.records.get(video.owner, video.id) is None
    kinds = [i.removeprefix(f"{video.id}.") for i in world.events.ids]
    assert kinds == ["accepted", "submitted", "completed", "deleted"]
    assert not world.files.files


async def test_an_execution_that_comes_late_leaves_no_file_behind() -> None:
    """It stores what it fetched after the video was cancelled, announced and removed."""
    world = World()
    video = await _archiving(world)
    await _delete(world, video)
    # Before it looked: a late execution thinks that the video is wanted.
    await world.services.records.update(
        video.owner, video.id, lambda r: r.model_copy(update={"cancel_requested": False})
    )
    ended = False

    async def end_it(name: str) -> None:
        nonlocal ended
        if name.startswith("store") and not ended:
            ended = True
            await world.services.records.update(
                video.owner, video.id, lambda r: r.model_copy(update={"cancel_requested": True})
            )
            await finish_video(world.services, ref(video, error=None))
            await publish_events(world.services, ref(video))

    world.go_wrong(end_it)
    await archive_video(world.services, ref(video))
    assert ended
    assert not world.files.files


async def test_an_image_that_is_fitted_late_is_not_left_behind_either() -> None:
    world = World()
    image = await world.files.put("given", png(1), content_type="image/png")
    video = await world.accepted()
    first = Input(role=Role.FIRST, type=InputKind.IMAGE, file=image, fit=FitMode.COVER)
    request = video.request.model_copy(update={"inputs": (first,)})
    await world.services.records.update(
        video.owner, video.id, lambda r: r.model_copy(update={"request": request})
    )
    ended = False

    async def end_it(name: str) -> None:
        nonlocal ended
        if name.startswith("put") and not ended:
            ended = True
            await _delete(world, video)
            await finish_video(world.services, ref(video, error=None))
            await publish_events(world.services, ref(video))

    world.go_wrong(end_it)
    await prepare_reference(world.services, ref(video))
    assert ended
    assert set(world.files.files) == {image.blob}
