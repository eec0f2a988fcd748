"""One key makes one video."""

from __future__ import annotations

import asyncio

from tests.integration.api.world import World


async def test_fifty_creates_at_once_with_one_key_make_one_video(world: World) -> None:
    answers = await asyncio.gather(
        *(
            world.alice.post(
                "/v1/videos", json={"prompt": "a pier"}, headers={"Idempotency-Key": "k-1"}
            )
            for _ in range(50)
        )
    )
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["id"] for answer in answers}) == 1
    replays = [answer.headers.get("Idempotent-Replayed") for answer in answers]
    assert sorted(replays, key=str) == [None, *["true"] * 49]
    listed = await world.alice.get("/v1/videos")
    assert len(listed.json()["data"]) == 1


async def test_a_key_is_for_one_request_and_one_owner(world: World) -> None:
    headers = {"Idempotency-Key": "k-1"}
    first = await world.alice.post("/v1/videos", json={"prompt": "a pier"}, headers=headers)
    other = await world.alice.post("/v1/videos", json={"prompt": "a dune"}, headers=headers)
    bobs = await world.bob.post("/v1/videos", json={"prompt": "a dune"}, headers=headers)
    assert other.status_code == 409
    assert other.json()["error"]["code"] == "idempotency_key_reused"
    assert other.headers["x-should-retry"] == "false"
    assert bobs.json()["id"] != first.json()["id"]


async def test_a_key_that_is_too_long_is_refused(world: World) -> None:
    answer = await world.alice.post(
        "/v1/videos", json={"prompt": "a pier"}, headers={"Idempotency-Key": "k" * 256}
    )
    assert answer.json()["error"]["code"] == "invalid_idempotency_key"
