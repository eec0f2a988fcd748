"""What was spent, over HTTP."""

from __future__ import annotations

import csv
import io
from typing import Any

import httpx
import pytest

from dailies.pipeline.spend import sum_up
from dailies.video.basics import Phase
from dailies.video.record import SubmitState
from tests.integration.api.world import World

DAY = 86_400.0
NUMBERS = ("videos", "completed", "seconds", "cost_usd", "unpriced")


async def _made(
    world: World,
    *,
    cost: float | None = 0.4,
    client: httpx.AsyncClient | None = None,
    owner: str = "alice",
    **fields: Any,
) -> str:
    body = {"prompt": "a pier", "seconds": "4", **fields}
    answer = await (client or world.alice).post("/v1/videos", json=body)
    assert answer.status_code == 200, answer.text
    video_id = str(answer.json()["id"])
    await world.change(
        video_id,
        owner=owner,
        phase=Phase.DONE,
        completed_at=world.now,
        cost_usd=cost,
        submit=SubmitState(deployment="first", provider="azure-sora-2", job_id="job"),
    )
    return video_id


async def _spend(world: World, **query: Any) -> dict[str, Any]:
    answer = await world.admin.get(
        "/v1/admin/spend", params={"owner": world.owners["alice"], **query}
    )
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


@pytest.mark.parametrize("is_summed", [False, True])
@pytest.mark.parametrize(
    ("group_by", "groups"),
    [
        ("model", {"sora-2": 0.9, "plain": 0.25}),
        ("user", {"zoe": 0.4, None: 0.75}),
        ("provider", {"azure-sora-2": 1.15}),
        ("day", {"2026-11-21": 0.9, "2026-11-22": 0.25}),
        ("tag", {None: 1.15}),
    ],
)
async def test_it_is_told_by_what_is_asked_for(
    world: World, group_by: str, groups: dict[str | None, float], is_summed: bool
) -> None:
    await _made(world, user="zoe")
    await _made(world, cost=0.5)
    world.now += DAY
    await _made(world, cost=0.25, model="plain")
    if is_summed:
        await sum_up(world.services)
    told = await _spend(world, group_by=group_by)
    assert {row["group"]: row["cost_usd"] for row in told["data"]} == groups
    assert told["total"] == dict(zip(NUMBERS, (3, 3, 12, 1.15, 0), strict=True))
    assert (told["from"], told["to"], told["has_more"]) == ("2026-11-01", "2026-11-22", False)


async def test_days_and_months_are_told_apart_where_that_is_asked_for(world: World) -> None:
    for _ in range(3):
        await _made(world)
        world.now += 6 * DAY
    days = await _spend(world, group_by="model", interval="day", **{"from": "2026-11-01"})
    periods = [(row["group"], row["period"], row["videos"]) for row in days["data"]]
    assert periods == [("sora-2", f"2026-{day}", 1) for day in ("11-21", "11-27", "12-03")]
    months = await _spend(world, group_by="model", interval="month", **{"from": "2026-11-01"})
    periods = [(row["group"], row["period"], row["videos"]) for row in months["data"]]
    assert periods == [("sora-2", "2026-11", 2), ("sora-2", "2026-12", 1)]


async def test_only_the_days_that_are_asked_for_count(world: World) -> None:
    for _ in range(4):
        await _made(world)
        world.now += 5 * DAY
    for _ in range(2):
        asked = {"from": "2026-11-22", "to": "2026-12-01"}
        assert (await _spend(world, group_by="model", **asked))["total"]["videos"] == 2
        asked = {"from": "2026-11-21", "to": "2026-11-21"}
        assert (await _spend(world, group_by="model", **asked))["total"]["videos"] == 1
        await sum_up(world.services)


async def test_operators_see_all_owners_and_an_owner_only_itself(world: World) -> None:
    await _made(world)
    await _made(world, cost=0.2, client=world.bob, owner="bob")
    everyone = await world.admin.get("/v1/admin/spend", params={"limit": 100_000})
    by_owner = {row["group"]: row["cost_usd"] for row in everyone.json()["data"]}
    assert by_owner[world.owners["alice"]] == 0.4
    assert by_owner[world.owners["bob"]] == 0.2
    for prefix in ("/v1", "/openai/v1", ""):
        mine = (await world.bob.get(f"{prefix}/usage")).json()
        assert mine["total"]["cost_usd"] == 0.2
    asked = {"owner": world.owners["alice"], "group_by": "owner"}
    sneaky = (await world.bob.get("/v1/usage", params=asked)).json()
    assert [row["group"] for row in sneaky["data"]] == [world.owners["bob"]]


async def test_a_caller_learns_how_far_its_budgets_are_used(world: World) -> None:
    assert (await world.alice.get("/v1/usage")).json()["budgets"] == []
    path = f"/v1/admin/budgets/{world.owners['alice']}"
    await world.admin.put(path, json={"day_usd": 1})
    await world.admin.put(path, params={"user": "zoe"}, json={"day_usd": 1})
    await world.alice.post("/v1/videos", json={"prompt": "a pier", "seconds": "4"})
    (budget,) = (await world.alice.get("/v1/usage")).json()["budgets"]
    assert budget["scope"] == "owner"
    (standing,) = budget["standings"]
    assert (standing["held_usd"], standing["left_usd"]) == (0.4, 0.6)


async def test_as_csv(world: World) -> None:
    await _made(world, user="=HYPERLINK(1)")
    await _made(world, cost=None)
    asked = {"group_by": "user", "from": "2026-11-21"}
    for query, headers in (({"format": "csv"}, {}), ({}, {"Accept": "text/csv"})):
        answer = await world.alice.get("/v1/usage", params={**asked, **query}, headers=headers)
        assert answer.headers["content-type"] == "text/csv; charset=utf-8"
        disposition = answer.headers["content-disposition"]
        assert disposition == 'attachment; filename="spend-by-user-2026-11-21-2026-11-21.csv"'
        rows = list(csv.reader(io.StringIO(answer.text)))
        assert rows == [
            ["user", *NUMBERS],
            ["'=HYPERLINK(1)", "1", "1", "4", "0.400000", "0"],
            ["", "1", "1", "4", "0.000000", "1"],
        ]
    headers = {"Accept": "text/csv"}
    json = await world.alice.get("/v1/usage", params={"format": "json"}, headers=headers)
    assert json.json()["object"] == "spend"


async def test_what_costs_most_comes_first_and_more_is_told_of(world: World) -> None:
    for number in range(3):
        await _made(world, user=f"user-{number}", cost=number)
    told = await _spend(world, group_by="user", limit=2)
    assert [row["group"] for row in told["data"]] == ["user-2", "user-1"]
    assert (told["has_more"], told["total"]["cost_usd"]) == (True, 3.0)


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ({"group_by": "week"}, "group_by"),
        ({"interval": "week"}, "interval"),
        ({"from": "yesterday"}, "from"),
        ({"to": "2026-02-30"}, "to"),
        ({"to": "9999-12-31"}, "to"),
        ({"from": "2026-12-02", "to": "2026-12-01"}, "from"),
        ({"limit": 0}, "limit"),
        ({"format": "xml"}, "format"),
        ({"owner": "a'b"}, "owner"),
    ],
)
async def test_what_is_no_question_is_refused(
    world: World, query: dict[str, Any], param: str
) -> None:
    answer = await world.admin.get("/v1/admin/spend", params=query)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)


async def test_only_operators_ask_of_all_owners(world: World) -> None:
    assert (await world.alice.get("/v1/admin/spend")).status_code == 403
    assert (await world.anonymous.get("/v1/admin/spend")).status_code == 401
    assert (await world.anonymous.get("/v1/usage")).status_code == 401


async def test_a_video_with_two_tags_is_told_under_each_and_counts_once(world: World) -> None:
    issued = await world.admin.post(
        "/v1/admin/keys", json={"owner": world.owners["alice"], "tags": ["film", "night"]}
    )
    client = world.client(issued.json()["key"])
    await _made(world, client=client)
    await _made(world, cost=0.5)
    told = await _spend(world, group_by="tag")
    groups = {row["group"]: row["cost_usd"] for row in told["data"]}
    assert groups == {"film": 0.4, "night": 0.4, None: 0.5}
    assert (told["total"]["videos"], told["total"]["cost_usd"]) == (2, 0.9)
    await client.aclose()
