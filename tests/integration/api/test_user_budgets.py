"""Budgets of end users: each has its own, or the same as all others."""

from __future__ import annotations

import httpx
import pytest

from dailies.owners.budget import Account, Budget
from tests.integration.api.budgeting import create_pier, set_budget, standing_of
from tests.integration.api.world import World


async def _budget_of_each_user(world: World, **limits: float) -> httpx.Response:
    return await world.admin.put(
        f"/v1/admin/budgets/{world.owners['alice']}", params={"each_user": True}, json=limits
    )


async def test_each_end_user_may_have_the_same_budget_and_some_another(world: World) -> None:
    await set_budget(world, user="rich", day_usd=2)
    made = (await _budget_of_each_user(world, day_usd=0.5)).json()
    assert (made["scope"], made["user"], made["each_user"]) == ("user", None, True)
    assert (made["day_usd"], made["standings"]) == (0.5, [])
    taken = {
        user: [(await create_pier(world, user=user)).status_code for _ in range(2)]
        for user in ("one", "two", "rich")
    }
    assert taken == {"one": [200, 429], "two": [200, 429], "rich": [200, 200]}
    # Without an end user it has no say.
    assert [(await create_pier(world)).status_code for _ in range(2)] == [200, 200]
    assert (await standing_of(world, user="one"))["held_usd"] == 0.4
    path = f"/v1/admin/budgets/{world.owners['alice']}"
    listed = (await world.admin.get(path)).json()["data"]
    of = {each["user"]: (each["each_user"], each["day_usd"]) for each in listed}
    assert of == {None: (True, 0.5), "one": (True, 0.5), "two": (True, 0.5), "rich": (False, 2)}


async def test_a_list_looks_the_budget_of_each_user_up_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _budget_of_each_user(world, day_usd=1)
    for user in ("one", "two", "three"):
        assert (await create_pier(world, user=user)).status_code == 200
    ledger, asked = world.services.records.ledger, list[str]()
    looked_up = ledger.standing_budget

    async def counted(owner: str, account: Account) -> Budget | None:
        asked.append(account.name)
        return await looked_up(owner, account)

    monkeypatch.setattr(ledger, "standing_budget", counted)
    listed = (await world.admin.get(f"/v1/admin/budgets/{world.owners['alice']}")).json()["data"]
    assert [each["day_usd"] for each in listed] == [1] * 4
    assert len(asked) == 1


async def test_the_budget_of_each_user_holds_as_it_is_now(world: World) -> None:
    await _budget_of_each_user(world, day_usd=0.5)
    assert (await create_pier(world, user="one")).status_code == 200
    await _budget_of_each_user(world, day_usd=1)
    assert (await create_pier(world, user="one")).status_code == 200
    await set_budget(world, user="one", day_usd=1.3)
    assert [(await create_pier(world, user="one")).status_code for _ in range(2)] == [200, 429]
    path = f"/v1/admin/budgets/{world.owners['alice']}"
    # Without its own it has that of all again, with what was counted.
    assert (await world.admin.delete(path, params={"user": "one"})).status_code == 200
    assert (await world.admin.delete(path, params={"user": "one"})).status_code == 404
    assert (await standing_of(world, user="one"))["left_usd"] == 0
    gone = await world.admin.delete(path, params={"each_user": True})
    assert (gone.status_code, gone.json()["each_user"]) == (200, True)
    assert (await world.admin.delete(path, params={"each_user": True})).status_code == 404
    assert (await world.admin.get(path)).json()["data"] == []
    assert (await create_pier(world, user="one")).status_code == 200


async def test_one_user_or_each_of_them_is_named(world: World) -> None:
    answer = await world.admin.put(
        f"/v1/admin/budgets/{world.owners['alice']}",
        params={"each_user": True, "user": "one"},
        json={"day_usd": 1},
    )
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "each_user")


async def test_a_caller_sees_how_far_the_budget_of_an_end_user_is_used(world: World) -> None:
    await _budget_of_each_user(world, day_usd=1)
    assert (await create_pier(world, user="one")).status_code == 200
    assert (await world.alice.get("/v1/usage")).json()["budgets"] == []
    for user, left in (("one", 0.6), ("two", 1)):
        usage = (await world.alice.get("/v1/usage", params={"user": user})).json()
        (budget,) = usage["budgets"]
        assert (budget["scope"], budget["user"]) == ("user", user)
        assert budget["standings"][0]["left_usd"] == left
    # Of another owner's users nothing is told.
    theirs = (await world.bob.get("/v1/usage", params={"user": "one"})).json()
    assert theirs["budgets"] == []


async def test_an_end_user_has_a_budget_of_its_own(world: World) -> None:
    strange = "Zo\u00eb / #1?"
    await set_budget(world, user=strange, day_usd=0.4)
    assert [(await create_pier(world, user=strange)).status_code for _ in range(2)] == [200, 429]
    assert (await create_pier(world, user="another")).status_code == 200
    assert (await create_pier(world)).status_code == 200
    refused = (await create_pier(world, user=strange)).json()["error"]
    assert refused["budget"]["scope"] == "user"
    assert (await standing_of(world, user=strange))["held_usd"] == 0.4
