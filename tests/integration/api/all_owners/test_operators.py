"""What is for operators alone, whoever adds a route: the OpenAPI document names all of them."""

from __future__ import annotations

import re

from tests.integration.api.world import World

_METHODS = {"get", "post", "put", "patch", "delete"}
_PLACE = re.compile(r"\{[^}]+\}")


async def test_no_route_of_operators_lets_a_caller_in(world: World) -> None:
    paths = (await world.anonymous.get("/openapi.json")).json()["paths"]
    routes = [
        (method.upper(), path)
        for path, operations in paths.items()
        if path.startswith("/v1/admin/")
        for method in operations
        if method in _METHODS
    ]
    assert {("GET", "/v1/admin/videos"), ("POST", "/v1/admin/videos/{video_id}/retry")} <= {*routes}
    for method, path in routes:
        for client, status in ((world.alice, 403), (world.anonymous, 401)):
            answer = await client.request(method, _PLACE.sub("x", path))
            assert answer.status_code == status, (method, path)


async def test_a_mistake_in_a_query_of_operators_is_told_and_changes_nothing(world: World) -> None:
    paths = (await world.anonymous.get("/openapi.json")).json()["paths"]
    for path in (path for path in paths if path.startswith("/v1/admin/")):
        for method in sorted(paths[path].keys() & _METHODS):
            place = _PLACE.sub("x", path)
            answer = await world.admin.request(method.upper(), f"{place}?frob=1", json={})
            error = answer.json()["error"]
            assert (answer.status_code, error["code"]) == (400, "unknown_parameter"), path
            assert error["param"] == "frob"
    budget = f"/v1/admin/budgets/{world.owners['alice']}"
    for query in ("usr=zoe", "user=zoe&user=yan"):
        refused = await world.admin.put(f"{budget}?{query}", json={"day_usd": 1})
        assert refused.status_code == 400
    assert (await world.admin.get(budget)).json()["data"] == []
    # What clients and hosts of Azure add is no mistake of anybody's.
    for added in ("api-version=2025-04-01-preview", "code=host-key"):
        assert (await world.admin.get(f"{budget}?{added}")).status_code == 200
