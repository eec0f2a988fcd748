"""A record that is kept for one call of an activity is read once, and never believed too long."""

from __future__ import annotations

from collections import Counter

import pytest

from dailies.pipeline.advance import advance_video
from dailies.stores.kept import kept_records
from dailies.stores.rows import entity_of
from dailies.video.basics import Phase
from dailies.video.record import VideoRecord
from tests.unit.pipeline.world import OWNER, World, ref


class _Calls:
    """Counts what reaches the table of videos."""

    def __init__(self) -> None:
        self.made: Counter[str] = Counter()

    async def __call__(self, name: str) -> None:
        if name.startswith("videos.") and name.endswith("begins"):
            self.made[name.split(".")[1].split(" ")[0]] += 1


def _waiting(record: VideoRecord) -> VideoRecord:
    return record.moved_to(Phase.WAITING)


def _cancelled(record: VideoRecord) -> VideoRecord:
    return record.model_copy(update={"cancel_requested": True})


@pytest.fixture
async def kept() -> tuple[World, VideoRecord, _Calls]:
    """A world with a video, and what it reads and writes from now on."""
    world = World()
    video = await world.accepted()
    calls = _Calls()
    world.go_wrong(calls)
    return world, video, calls


Kept = tuple[World, VideoRecord, _Calls]


async def test_it_is_read_once_however_many_steps_begin_with_it(kept: Kept) -> None:
    world, video, calls = kept
    records = world.services.records
    with kept_records():
        await records.get(OWNER, video.id)
        await records.update(OWNER, video.id, _waiting)
        await records.update(OWNER, video.id, _cancelled)
        found = await records.get(OWNER, video.id)
    assert found is not None
    assert (found.phase, found.cancel_requested) == (Phase.WAITING, True)
    assert calls.made == {"get": 1, "update": 2}
    assert await world.record(video.id) == found


async def test_without_it_every_read_is_one(kept: Kept) -> None:
    world, video, calls = kept
    for _ in range(3):
        await world.services.records.get(OWNER, video.id)
    assert calls.made == {"get": 3}


async def test_what_another_wrote_meanwhile_is_not_lost(kept: Kept) -> None:
    world, video, calls = kept
    records = world.services.records
    with kept_records():
        await records.get(OWNER, video.id)
        _behind_its_back(world, video.model_copy(update={"cancel_requested": True}))
        written = await records.update(OWNER, video.id, _waiting)
    assert written is not None
    assert (written.phase, written.cancel_requested) == (Phase.WAITING, True)
    assert calls.made["update"] == 2


async def test_that_there_is_nothing_to_change_is_looked_at_anew(kept: Kept) -> None:
    world, video, _ = kept
    records = world.services.records
    with kept_records():
        await records.update(OWNER, video.id, _waiting)
        _behind_its_back(world, video)
        written = await records.update(OWNER, video.id, _waiting)
    assert written is not None
    assert (await world.record(video.id)).phase is Phase.WAITING


async def test_it_can_be_read_anew(kept: Kept) -> None:
    world, video, _ = kept
    with kept_records():
        await world.services.records.get(OWNER, video.id)
        _behind_its_back(world, video.model_copy(update={"cancel_requested": True}))
        found = await world.services.records.get(OWNER, video.id, anew=True)
    assert found is not None
    assert found.cancel_requested


async def test_nobody_is_given_the_record_of_another_owner(kept: Kept) -> None:
    world, video, _ = kept
    with kept_records():
        await world.services.records.get(OWNER, video.id)
        assert await world.services.records.get("mallory", video.id) is None


async def test_one_that_is_gone_is_gone(kept: Kept) -> None:
    world, video, _ = kept
    records = world.services.records
    with kept_records():
        await records.get(OWNER, video.id)
        world.tables.tables["videos"].rows.clear()
        assert await records.update(OWNER, video.id, _waiting) is None
        assert await records.get(OWNER, video.id) is None


async def test_a_video_cancelled_after_its_record_was_read_is_not_sent(kept: Kept) -> None:
    world, video, _ = kept

    async def cancel(name: str) -> None:
        if name == "videos.get ended":
            _behind_its_back(world, video.model_copy(update={"cancel_requested": True}))

    world.go_wrong(cancel)
    await advance_video(world.services, ref(video, place="first"))
    assert not world.provider.submissions


def _behind_its_back(world: World, record: VideoRecord) -> None:
    """Another process writes the record."""
    table = world.tables.tables["videos"]
    key = (record.owner, f"v:{record.id}")
    table.rows[key] = (entity_of(record), "W/another")
