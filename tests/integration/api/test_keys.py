"""Who may see what: keys in every header that clients use, and owners kept apart."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dailies.catalogue import Catalogue
from dailies.providers.registry import check_deployment
from tests.integration.api.world import World

ROUTES = [
    ("GET", ""),
    ("DELETE", ""),
    ("GET", "/content"),
    ("HEAD", "/content"),
    ("POST", "/remix"),
    ("POST", "/cancel"),
]


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer {key}"},
        {"Authorization": "bearer  {key} "},
        {"api-key": "{key}"},
        {"x-functions-key": "{key}"},
        {"x-litellm-api-key": "{key}"},
        {"x-litellm-api-key": "Bearer {key}"},
    ],
)
async def test_a_key_is_taken_from_every_header(world: World, headers: dict[str, str]) -> None:
    given = {name: value.format(key=world.keys["alice"]) for name, value in headers.items()}
    answer = await world.anonymous.get("/v1/videos", headers=given)
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, "missing_api_key"),
        ({"Authorization": "Basic abc"}, "missing_api_key"),
        ({"Authorization": "Bearer wrong"}, "invalid_api_key"),
        ({"api-key": "wr\u00f6ng"}, "invalid_api_key"),
    ],
)
async def test_no_key_and_a_wrong_key_are_401(
    world: World, headers: dict[str, str], code: str
) -> None:
    given = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    answer = await world.anonymous.get("/v1/videos", headers=given)
    assert answer.status_code == 401
    assert answer.json()["error"]["type"] == "authentication_error"
    assert answer.json()["error"]["code"] == code
    assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_another_owner_s_video_is_not_found(world: World, method: str, path: str) -> None:
    video_id = await world.finished()
    theirs = await world.bob.request(method, f"/v1/videos/{video_id}{path}", json={"prompt": "x"})
    unknown = f"video_{'0' * 32}"
    nobodys = await world.bob.request(method, f"/v1/videos/{unknown}{path}", json={"prompt": "x"})
    assert theirs.status_code == nobodys.status_code == 404
    assert theirs.text.replace(video_id, unknown) == nobodys.text


@pytest.mark.parametrize("path", ["/v1/videos/edits", "/v1/videos/extensions"])
async def test_another_owner_s_video_is_no_source(world: World, path: str) -> None:
    video_id = await world.finished()
    answer = await world.bob.post(
        path, json={"prompt": "x", "seconds": "4", "video": {"id": video_id}}
    )
    assert answer.status_code == 404


async def test_health_needs_no_key(world: World) -> None:
    answer = await world.anonymous.get("/health")
    assert (answer.status_code, answer.json()["status"]) == (200, "ok")


async def test_without_a_model_on_offer_the_app_runs_and_says_so(world: World) -> None:
    text = "default_model: m\nmodels: {m: {deployments: [{name: d, provider: azure-sora-2, "
    text += "deployment: x, sizes: [720x1280], seconds: [4], prices: null}]}}"
    catalogue = Catalogue.parse(text, {}, check=check_deployment())
    world.services = replace(world.services, catalogue=catalogue)
    health = await world.anonymous.get("/health")
    assert (health.status_code, health.json()) == (200, {"status": "no_models", "models": 0})
    for asked in ({}, {"model": "m"}):
        answer = await world.alice.post("/v1/videos", json={"prompt": "x", **asked})
        assert answer.status_code == 404
        error = answer.json()["error"]
        assert (error["param"], error["code"]) == ("model", "DeploymentNotFound")
        assert "not offered here" in error["message"]
    assert (await world.alice.get("/v1/videos")).status_code == 200


async def test_a_key_may_be_limited_to_some_priorities(storage: str) -> None:
    async with World(storage, key_limits={"alice": ";priorities=low+high;weight=3"}) as world:
        body = {"prompt": "a pier"}
        refused = await world.alice.post("/v1/videos", json={**body, "priority": "normal"})
        assert (refused.status_code, refused.json()["error"]["code"]) == (
            403,
            "priority_not_allowed",
        )
        assert world.engine.started == []
        high = await world.alice.post("/v1/videos", json={**body, "priority": "high"})
        unsaid = await world.alice.post("/v1/videos", json=body)
        bobs = await world.bob.post("/v1/videos", json=body)
        priorities = []
        for owner, answer in (("alice", high), ("alice", unsaid), ("bob", bobs)):
            record = await world.services.records.get(world.owners[owner], answer.json()["id"])
            assert record is not None
            priorities.append(record.priority)
        assert priorities == ["high", "low", "normal"]
        assert world.services.settings.weight_of(world.owners["alice"]) == 3
