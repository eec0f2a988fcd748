"""What a key may be kept from: models, ways in, and more videos than it may have at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from dailies.video.basics import Phase
from tests.integration.api.world import World

_BODY = {"prompt": "a pier"}
_JOB = {"prompt": "a pier", "model": "sora", "width": 480, "height": 480, "n_seconds": 5}


@asynccontextmanager
async def _limited(world: World, **limits: Any) -> AsyncIterator[httpx.AsyncClient]:
    """A client of alice's with a key of these limits."""
    answer = await world.admin.post(
        "/v1/admin/keys", json={"owner": world.owners["alice"], "limits": limits}
    )
    assert answer.status_code == 201, answer.text
    async with world.client(answer.json()["key"]) as client:
        yield client


async def test_a_key_makes_videos_of_its_models_only(world: World) -> None:
    async with _limited(world, models=["azure-sora-2"]) as client:
        for path in ("/v1/videos", "/v1/videos?dry_run=true"):
            refused = await client.post(path, json={**_BODY, "model": "able"})
            error = refused.json()["error"]
            assert (refused.status_code, error["param"]) == (403, "model")
            assert error["code"] == "model_not_allowed"
            assert "sora-2" in error["message"]
        assert world.engine.started == []
        for asked in ({}, {"model": "sora-2"}, {"model": "azure-sora-2"}):
            answer = await client.post("/v1/videos", json={**_BODY, **asked})
            assert answer.status_code == 200, answer.text


async def test_what_a_video_is_made_from_is_no_way_around(world: World) -> None:
    video_id = await world.finished()
    async with _limited(world, models=["able"]) as client:
        answer = await client.post(f"/v1/videos/{video_id}/remix", json=_BODY)
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "model_not_allowed")
        answer = await client.post(
            "/openai/v1/video/generations/jobs", params={"api-version": "preview"}, json=_JOB
        )
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "model_not_allowed")
        files = {"video": ("clip.mp4", b"0" * 64, "video/mp4")}
        answer = await client.post(
            "/v1/videos/characters", data={"name": "Mossy", "model": "files"}, files=files
        )
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "model_not_allowed")


async def test_other_models_are_not_shown(world: World) -> None:
    async with _limited(world, models=["sora-2"]) as client:
        listed = (await client.get("/v1/models")).json()["data"]
        assert [each["id"] for each in listed] == ["sora-2"]
        assert (await client.get("/v1/models/azure-sora-2")).status_code == 200
        hidden = await client.get("/v1/models/able")
        nothing = await client.get("/v1/models/none")
        assert hidden.status_code == nothing.status_code == 404
        assert hidden.json()["error"]["code"] == nothing.json()["error"]["code"]


@pytest.mark.parametrize(
    ("ways", "openai", "sora1"),
    [(["openai"], 200, 403), (["sora1"], 403, 201), ([], 403, 403), (None, 200, 201)],
)
async def test_a_key_makes_videos_by_its_ways_in_only(
    world: World, ways: list[str] | None, openai: int, sora1: int
) -> None:
    async with _limited(world, ways=ways) as client:
        answers = [
            (await client.post("/v1/videos", json=_BODY), openai),
            (await client.post("/v1/videos?dry_run=true", json=_BODY), openai),
            (await client.post("/openai/v1/video/generations/jobs", json=_JOB), sora1),
        ]
        for answer, status in answers:
            assert answer.status_code == status, answer.text
            if status == 403:
                assert answer.json()["error"]["code"] == "way_not_allowed"
        # It looks at them by all.
        assert (await client.get("/v1/videos")).status_code == 200
        assert (await client.get("/openai/v1/video/generations/jobs")).status_code == 200


async def test_a_key_has_only_so_many_unfinished_videos(world: World) -> None:
    await world.alice.post("/v1/videos", json=_BODY)
    async with _limited(world, max_unfinished=2) as client:
        first, second = [await client.post("/v1/videos", json=_BODY) for _ in range(2)]
        assert first.status_code == second.status_code == 200
        for path in ("/v1/videos", "/v1/videos?dry_run=true"):
            refused = await client.post(path, json=_BODY)
            assert refused.status_code == 429
            assert refused.json()["error"]["code"] == "too_many_running_tasks"
            assert "this key" in refused.json()["error"]["message"]
            assert refused.headers["Retry-After"] == "30"
        # The owner's other keys go on, and what has ended makes place.
        assert (await world.alice.post("/v1/videos", json=_BODY)).status_code == 200
        await world.services.records.update(
            world.owners["alice"],
            second.json()["id"],
            lambda record: record.moved_to(Phase.DONE),
        )
        assert (await client.post("/v1/videos", json=_BODY)).status_code == 200


async def test_videos_that_arrive_together_are_all_counted(world: World) -> None:
    async with _limited(world, max_unfinished=3) as client:
        answers = await asyncio.gather(*(client.post("/v1/videos", json=_BODY) for _ in range(12)))
    assert sorted(answer.status_code for answer in answers) == [200] * 3 + [429] * 9


async def test_the_share_of_an_issued_key_goes_with_its_videos(world: World) -> None:
    async with _limited(world, weight=7) as client:
        created = await client.post("/v1/videos", json=_BODY)
    record = await world.record(created.json()["id"])
    assert record is not None
    assert record.weight == 7
    before = await world.alice.post("/v1/videos", json=_BODY)
    other = await world.record(before.json()["id"])
    assert other is not None
    assert other.weight is None


async def test_a_model_that_is_gone_stays_in_a_limit_that_named_it(world: World) -> None:
    answer = await world.admin.post(
        "/v1/admin/keys", json={"owner": world.owners["alice"], "limits": {"models": ["nope"]}}
    )
    error = answer.json()["error"]
    assert (answer.status_code, error["param"]) == (400, "limits.models")
    assert error["code"] == "model_not_found"
    issued = await world.admin.post(
        "/v1/admin/keys", json={"owner": world.owners["alice"], "limits": {"models": ["able"]}}
    )
    key_id = issued.json()["id"]
    await world.services.keys.update(
        key_id,
        lambda key: key.model_copy(
            update={"limits": key.limits.model_copy(update={"models": ("gone",)})}
        ),
        world.now,
    )
    path = f"/v1/admin/keys/{key_id}"
    named = await world.admin.patch(path, json={"name": "studio"})
    assert named.json()["limits"]["models"] == ["gone"]
    both = await world.admin.patch(path, json={"limits": {"models": ["gone", "studio/able-1"]}})
    assert both.json()["limits"]["models"] == ["gone", "able"]


async def test_a_guard_that_is_not_set_up_is_no_guard_for_a_key(world: World) -> None:
    limits = {"guards": {"only": ["webhook"]}}
    body = {"owner": world.owners["alice"], "limits": limits}
    refused = await world.admin.post("/v1/admin/keys", json=body)
    assert refused.status_code == 400
    error = refused.json()["error"]
    assert (error["param"], error["code"]) == ("limits.guards.only", "guard_not_set_up")
