"""Requests that are sent again, on tables as Azurite keeps them."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from collections.abc import Sequence

import pytest
from azure.data.tables.aio import TableServiceClient

from dailies.stores.records import RecordStore
from dailies.stores.resends import Sending
from dailies.stores.tombstones import TombstoneStore
from dailies.video.basics import Size, new_id
from dailies.video.errors import Conflict
from dailies.video.record import VideoRecord, VideoRequest

START = 1_795_262_400.0
_owners = itertools.count()


@pytest.fixture
def records(tables: TableServiceClient) -> RecordStore:
    return RecordStore(tables)


@pytest.fixture
def owner() -> str:
    """An owner without videos: the tests share the tables."""
    return f"owner-{next(_owners)}"


def _video(owner: str, request_hash: str = "h") -> VideoRecord:
    request = VideoRequest(model="sora-2", prompt="A pier", seconds=4, size=Size(720, 1280))
    return VideoRecord(
        id=new_id(START),
        owner=owner,
        created_at=START,
        request=request,
        request_hash=request_hash,
    )


async def _send(records: RecordStore, owner: str, number: int, request_hash: str = "h") -> str:
    sending = Sending(number, await records.epoch(owner))
    return (await records.insert(_video(owner, request_hash), sending)).id


async def _ids(records: RecordStore, owner: str) -> set[str]:
    page = await records.list(owner, after=None, limit=100, ascending=True)
    return {record.id for record in page.records}


@pytest.mark.parametrize("history", [(), (0,), (1,), (0, 2, 1)])
async def test_of_a_first_sending_and_its_resend_the_later_one_looks_again(
    records: RecordStore, owner: str, history: tuple[int, ...]
) -> None:
    for place, number in enumerate(history):
        await _send(records, owner, number, f"earlier-{place}")
    begun = Sending(0, await records.epoch(owner))
    resent = await _send(records, owner, 1)
    first = await records.insert(_video(owner), begun)
    assert first.id == resent
    assert await _send(records, owner, 2) == resent
    assert await _send(records, owner, 0) != resent
    assert len(await _ids(records, owner)) == len(history) + 2


@pytest.mark.parametrize("meanwhile", [(1,), (1, 2), (1, 1, 1)])
async def test_a_first_sending_of_a_new_owner_finds_its_resend_whatever_else_was_resent(
    records: RecordStore, owner: str, meanwhile: tuple[int, ...]
) -> None:
    begun = Sending(0, await records.epoch(owner))
    resent = await _send(records, owner, 1)
    for place, number in enumerate(meanwhile):
        await _send(records, owner, number, f"another-{place}")
    assert (await records.insert(_video(owner), begun)).id == resent
    assert len(await _ids(records, owner)) == len(meanwhile) + 1


async def _at_once(
    records: RecordStore, owner: str, hashes: Sequence[str], numbers: Sequence[int] = (0, 1, 2)
) -> list[str]:
    """Send every request with each number at once; all have begun before any goes on."""
    epoch = await records.epoch(owner)
    stored = await asyncio.gather(
        *(
            records.insert(_video(owner, request_hash), Sending(number, epoch))
            for request_hash in hashes
            for number in numbers
        )
    )
    return [record.id for record in stored]


async def test_ten_requests_sent_three_times_at_once_are_ten_videos(
    records: RecordStore, owner: str
) -> None:
    answers = await _at_once(records, owner, [f"request-{number}" for number in range(10)])
    assert set(Counter(answers).values()) == {3}
    assert len(set(answers)) == 10
    assert await _ids(records, owner) == set(answers)
    # Whoever stored something for the others closes their rows after that.
    opened = [v.id async for v in records.open.videos() if v.owner == owner]
    assert len(opened) == 30
    assert set(answers) <= set(opened)


async def test_equal_requests_sent_three_times_at_once_are_no_more_than_were_meant(
    records: RecordStore, owner: str
) -> None:
    answers = await _at_once(records, owner, ["h"] * 5)
    assert await _ids(records, owner) == set(answers)
    assert len(set(answers)) == 5


async def test_fifty_equal_requests_at_once_are_fifty_videos(
    records: RecordStore, owner: str
) -> None:
    answers = await _at_once(records, owner, ["h"] * 50, numbers=[0])
    assert len(await _ids(records, owner)) == len(set(answers)) == 50


async def test_a_video_that_is_gone_is_not_made_again(
    tables: TableServiceClient, records: RecordStore, owner: str
) -> None:
    video_id = await _send(records, owner, 0)
    tombstones = TombstoneStore(tables, records)
    assert await tombstones.withdraw(owner, video_id, START)
    assert await _ids(records, owner) == set()
    with pytest.raises(Conflict, match="deleted"):
        await _send(records, owner, 1)
    assert await _ids(records, owner) == set()


async def test_a_video_is_withdrawn_once_however_many_ask(
    tables: TableServiceClient, records: RecordStore, owner: str
) -> None:
    video_id = await _send(records, owner, 0)
    tombstones = TombstoneStore(tables, records)
    seen = await asyncio.gather(
        *(tombstones.withdraw(owner, video_id, START + second) for second in range(10))
    )
    assert len({record.withdrawn_at for record in seen if record is not None}) == 1
    record = await records.get(owner, video_id)
    assert record is not None
    assert record.is_withdrawn
    assert record.cancel_requested
    page = await records.list(owner, after=None, limit=10, ascending=True)
    assert not page.records
