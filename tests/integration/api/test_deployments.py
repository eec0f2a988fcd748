"""What operators see of deployments, and can do about them."""

from __future__ import annotations

from typing import Any

from dailies.providers.classify import Call
from dailies.providers.outcomes import Kind, Outcome
from dailies.routing import health
from tests.integration.api.world import World

RETIRED = Outcome(
    Kind.RETIRED, code="model_retired", message="Gone.", remedy="Deploy another model."
)


async def _first(world: World) -> dict[str, Any]:
    answer = await world.admin.get("/v1/admin/deployments")
    assert answer.status_code == 200, answer.text
    return next(each for each in answer.json()["data"] if each["id"] == "first")


async def _retired(world: World) -> None:
    deployment = world.services.catalogue.deployment("first")
    assert deployment is not None
    await health.saw(world.services, deployment, Call.CREATE, RETIRED, "video")


async def test_all_are_listed_and_well(world: World) -> None:
    await world.admin.post("/v1/admin/deployments/first/reset")
    shown = await _first(world)
    assert shown == {
        "id": "first",
        "object": "deployment",
        "model": "sora-2",
        "provider": "azure-sora-2",
        "state": "well",
        "faults": 0,
        "since": None,
        "until": None,
        "code": None,
        "remedy": None,
    }


async def test_one_that_is_gone_says_why_until_an_operator_resets_it(world: World) -> None:
    await _retired(world)
    shown = await _first(world)
    assert (shown["state"], shown["code"]) == ("gone", "model_retired")
    assert (shown["remedy"], shown["since"]) == ("Deploy another model.", int(world.now))
    answer = await world.admin.post("/v1/admin/deployments/first/reset")
    assert (answer.status_code, answer.json()["state"]) == (200, "well")
    assert (await _first(world))["state"] == "well"


async def test_they_are_for_operators(world: World) -> None:
    for client, status in ((world.alice, 403), (world.anonymous, 401)):
        assert (await client.get("/v1/admin/deployments")).status_code == status
        answer = await client.post("/v1/admin/deployments/first/reset")
        assert answer.status_code == status
    unknown = await world.admin.post("/v1/admin/deployments/none/reset")
    assert (unknown.status_code, unknown.json()["error"]["code"]) == (404, "deployment_not_found")
