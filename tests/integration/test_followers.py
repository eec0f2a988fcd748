"""Following videos, whoever changes them: two stores stand for two processes."""

from __future__ import annotations

import pytest
from azure.data.tables.aio import TableServiceClient

from dailies.stores.followers import Follower, Followers, TooManyFollowers
from dailies.stores.records import RecordStore
from dailies.video.basics import Phase, Size, VideoError, new_id
from dailies.video.record import VideoRecord, VideoRequest

NOW = 1_795_262_400.0
_owners = iter(f"follower-{number}" for number in range(1000))


@pytest.fixture
def owner() -> str:
    """An owner without videos: the tests share the tables."""
    return next(_owners)


@pytest.fixture
def records(tables: TableServiceClient) -> RecordStore:
    return RecordStore(tables)


@pytest.fixture
def elsewhere(tables: TableServiceClient) -> RecordStore:
    """What another process writes with."""
    return RecordStore(tables)


@pytest.fixture
def followers(records: RecordStore) -> Followers:
    return Followers(records, most=3, clock=lambda: NOW)


def _video(owner: str, at: float = NOW) -> VideoRecord:
    request = VideoRequest(model="sora-2", prompt="A pier", seconds=4, size=Size(720, 1280))
    return VideoRecord(id=new_id(at), owner=owner, created_at=at, request=request)


def _waiting(record: VideoRecord) -> VideoRecord:
    return record.moved_to(Phase.WAITING)


def _ended(record: VideoRecord) -> VideoRecord:
    return record.failed(VideoError("x", "y"), NOW)


async def _phases(follower: Follower) -> dict[str, Phase | None]:
    changes = await follower.changes(within=0)
    return {i: None if record is None else record.phase for i, record in changes}


async def test_what_this_process_writes_is_told_at_once(
    followers: Followers, records: RecordStore, owner: str
) -> None:
    video, other = _video(owner), _video(owner)
    for each in (video, other):
        await records.insert(each)
    with followers.follow(owner, video.id) as follower:
        await records.update(owner, video.id, _waiting)
        await records.update(owner, other.id, _waiting)
        assert await _phases(follower) == {video.id: Phase.WAITING}


@pytest.mark.parametrize("age", [0, 7200])
async def test_what_another_process_writes_is_found(
    followers: Followers, elsewhere: RecordStore, owner: str, age: float
) -> None:
    video = _video(owner, NOW - age)
    await elsewhere.insert(video)
    with followers.follow(owner, None) as follower:
        await followers.catch_up(owner, follower, since=None)
        assert await _phases(follower) == {video.id: Phase.ACCEPTED}
        await followers.look()
        assert await _phases(follower) == {}
        await elsewhere.update(owner, video.id, _waiting)
        await followers.look()
        assert await _phases(follower) == {video.id: Phase.WAITING}
        await elsewhere.update(owner, video.id, _ended)
        await followers.look()
        assert await _phases(follower) == {video.id: Phase.FAILED}


async def test_a_new_video_is_found_also_if_it_has_ended_meanwhile(
    followers: Followers, elsewhere: RecordStore, owner: str
) -> None:
    with followers.follow(owner, None) as follower:
        quick, slow = _video(owner), _video(owner)
        for each in (quick, slow):
            await elsewhere.insert(each)
        await elsewhere.update(owner, quick.id, _ended)
        await followers.look()
        assert await _phases(follower) == {quick.id: Phase.FAILED, slow.id: Phase.ACCEPTED}


async def test_one_that_is_deleted_is_gone(
    followers: Followers, elsewhere: RecordStore, owner: str
) -> None:
    video = _video(owner)
    await elsewhere.insert(video)
    with followers.follow(owner, None) as follower:
        await followers.look()
        assert await _phases(follower) == {video.id: Phase.ACCEPTED}
        await elsewhere.update(
            owner, video.id, lambda record: record.model_copy(update={"withdrawn_at": NOW})
        )
        await followers.look()
        assert await _phases(follower) == {video.id: None}


async def test_one_who_comes_back_is_told_what_has_ended_meanwhile(
    followers: Followers, elsewhere: RecordStore, owner: str, tables: TableServiceClient
) -> None:
    video = _video(owner)
    await elsewhere.insert(video)
    await elsewhere.update(owner, video.id, _ended)
    with followers.follow(owner, None) as follower:
        await followers.catch_up(owner, follower, since=None)
        assert await _phases(follower) == {}
        await followers.catch_up(owner, follower, since=NOW)
        assert await _phases(follower) == {video.id: Phase.FAILED}


async def test_others_videos_are_nobody_s_news(
    followers: Followers, elsewhere: RecordStore, owner: str
) -> None:
    with followers.follow(owner, None) as follower:
        await elsewhere.insert(_video("somebody-else"))
        await followers.look()
        assert await _phases(follower) == {}


async def test_nobody_is_asked_for_when_nobody_follows(
    followers: Followers, records: RecordStore, owner: str
) -> None:
    video = _video(owner)
    await records.insert(video)
    with followers.follow(owner, video.id):
        assert followers.count == 1
    assert followers.count == 0
    await records.update(owner, video.id, _waiting)


async def test_there_are_no_more_than_there_may_be(followers: Followers, owner: str) -> None:
    with (
        followers.follow(owner, None),
        followers.follow(owner, None),
        followers.follow("b", None),
        pytest.raises(TooManyFollowers),
        followers.follow("c", None),
    ):
        pass
    with followers.follow("c", None):
        assert followers.count == 1
