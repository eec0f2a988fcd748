"""A key that may make so many requests a minute: what its answers say."""

from __future__ import annotations

from typing import Any

import openai
import pytest

from tests.integration.api.world import World

_HEADERS = [f"x-ratelimit-{name}-requests" for name in ("limit", "remaining", "reset")]


async def _key(world: World, **limits: Any) -> str:
    answer = await world.admin.post(
        "/v1/admin/keys", json={"owner": world.owners["alice"], "limits": limits}
    )
    return str(answer.json()["key"])


async def test_each_answer_tells_where_the_key_stands(world: World) -> None:
    world.now += 18  # of a minute
    async with world.client(await _key(world, requests_per_minute=4)) as client:
        answers = [
            await client.get("/v1/videos"),
            await client.post("/v1/videos", json={}),
            await client.get(f"/videos/video_{'0' * 32}"),
            await client.get("/v1/admin/keys"),
            await client.get("/v1/videos"),
        ]
    assert [answer.status_code for answer in answers] == [200, 400, 404, 403, 429]
    told = [[answer.headers[name] for name in _HEADERS] for answer in answers]
    assert told == [["4", str(left), "42s"] for left in (3, 2, 1, 0, 0)]


async def test_one_too_many_is_refused_as_openai_does(world: World) -> None:
    async with world.client(await _key(world, requests_per_minute=1)) as client:
        await client.get("/v1/videos")
        for path in ("/v1/videos", f"/v1/videos/video_{'0' * 32}", "/v1/models"):
            refused = await client.get(path)
            error = refused.json()["error"]
            assert (refused.status_code, error["code"]) == (429, "rate_limit_exceeded")
            assert error["type"] == "requests"
            assert refused.headers["Retry-After"] == "60"
        # A create that is refused makes nothing.
        refused = await client.post("/v1/videos", json={"prompt": "a pier"})
        assert refused.status_code == 429
        assert world.engine.started == []
        world.now += 60
        assert (await client.get("/v1/videos")).status_code == 200


async def test_other_keys_of_the_owner_are_not_touched(world: World) -> None:
    async with world.client(await _key(world, requests_per_minute=1)) as client:
        await client.get("/v1/videos")
        assert (await client.get("/v1/videos")).status_code == 429
    answer = await world.alice.get("/v1/videos")
    assert answer.status_code == 200
    assert not set(_HEADERS) & set(answer.headers)


async def test_a_download_is_one_request(storage: str) -> None:
    async with World(storage, DAILIES_CONTENT_DELIVERY="stream") as world:
        video_id = await world.finished()
        async with world.client(await _key(world, requests_per_minute=2)) as client:
            answer = await client.get(f"/v1/videos/{video_id}/content")
            assert answer.status_code == 200
            assert answer.headers["x-ratelimit-remaining-requests"] == "1"


async def test_the_official_client_knows_the_refusal(world: World) -> None:
    key = await _key(world, requests_per_minute=1)
    async with world.client(key) as transport:
        client = openai.AsyncOpenAI(
            base_url="http://dailies.test/v1",
            api_key=key,
            max_retries=0,
            http_client=transport,  # type: ignore[arg-type] # of another major version of httpx
        )
        first = await client.models.with_raw_response.list()
        assert first.headers["x-ratelimit-remaining-requests"] == "0"
        with pytest.raises(openai.RateLimitError) as refused:
            await client.models.list()
    assert refused.value.code == "rate_limit_exceeded"
    assert refused.value.response.headers["retry-after"] == "60"


async def test_ten_requests_of_a_large_limit_ask_storage_seldom(world: World) -> None:
    video_id = await world.finished()
    async with world.client(await _key(world, requests_per_minute=600)) as client:
        await client.get(f"/v1/videos/{video_id}")
        before = world.table_requests
        for _ in range(10):
            await client.get(f"/v1/videos/{video_id}")
        used = world.table_requests - before
    before = world.table_requests
    for _ in range(10):
        await world.alice.get(f"/v1/videos/{video_id}")
    assert used == world.table_requests - before
