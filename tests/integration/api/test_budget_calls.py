"""Operators' calls about budgets: who may make them, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.api.budgeting import set_budget
from tests.integration.api.world import World


async def test_budgets_are_listed_in_pages(world: World) -> None:
    await set_budget(world, day_usd=5)
    for number in range(4):
        await set_budget(world, user=f"user-{number}", day_usd=number)
    path, after, seen = f"/v1/admin/budgets/{world.owners['alice']}", None, []
    while True:
        query = {"limit": 2} | ({} if after is None else {"after": after})
        page = (await world.admin.get(path, params=query)).json()
        seen += [budget["user"] for budget in page["data"]]
        after = page["last_id"]
        if not page["has_more"]:
            break
    assert seen[0] is None
    assert sorted(seen[1:]) == [f"user-{number}" for number in range(4)]


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_only_operators_set_and_see_budgets(world: World, method: str) -> None:
    path = f"/v1/admin/budgets/{world.owners['alice']}"
    for client, status in ((world.alice, 403), (world.anonymous, 401)):
        answer = await client.request(method, path, json={"day_usd": 1})
        assert answer.status_code == status


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({}, "day_usd"),
        ({"day_usd": None}, "day_usd"),
        ({"day_usd": -1}, "day_usd"),
        ({"day_usd": True}, "day_usd"),
        ({"day_usd": "much"}, "day_usd"),
        ({"day_usd": [1]}, "day_usd"),
        ({"total_usd": 1e10}, "total_usd"),
        ({"month_usd": "NaN"}, "month_usd"),
        ({"month_usd": 10**400}, "month_usd"),
        ({"day_usd": 1, "week_usd": 5}, "week_usd"),
    ],
)
async def test_what_is_no_budget_is_refused(
    world: World, fields: dict[str, Any], param: str
) -> None:
    path = f"/v1/admin/budgets/{world.owners['alice']}"
    answer = await world.admin.put(path, json=fields)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)
    assert (await world.admin.get(path)).json()["data"] == []


async def test_what_is_no_owner_is_refused(world: World) -> None:
    for path in ("/v1/admin/budgets/A", "/v1/admin/budgets/a?user=" + "u" * 513):
        answer = await world.admin.put(path, json={"day_usd": 1})
        assert answer.status_code == 400
