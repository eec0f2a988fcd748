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
