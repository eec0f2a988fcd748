"""The list of models, as callers and the official client read it."""

from __future__ import annotations

import warnings

import httpx
import openai
import pytest

from tests.integration.api.world import World

PREFIXES = ("/v1", "/openai/v1", "")


@pytest.mark.parametrize("prefix", PREFIXES)
async def test_all_models_in_openai_s_form(world: World, prefix: str) -> None:
    answer = await world.alice.get(f"{prefix}/models")
    assert answer.status_code == 200, answer.text
    document = answer.json()
    assert document["object"] == "list"
    assert [model["id"] for model in document["data"]] == list(world.services.catalogue.models)
    for model in document["data"]:
        assert (model["object"], type(model["created"]), model["available"]) == ("model", int, True)
        assert model["owned_by"]


async def test_what_a_model_can_do_and_costs(world: World) -> None:
    model = (await world.alice.get("/v1/models/able")).json()
    assert model["inputs"] == {
        "first_frame": True,
        "last_frame": True,
        "references": 2,
        "frames": None,
        "video": False,
    }
    assert model["prices"] == {"1280x720": 0.2, "720x1280": 0.3}
    assert model["silent_prices"] == {"1280x720": 0.2, "720x1280": 0.1}
    assert (model["sound"], model["seed"], model["negative_prompt"]) == ("chosen", True, True)
    assert (model["seconds"], model["operations"]) == ([5, 10], ["create"])
    assert (model["aspect_ratios"], model["resolutions"]) == (["16:9", "9:16"], ["720p"])
    assert (model["aliases"], model["provider_options"]) == (["studio/able-1"], ["runway"])
    assert model["max_prompt_characters"] == 32_000


@pytest.mark.parametrize(
    "name",
    ["able", "ABLE", "studio/able-1", "studio%2Fable-1", "openai/able", "studio/able-upstream"],
)
async def test_a_model_by_any_name_that_a_create_takes(world: World, name: str) -> None:
    answer = await world.alice.get(f"/v1/models/{name}")
    assert (answer.status_code, answer.json()["id"]) == (200, "able")
    made = await world.alice.post(
        "/v1/videos", json={"prompt": "x", "model": name.replace("%2F", "/")}
    )
    assert (made.status_code, made.json()["model"]) == (200, "able")


@pytest.mark.parametrize("name", ["elsewhere/able", "nowhere/able", "able/x", "abel"])
async def test_an_unknown_model_is_answered_with_the_nearest(world: World, name: str) -> None:
    answer = await world.alice.get(f"/v1/models/{name}")
    error = answer.json()["error"]
    assert (answer.status_code, error["param"], error["code"]) == (404, "model", "model_not_found")
    made = await world.alice.post("/v1/videos", json={"prompt": "x", "model": name})
    assert made.status_code == 404
    if name in ("elsewhere/able", "abel"):
        assert "'able'" in error["message"]
        assert "'able'" in made.json()["error"]["message"]


@pytest.mark.parametrize("path", ["/v1/models", "/v1/models/able"])
async def test_models_are_told_to_those_with_a_key(world: World, path: str) -> None:
    answer = await world.anonymous.get(path)
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "missing_api_key")


async def test_the_official_client(world: World) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        client = world.official
        listed = [model.id async for model in client.models.list()]
        assert listed == list(world.services.catalogue.models)
        found = await client.models.retrieve("studio/able-1")
        assert (found.id, found.owned_by, found.object) == ("able", "runway", "model")
        assert (found.model_extra or {})["seconds"] == [5, 10]
        with pytest.raises(openai.NotFoundError) as caught:
            await client.models.retrieve("abel")
        assert "Did you mean 'able'" in caught.value.message


async def test_the_routes_are_in_the_document(world: World) -> None:
    paths = world.app.openapi()["paths"]
    assert {"/v1/models", "/v1/models/{model}"} <= paths.keys()
    assert isinstance(world.alice, httpx.AsyncClient)
