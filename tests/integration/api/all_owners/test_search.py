"""What operators find among the videos of all owners."""

from __future__ import annotations

import random
from typing import Any

import pytest
from azure.data.tables import UpdateMode

from dailies.stores import all_owners
from dailies.stores.tables import VIDEOS
from dailies.video.basics import Phase, VideoError
from dailies.video.record import Source, SourceKind
from tests.integration.api.world import World


@pytest.fixture
def since(world: World) -> int:
    """A time of this test alone: other tests have videos in the same account."""
    world.now = float(random.randrange(100_000_000, 1_700_000_000))
    return int(world.now)


async def _create(world: World, owner: str = "alice", **body: Any) -> str:
    world.now += 1
    client = world.alice if owner == "alice" else world.bob
    answer = await client.post("/v1/videos", json={"prompt": "a secret pier", **body})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["id"])


async def _search(world: World, since: int, **query: Any) -> dict[str, Any]:
    asked = {"created_after": since, "created_before": since + 1000, **query}
    answer = await world.admin.get("/v1/admin/videos", params=asked)
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


def _ids(page: dict[str, Any]) -> list[str]:
    return [video["id"] for video in page["data"]]


async def test_the_videos_of_all_owners_newest_first_page_by_page(world: World, since: int) -> None:
    made = [await _create(world, owner) for owner in ("alice", "bob", "bob", "alice", "bob")]
    seen: list[str] = []
    after: dict[str, str] = {}
    for _ in range(3):
        page = await _search(world, since, limit=2, **after)
        seen += _ids(page)
        after = {"after": page["after"]}
    assert seen == made[::-1]
    assert (page["has_more"], page["after"]) == (False, None)


async def test_an_owner_who_is_new_is_found_at_once(world: World, since: int) -> None:
    assert _ids(await _search(world, since)) == []
    ids = [await _create(world), await _create(world, "bob")]
    assert _ids(await _search(world, since)) == ids[::-1]


async def test_what_is_shown_has_no_prompt(world: World, since: int) -> None:
    video_id = await _create(world, user="u-1")
    answer = await world.admin.get(
        "/v1/admin/videos", params={"created_after": since, "created_before": since + 1000}
    )
    assert "secret pier" not in answer.text
    shown = next(video for video in answer.json()["data"] if video["id"] == video_id)
    assert (shown["owner"], shown["user"]) == (world.owners["alice"], "u-1")
    assert (shown["key_id"][:9], shown["phase"]) == ("settings-", "accepted")


async def test_every_condition_finds_its_own(world: World, since: int) -> None:
    mine = await _create(world, user="u-1")
    await _create(world, "bob", model="plain", seconds="4")
    record = await world.change(
        mine,
        phase=Phase.FAILED,
        error=VideoError("moderation_blocked", "It was blocked."),
        tags=("launch", "winter"),
        source=Source(kind=SourceKind.DROP, blob="summer/kite.png"),
    )
    record = record.with_submit(deployment="first", provider="azure-sora-2")
    await world.change(mine, submit=record.submit)
    for name, value, other in (
        ("owner", record.owner, "nobody"),
        ("status", "failed", "completed"),
        ("phase", "failed", "done"),
        ("model", "sora-2", "able"),
        ("provider", "azure-sora-2", "fal"),
        ("deployment", "first", "second"),
        ("key_id", record.key_id, "settings-0"),
        ("tag", "winter", "wint"),
        ("user", "u-1", "u-2"),
        ("blob", "summer/", "winter/"),
        ("code", "moderation_blocked", "timeout"),
    ):
        assert _ids(await _search(world, since, **{name: value})) == [mine], name
        assert _ids(await _search(world, since, **{name: other})) == [], name
    both = await _search(world, since, user="u-1", code="timeout")
    assert _ids(both) == []


async def test_what_an_earlier_version_wrote_is_found_by_its_document(
    world: World, since: int
) -> None:
    newer, older = [await _create(world, user="u-1") for _ in range(2)]
    record = await world.record(older)
    assert record is not None
    table = world.tables.get_table_client(VIDEOS)
    row = dict(await table.get_entity(record.owner, f"v:{older}"))
    before = {"PartitionKey", "RowKey", "Status", "Phase", "Model"}
    kept = {name: row[name] for name in row if name in before or name.startswith("Doc")}
    assert len(kept) < len(row)
    await table.upsert_entity(kept, mode=UpdateMode.REPLACE)
    assert _ids(await _search(world, since, user="u-1")) == [older, newer]
    assert _ids(await _search(world, since, user="u-2")) == []


async def test_times_bound_the_search(world: World, since: int) -> None:
    first, second, third = [await _create(world) for _ in range(3)]
    between = {"created_after": since + 2, "created_before": since + 3}
    assert _ids(await _search(world, since, **between)) == [second]
    assert _ids(await _search(world, since, created_after=since + 2)) == [third, second]
    assert _ids(await _search(world, since, created_before=since + 2)) == [first]


async def test_a_deleted_video_is_not_found_also_while_it_still_runs(
    world: World, since: int
) -> None:
    running = await _create(world)
    kept = await _create(world)
    assert (await world.alice.delete(f"/v1/videos/{running}")).status_code == 200
    assert _ids(await _search(world, since)) == [kept]


async def test_a_page_looks_at_so_many_and_says_where_to_go_on(
    world: World, since: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(all_owners, "MOST_SCANNED", 3)
    wanted = await _create(world, user="u-1")
    for _ in range(4):
        await _create(world)
    page = await _search(world, since, user="u-1")
    assert (page["data"], page["scanned"], page["has_more"]) == ([], 3, True)
    rest = await _search(world, since, user="u-1", after=page["after"])
    assert (_ids(rest), rest["scanned"], rest["has_more"]) == ([wanted], 2, False)


async def test_a_page_costs_a_few_requests(world: World, since: int) -> None:
    for owner in ("alice", "bob") * 4:
        await _create(world, owner)
    await _search(world, since)
    owners = len(await world.services.records.all.owners())
    before = world.table_requests
    page = await _search(world, since, limit=5)
    assert len(page["data"]) == 5
    # For each owner: whether there is another behind it, and its newest; then the records.
    assert world.table_requests - before <= 2 * owners + 1 + 2


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ({"status": "done"}, "status"),
        ({"phase": "completed"}, "phase"),
        ({"limit": "0"}, "limit"),
        ({"after": "video_1"}, "after"),
        ({"created_after": "yesterday"}, "created_after"),
        ({"created_before": "2026-12-01T08:00:00"}, "created_before"),
        ({"created_before": "9" * 12}, "created_before"),
        ({"status": ""}, "status"),
        ({"created_after": ""}, "created_after"),
        ({"user": "x" * 257}, "user"),
        ({"blob": "x" * 1025}, "blob"),
        ({"model": "a\x00b"}, "model"),
    ],
)
async def test_what_is_wrong_with_a_search_is_named(
    world: World, query: dict[str, str], param: str
) -> None:
    answer = await world.admin.get("/v1/admin/videos", params=query)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)


async def test_a_time_may_be_a_date(world: World) -> None:
    world.now = 1_780_000_000.0
    video_id = await _create(world)  # on 2026-05-28, at 20:26:41 UTC
    for time, there in (("2026-05-28T22:26:41+02:00", True), ("2026-05-28T20:26:42Z", False)):
        query = {"owner": world.owners["alice"], "created_after": time}
        page = (await world.admin.get("/v1/admin/videos", params=query)).json()
        assert (_ids(page) == [video_id]) is there


async def test_only_operators_search(world: World) -> None:
    for client, status in ((world.alice, 403), (world.anonymous, 401)):
        assert (await client.get("/v1/admin/videos")).status_code == status
