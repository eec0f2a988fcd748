"""Lists: pages in both orders, cursors that stay right, and nobody else's videos."""

from __future__ import annotations

import pytest

from dailies.video.basics import Phase
from tests.integration.api.world import World


async def _create(world: World, count: int) -> list[str]:
    ids = []
    for _ in range(count):
        world.now += 1
        answer = await world.alice.post("/v1/videos", json={"prompt": "a pier"})
        ids.append(answer.json()["id"])
    return ids


@pytest.mark.parametrize("order", ["asc", "desc"])
async def test_pages_follow_one_another(world: World, order: str) -> None:
    ids = await _create(world, 7)
    expected = ids if order == "asc" else ids[::-1]
    seen: list[str] = []
    after = None
    while True:
        query = {"limit": "3", "order": order, **({"after": after} if after else {})}
        page = (await world.alice.get("/v1/videos", params=query)).json()
        got = [video["id"] for video in page["data"]]
        assert (page["first_id"], page["last_id"]) == (got[0], got[-1])
        seen += got
        if not page["has_more"]:
            break
        after = page["last_id"]
    assert seen == expected


async def test_newest_first_and_twenty_are_the_defaults(world: World) -> None:
    ids = await _create(world, 21)
    page = (await world.alice.get("/v1/videos")).json()
    assert [video["id"] for video in page["data"]] == ids[:0:-1]
    assert page["has_more"] is True


async def test_an_empty_list_has_no_ids(world: World) -> None:
    page = (await world.alice.get("/v1/videos?custom_llm_provider=azure")).json()
    assert page == {
        "object": "list",
        "data": [],
        "first_id": None,
        "last_id": None,
        "has_more": False,
    }


async def test_a_cursor_stays_right_while_videos_come_and_go(world: World) -> None:
    ids = await _create(world, 6)
    first = (await world.alice.get("/v1/videos?limit=2")).json()
    cursor = first["last_id"]
    assert cursor == ids[4]
    await world.services.records.update(
        world.owners["alice"], cursor, lambda record: record.model_copy(update={"progress": 5})
    )
    await _create(world, 2)
    for video_id in (ids[4], ids[3]):
        await _end_and_delete(world, video_id)
    second = (await world.alice.get(f"/v1/videos?limit=2&after={cursor}")).json()
    assert [video["id"] for video in second["data"]] == [ids[2], ids[1]]
    assert second["has_more"] is True


@pytest.mark.parametrize("order", ["asc", "desc"])
async def test_a_page_costs_the_same_however_many_videos_there_are(
    world: World, order: str
) -> None:
    costs = []
    for more in (5, 150):
        ids = await _create(world, more)
        before = world.table_requests
        page = await world.alice.get(f"/v1/videos?limit=3&order={order}&after={ids[3]}")
        assert page.json()["data"]
        costs.append(world.table_requests - before)
    # The index, then the records of the page.
    assert costs[0] == costs[1] <= 2


async def test_nobody_sees_another_owner_s_videos(world: World) -> None:
    ids = await _create(world, 2)
    assert (await world.bob.get("/v1/videos")).json()["data"] == []
    page = (await world.bob.get(f"/v1/videos?after={ids[0]}&order=asc")).json()
    assert page["data"] == []


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=-1", "limit"),
        ("limit=ten", "limit"),
        ("limit=", "limit"),
        ("limit=%D9%A3", "limit"),
        (f"limit={'9' * 5000}", "limit"),
        ("order=up", "order"),
        ("after=video_1", "after"),
    ],
)
async def test_a_wrong_query_is_a_400_that_names_it(world: World, query: str, param: str) -> None:
    answer = await world.alice.get(f"/v1/videos?{query}")
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == param


async def _end_and_delete(world: World, video_id: str) -> None:
    await world.change(video_id, phase=Phase.DONE)
    assert (await world.alice.delete(f"/v1/videos/{video_id}")).status_code == 200
