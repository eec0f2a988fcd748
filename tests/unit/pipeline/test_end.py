"""Ending and announcing: one terminal state, and every event at least once with the same id."""

from __future__ import annotations

from collections import Counter

import pytest
from azure.core.exceptions import HttpResponseError, ServiceRequestError

from dailies.pipeline.finish import finish_video
from dailies.pipeline.publish import publish_events
from dailies.video.basics import Phase, Status, Variant
from dailies.video.record import StoredFile, VideoRecord
from tests.unit.pipeline.memory import no_point
from tests.unit.pipeline.schedule import Crash
from tests.unit.pipeline.world import World, ref

FAILED = {"code": "moderation_blocked", "message": "Change the prompt."}
CANCELLED = {"code": "cancelled", "message": "It was cancelled."}
FILE = StoredFile(blob="v/video.mp4", content_type="video/mp4", bytes=3, sha256="ab", etag="0x1")


async def _archived(world: World) -> VideoRecord:
    record = await world.accepted(phase=Phase.ARCHIVING, files={Variant.VIDEO: FILE})
    updated = await world.services.records.update(
        record.owner, record.id, lambda r: r.with_submit(deployment="first", job_id="job")
    )
    assert updated is not None
    return updated


async def test_a_complete_video_is_done_with_its_price() -> None:
    world = World()
    video = await _archived(world)
    await finish_video(world.services, ref(video, error=None))
    record = await world.record(video.id)
    assert (record.phase, record.progress, record.cost_usd) == (Phase.DONE, 100, 0.4)
    assert record.completed_at == world.now


async def test_without_its_file_a_video_is_never_completed() -> None:
    world = World()
    video = await world.accepted(phase=Phase.ARCHIVING)
    await finish_video(world.services, ref(video, error=None))
    record = await world.record(video.id)
    assert record.status is Status.FAILED
    assert record.error is not None
    assert record.error.code == "internal_error"


@pytest.mark.parametrize("first", [None, FAILED, CANCELLED])
@pytest.mark.parametrize("second", [None, FAILED, CANCELLED])
async def test_the_first_end_is_the_only_one(
    first: dict[str, str] | None, second: dict[str, str] | None
) -> None:
    world = World()
    video = await _archived(world)
    await finish_video(world.services, ref(video, error=first))
    ended = await world.record(video.id)
    world.now += 10
    await finish_video(world.services, ref(video, error=second))
    assert await world.record(video.id) == ended


async def test_every_event_is_published_once_and_the_video_needs_no_more_care() -> None:
    world = World()
    video = await _archived(world)
    await finish_video(world.services, ref(video, error=None))
    for _ in range(3):
        assert (await publish_events(world.services, ref(video)))["kind"] == "done"
    assert world.events.ids == [
        f"{video.id}.accepted",
        f"{video.id}.submitted",
        f"{video.id}.completed",
    ]
    assert [v async for v in world.services.records.open.videos()] == []


async def test_a_video_stays_open_until_its_end_is_announced() -> None:
    world = World()
    video = await _archived(world)
    await publish_events(world.services, ref(video))
    assert [v.id async for v in world.services.records.open.videos()] == [video.id]


@pytest.mark.parametrize("error", [HttpResponseError("503"), ServiceRequestError("no route")])
async def test_a_dead_topic_asks_for_another_try_and_then_sends_the_same_ids(
    error: Exception,
) -> None:
    world = World()
    video = await _archived(world)
    await finish_video(world.services, ref(video, error=FAILED))
    world.events.failures = [error] * 3
    pauses = []
    for attempt in range(3):
        step = await publish_events(world.services, ref(video, attempt=attempt))
        assert step["kind"] == "wait"
        pauses.append(step["seconds"])
    assert pauses == [5, 10, 20]
    assert (await publish_events(world.services, ref(video, attempt=3)))["kind"] == "done"
    assert world.events.ids[-1] == f"{video.id}.failed"


async def test_a_crash_at_any_call_repeats_events_but_never_loses_or_renames_one() -> None:
    for place in range(1, 40):
        world = World()
        video = await _archived(world)
        passed = 0

        async def crash(name: str, place: int = place) -> None:
            nonlocal passed
            passed += 1
            if passed == place:
                raise Crash

        world.go_wrong(crash)
        for _ in range(2):
            try:
                await finish_video(world.services, ref(video, error=None))
                await publish_events(world.services, ref(video))
            except Crash:
                continue
            break
        world.go_wrong(no_point)
        counts = Counter(world.events.ids)
        assert set(counts) == {
            f"{video.id}.{kind}" for kind in ("accepted", "submitted", "completed")
        }
        assert max(counts.values()) <= 2
        assert [v async for v in world.services.records.open.videos()] == []
