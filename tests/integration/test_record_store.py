"""Records and claims in Table Storage, as Azurite keeps it."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pytest
from azure.core.exceptions import ServiceResponseError
from azure.core.pipeline.transport import AioHttpTransport
from azure.data.tables.aio import TableServiceClient

from dailies.catalogue import Deployment
from dailies.stores.claims import ClaimStore
from dailies.stores.records import RecordStore, hash_key
from dailies.stores.tables import CLAIMS, VIDEOS
from dailies.stores.tombstones import Removal, TombstoneStore
from dailies.video.basics import Phase, Size, VideoError, new_id
from dailies.video.errors import Conflict
from dailies.video.record import VideoRecord, VideoRequest

START = 1_795_262_400.0
PROMPT_32K = "\N{CLAPPER BOARD}" * 32_000


@pytest.fixture
def records(tables: TableServiceClient) -> RecordStore:
    return RecordStore(tables)


_owners = iter(f"owner-{number}" for number in range(10_000))


@pytest.fixture
def owner() -> str:
    """An owner without videos: the tests share the tables."""
    return next(_owners)


def video(owner: str, at: float = START, *, prompt: str = "A pier", **fields: Any) -> VideoRecord:
    request = VideoRequest(model="sora-2", prompt=prompt, seconds=4, size=Size(720, 1280))
    return VideoRecord(id=new_id(at), owner=owner, created_at=at, request=request, **fields)


async def test_a_record_comes_back_as_it_went(records: RecordStore, owner: str) -> None:
    record = video(owner, traceparent="00-1-2-03")
    assert await records.insert(record) == record
    assert await records.get(owner, record.id) == record


async def test_the_longest_prompt_outside_the_basic_plane_fits(
    records: RecordStore, owner: str
) -> None:
    record = video(owner, prompt=PROMPT_32K)
    await records.insert(record)
    assert await records.get(owner, record.id) == record
    await records.update(owner, record.id, lambda r: r.moved_to(Phase.WAITING))
    page = await records.list(owner, after=None, limit=1, ascending=False)
    assert page.records[0].request.prompt == PROMPT_32K


async def test_nobody_sees_another_owners_video(records: RecordStore, owner: str) -> None:
    record = await records.insert(video(owner))
    assert await records.get("somebody-else", record.id) is None
    assert await records.update("somebody-else", record.id, lambda r: r) is None
    page = await records.list("somebody-else", after=None, limit=10, ascending=True)
    assert not page.records


@pytest.mark.parametrize("name", ["", "video_", "video_' or 1 eq 1", "video_" + "G" * 32, "x" * 38])
async def test_what_is_no_id_is_not_found(records: RecordStore, owner: str, name: str) -> None:
    assert await records.get(owner, name) is None
    page = await records.list(owner, after=name, limit=10, ascending=True)
    assert (list(page.records), page.has_more) == ([], False)


async def test_fifty_creates_at_once_with_one_key_make_one_video(
    records: RecordStore, owner: str
) -> None:
    key = hash_key("the same key")
    candidates = [
        video(owner, START + number, idempotency_key=key, request_hash="h") for number in range(50)
    ]
    stored = await asyncio.gather(*(records.insert(candidate) for candidate in candidates))
    assert len({record.id for record in stored}) == 1
    page = await records.list(owner, after=None, limit=100, ascending=True)
    assert [record.id for record in page.records] == [stored[0].id]
    # Whoever stored something for the others closes their rows after that.
    assert {v.id async for v in records.open.videos() if v.owner == owner} == {
        candidate.id for candidate in candidates
    }


async def test_a_key_with_another_request_is_a_conflict(records: RecordStore, owner: str) -> None:
    key = hash_key("k")
    await records.insert(video(owner, idempotency_key=key, request_hash="one"))
    with pytest.raises(Conflict, match="Idempotency-Key"):
        await records.insert(video(owner, idempotency_key=key, request_hash="other"))


async def test_one_key_of_two_owners_makes_two_videos(records: RecordStore, owner: str) -> None:
    key = hash_key("k")
    mine = await records.insert(video(owner, idempotency_key=key, request_hash="h"))
    yours = await records.insert(video(f"{owner}-b", idempotency_key=key, request_hash="h"))
    assert mine.id != yours.id


class LosesAnswer(AioHttpTransport):  # type: ignore[misc] # untyped without aiohttp's extra
    """Sends a transaction and then loses its answer, once."""

    lost = False

    async def send(self, request: Any, **kwargs: Any) -> Any:
        answer = await super().send(request, **kwargs)
        if "$batch" not in request.url or self.lost:
            return answer
        self.lost = True
        await answer.close()
        return await self.go_on(request, **kwargs)

    async def go_on(self, request: Any, **kwargs: Any) -> Any:
        raise ServiceResponseError("the connection broke")


class SendsAgain(LosesAnswer):
    """Sends it again then, as a policy for retries does."""

    async def go_on(self, request: Any, **kwargs: Any) -> Any:
        return await super().send(request, **kwargs)


@pytest.mark.parametrize("transport", [LosesAnswer, SendsAgain])
@pytest.mark.parametrize("key", [None, hash_key("k")])
async def test_an_insert_whose_answer_is_lost_is_one_video_that_stays_open(
    connection: str, owner: str, key: str | None, transport: type[LosesAnswer]
) -> None:
    """What is found then is its own row: no conflict and no failure, but the success."""
    sending = transport()
    async with TableServiceClient.from_connection_string(connection, transport=sending) as service:
        records = RecordStore(service)
        record = video(owner, idempotency_key=key, request_hash="h")
        assert (await records.insert(record)).id == record.id
        assert sending.lost
        assert [v.id async for v in records.open.videos() if v.owner == owner] == [record.id]


async def test_concurrent_changes_are_all_kept(records: RecordStore, owner: str) -> None:
    record = await records.insert(video(owner))

    async def publish(kind: str) -> None:
        await records.update(
            owner, record.id, lambda r: r.model_copy(update={"published": (*r.published, kind)})
        )

    await asyncio.gather(*(publish(str(number)) for number in range(8)))
    final = await records.get(owner, record.id)
    assert final is not None
    assert sorted(final.published) == [str(number) for number in range(8)]


async def test_only_videos_that_have_not_ended_count_as_unfinished(
    records: RecordStore, owner: str
) -> None:
    """A create that was broken off leaves a row without a record, for the sweeper."""
    for number in range(3):
        await records.open.announce(new_id(START + number), owner)
    assert await records.count_unfinished(owner, up_to=3) == 0
    running = await records.insert(video(owner))
    ended = await records.insert(video(owner))
    await records.update(owner, ended.id, lambda r: r.failed(VideoError("x", "y"), START))
    assert await records.count_unfinished(owner, up_to=4) == 1
    assert await records.count_unfinished(owner, up_to=4, besides={running.id}) == 0


async def test_a_write_gives_the_etag_that_the_next_one_needs(
    records: RecordStore, owner: str
) -> None:
    record = await records.insert(video(owner))
    read = await records.read(owner, record.id)
    assert read is not None
    etag = await records._put(record, running := record.moved_to(Phase.RENDERING), read[1])
    etag = await records._put(running, running.failed(VideoError("x", "y"), START), etag)
    final = await records.read(owner, record.id)
    assert final is not None
    assert (final[0].is_final, final[1]) == (True, etag)


async def test_a_record_of_an_earlier_version_ends_as_others_do(
    tables: TableServiceClient, records: RecordStore, owner: str
) -> None:
    record = await records.insert(video(owner))
    await tables.get_table_client(VIDEOS).delete_entity(owner, f"o:{record.id}")
    assert await records.count_unfinished(owner, up_to=4) == 0
    ended = await records.update(owner, record.id, lambda r: r.failed(VideoError("x", "y"), START))
    assert ended is not None
    assert await records.get(owner, record.id) == ended


async def test_of_many_that_end_at_once_each_is_counted_no_more(
    records: RecordStore, owner: str
) -> None:
    made = [await records.insert(video(owner, START + number)) for number in range(6)]
    assert await records.count_unfinished(owner, up_to=9) == 6
    assert await records.count_unfinished(owner, up_to=2) == 2

    async def end(record: VideoRecord) -> None:
        await records.update(owner, record.id, lambda r: r.failed(VideoError("x", "y"), START))

    # Twice each: an activity may run again while its first run still does.
    await asyncio.gather(*(end(record) for record in made[:5] * 2))
    assert await records.count_unfinished(owner, up_to=9) == 1


async def remove(tables: TableServiceClient, records: RecordStore, record: VideoRecord) -> None:
    """Take a video away, as its owner or the retention does."""
    cause = VideoError("cancelled", "It was cancelled.")
    await records.update(record.owner, record.id, lambda current: current.failed(cause, START))
    tombstones = TombstoneStore(tables, records)
    assert await tombstones.bury(record.owner, record.id, Removal.DELETED, START)
    assert await tombstones.bury(record.owner, record.id, Removal.DELETED, START) is None


async def test_an_update_of_what_was_removed_is_none(
    tables: TableServiceClient, records: RecordStore, owner: str
) -> None:
    record = await records.insert(video(owner))
    await remove(tables, records, record)
    assert await records.get(owner, record.id) is None
    assert await records.update(owner, record.id, lambda r: r.moved_to(Phase.WAITING)) is None


async def _walk(records: RecordStore, owner: str, limit: int, *, ascending: bool) -> list[str]:
    ids: list[str] = []
    after = None
    while True:
        page = await records.list(owner, after=after, limit=limit, ascending=ascending)
        ids += [record.id for record in page.records]
        if not page.has_more:
            return ids
        after = ids[-1]


@pytest.mark.parametrize("ascending", [True, False])
async def test_a_list_in_either_order_gives_every_video_once(
    records: RecordStore, owner: str, ascending: bool
) -> None:
    made = [(await records.insert(video(owner, START + n))).id for n in range(11)]
    wanted = made if ascending else made[::-1]
    for limit in (1, 3, 11, 12):
        assert await _walk(records, owner, limit, ascending=ascending) == wanted


@pytest.mark.parametrize("ascending", [True, False])
async def test_a_list_while_videos_come_and_go_gives_none_twice_and_all_that_stay(
    tables: TableServiceClient, records: RecordStore, owner: str, ascending: bool
) -> None:
    made = [await records.insert(video(owner, START + 2 * n)) for n in range(12)]
    gone = set()
    seen: list[str] = []
    after = None
    for turn in range(100):
        page = await records.list(owner, after=after, limit=3, ascending=ascending)
        seen += [record.id for record in page.records]
        if not page.has_more:
            break
        after = seen[-1]
        # The one that the cursor names, and one on either side of it, go; two come.
        for record in (made[turn % 12], *(r for r in made if r.id == after)):
            if record.id not in gone:
                gone.add(record.id)
                await remove(tables, records, record)
        await records.insert(video(owner, START - 1 - turn))
        await records.insert(video(owner, START + 100 + turn))
    assert Counter(seen).most_common(1)[0][1] == 1
    assert {record.id for record in made} - gone <= set(seen)
    assert seen == sorted(seen, reverse=not ascending)


def _deployment(name: str, endpoint: str = "https://one.example") -> Deployment:
    return Deployment.model_validate(
        {
            "name": name,
            "provider": "film",
            "endpoint": endpoint,
            "deployment": "film",
            "sizes": ["1280x720"],
            "seconds": [4],
            "prices": None,
        }
    )


async def test_a_job_is_claimed_by_one_video(tables: TableServiceClient) -> None:
    claims = ClaimStore(tables)
    job = "video_" + "ab" * 24
    videos = [f"video_{number}" for number in range(30)]
    won = await asyncio.gather(*(claims.claim(_deployment("one"), job, video) for video in videos))
    assert sum(won) == 1
    holder = videos[won.index(True)]
    assert await claims.holder(_deployment("one"), job) == holder
    assert await claims.claim(_deployment("one"), job, holder)
    # Two deployments of one endpoint see the same jobs; elsewhere it is another one.
    assert not await claims.claim(_deployment("two"), job, "video_other")
    assert await claims.claim(_deployment("two", "https://other.example"), job, "video_other")


async def test_a_claim_of_the_version_before_is_kept(tables: TableServiceClient) -> None:
    claims, one = ClaimStore(tables), _deployment("one-before")
    row = {"PartitionKey": one.name, "RowKey": hash_key("job"), "VideoId": "video_1"}
    await tables.get_table_client(CLAIMS).create_entity(row)
    assert await claims.holder(one, "job") == "video_1"
    assert not await claims.claim(one, "job", "video_2")
    assert await claims.claim(one, "job", "video_1")
    await claims.release(one, "job", "video_1")
    assert await claims.claim(one, "job", "video_2")


async def test_only_the_holder_gives_a_claim_up(tables: TableServiceClient) -> None:
    claims = ClaimStore(tables)
    await claims.claim(_deployment("one"), "job/with #odd? characters", "video_1")
    await claims.release(_deployment("one"), "job/with #odd? characters", "video_2")
    assert not await claims.claim(_deployment("one"), "job/with #odd? characters", "video_2")
    await claims.release(_deployment("one"), "job/with #odd? characters", "video_1")
    assert await claims.claim(_deployment("one"), "job/with #odd? characters", "video_2")


async def test_what_is_older_is_found_in_every_owners_partition(records: RecordStore) -> None:
    names = ["older-a", "older-o'brien", "older-\N{LATIN SMALL LETTER E WITH ACUTE}"]
    old = [await records.insert(video(name, START - 5e8)) for name in names]
    for name in names:
        await records.insert(video(name, START))
    found = [record async for record in records.all.created_before(START - 4e8)]
    assert {record.id for record in found} == {record.id for record in old}
