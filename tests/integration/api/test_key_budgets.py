"""What may be spent with an issued key."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.integration.api.world import World

PIER = {"prompt": "a pier", "seconds": "4"}  # for $0.40


async def _issued(world: World, **budget: float) -> dict[str, Any]:
    answer = await world.admin.post(
        "/v1/admin/keys",
        json={"owner": world.owners["alice"], "name": "night", "limits": {"budget": budget}},
    )
    assert answer.status_code == 201, answer.text
    issued: dict[str, Any] = answer.json()
    return issued


async def _create(world: World, key: str) -> httpx.Response:
    headers = {"Authorization": f"Bearer {key}"}
    return await world.anonymous.post("/v1/videos", json=PIER, headers=headers)


async def test_a_key_spends_what_it_may_and_its_owner_s_other_keys_are_not_held_back(
    world: World,
) -> None:
    issued = await _issued(world, day_usd=0.8)
    assert issued["limits"]["budget"]["day_usd"] == 0.8
    codes = [(await _create(world, issued["key"])).status_code for _ in range(3)]
    assert codes == [200, 200, 429]
    refused = (await _create(world, issued["key"])).json()["error"]
    assert (refused["code"], refused["budget"]["scope"]) == ("budget_exceeded", "key")
    assert (await world.alice.post("/v1/videos", json=PIER)).status_code == 200
    listed = (await world.admin.get(f"/v1/admin/budgets/{world.owners['alice']}")).json()["data"]
    (budget,) = [each for each in listed if each["scope"] == "key"]
    assert (budget["key"], budget["standings"][0]["held_usd"]) == (issued["id"], 0.8)
    headers = {"Authorization": f"Bearer {issued['key']}"}
    usage = (await world.anonymous.get("/v1/usage", headers=headers)).json()
    assert [each["scope"] for each in usage["budgets"]] == ["key"]


async def test_a_budget_can_be_raised_with_the_key(world: World) -> None:
    issued = await _issued(world, total_usd=0.4)
    codes = [(await _create(world, issued["key"])).status_code for _ in range(2)]
    changed = await world.admin.patch(
        f"/v1/admin/keys/{issued['id']}", json={"limits": {"budget": {"total_usd": 0.8}}}
    )
    assert changed.status_code == 200, changed.text
    world.now += 60  # by then every instance knows of it
    codes += [(await _create(world, issued["key"])).status_code for _ in range(2)]
    assert codes == [200, 429, 200, 429]


@pytest.mark.parametrize(
    "budget", [{"day": 1}, {"day_usd": -1}, {"day_usd": "much"}, {"day_usd": 1, "week_usd": 2}, 5]
)
async def test_what_is_no_budget_is_refused(world: World, budget: object) -> None:
    answer = await world.admin.post(
        "/v1/admin/keys",
        json={"owner": world.owners["alice"], "name": "night", "limits": {"budget": budget}},
    )
    assert answer.status_code == 400
    assert answer.json()["error"]["param"].startswith("limits.budget")


async def test_operators_see_the_budget_that_a_key_has_now(world: World) -> None:
    issued = await _issued(world, day_usd=0.8)
    assert (await _create(world, issued["key"])).status_code == 200
    path = f"/v1/admin/keys/{issued['id']}"

    async def listed() -> list[dict[str, Any]]:
        answer = await world.admin.get(f"/v1/admin/budgets/{world.owners['alice']}")
        found: list[dict[str, Any]] = answer.json()["data"]
        return found

    await world.admin.patch(path, json={"limits": {"budget": {"day_usd": 9, "total_usd": 20}}})
    [budget] = await listed()
    assert (budget["day_usd"], budget["total_usd"], budget["key"]) == (9, 20, issued["id"])
    assert [each["left_usd"] for each in budget["standings"]] == [8.6, 19.6]
    await world.admin.patch(path, json={"limits": {"budget": None}})
    assert await listed() == []
