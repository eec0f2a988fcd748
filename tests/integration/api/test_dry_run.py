"""A dry run tells what would follow, and nothing follows."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from dailies.providers.classify import Call
from dailies.providers.outcomes import Kind, Outcome
from dailies.routing import health
from dailies.stores.tables import TABLES
from tests.integration.api.given import IMAGE_URL, PICTURE
from tests.integration.api.world import World

DRY = "/v1/videos?dry_run=true"


async def _dry(world: World, **fields: Any) -> httpx.Response:
    return await world.alice.post(DRY, json={"prompt": "a pier", **fields})


async def _stored(world: World) -> list[str]:
    """All that is in storage, of all owners: rows of every table, and blobs."""
    found = [
        f"{name}/{row['PartitionKey']}/{row['RowKey']}/{row.metadata['etag']}"
        for name in TABLES
        async for row in world.tables.get_table_client(name).list_entities()
    ]
    for container in (world.services.files.references, world.videos):
        found += [name async for name in container.list_blob_names()]
    return sorted(found)


async def test_it_tells_who_makes_it_when_and_at_what_price(world: World) -> None:
    answer = await _dry(world, seconds=8)
    assert answer.status_code == 200, answer.text
    assert answer.json() == {
        "object": "video.dry_run",
        "model": "sora-2",
        "seconds": "8",
        "size": "720x1280",
        "n_variants": 1,
        "images": [],
        "provider": "azure-sora-2",
        "deployment": "first",
        "starts_at": int(world.now),
        "ends_at": int(world.now) + 120,
        "render_seconds": 120.0,
        "cost_usd": 0.8,
        "error": None,
    }


@pytest.mark.parametrize("as_form", [False, True], ids=["json", "form"])
async def test_nothing_is_stored_and_no_key_is_used_up(world: World, as_form: bool) -> None:
    before = await _stored(world)
    headers = {"Idempotency-Key": "dry"}
    body: dict[str, Any] = {"json": {"prompt": "a pier", "input_reference": IMAGE_URL}}
    if as_form:
        body = {"data": {"prompt": "a pier"}, "files": {"input_reference": PICTURE}}
    for _ in range(2):
        answer = await world.alice.post(DRY, headers=headers, **body)
        assert answer.status_code == 200, answer.text
        assert answer.json()["images"] == [{"role": "first_frame", "size": "1280x720"}]
    assert await _stored(world) == before
    assert world.engine.started == []
    assert not world.upstream
    made = await world.alice.post("/v1/videos", headers=headers, json={"prompt": "another"})
    assert made.status_code == 200
    assert "idempotent-replayed" not in made.headers


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"seconds": 5}, "seconds"),
        ({"size": "1x1"}, "size"),
        ({"model": "none"}, "model"),
        ({"prompt": ""}, "prompt"),
        ({"input_reference": "data:image/png;base64,AAAA"}, "input_reference"),
    ],
)
async def test_what_is_wrong_is_answered_as_by_a_create(
    world: World, fields: dict[str, object], param: str
) -> None:
    dry = await _dry(world, **fields)
    real = await world.alice.post("/v1/videos", json={"prompt": "a pier", **fields})
    assert dry.json()["error"]["param"] == param
    assert (dry.status_code, dry.json()) == (real.status_code, real.json())


async def test_an_image_that_only_decoding_finds_broken_is_found(world: World) -> None:
    _, picture, kind = PICTURE
    broken = picture[:60] + bytes(len(picture) - 72) + picture[-12:]
    body: dict[str, Any] = {
        "data": {"prompt": "a pier"},
        "files": {"input_reference": ("pier.png", broken, kind)},
    }
    assert (await world.alice.post("/v1/videos", **body)).status_code == 200
    answer = await world.alice.post(DRY, **body)
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"]["param"] == "input_reference"


async def test_an_owner_with_too_many_videos_learns_so(storage: str) -> None:
    async with World(storage, DAILIES_MAX_UNFINISHED=1) as world:
        assert (await _dry(world)).status_code == 200
        assert (await _dry(world)).status_code == 200
        await world.alice.post("/v1/videos", json={"prompt": "a pier"})
        assert (await _dry(world)).status_code == 429


async def test_it_tells_that_nothing_is_left_to_make_it(world: World) -> None:
    deployment = world.services.catalogue.deployment("plain")
    assert deployment is not None
    gone = Outcome(Kind.RETIRED, code="model_retired")
    await health.saw(world.services, deployment, Call.CREATE, gone, "video")
    try:
        answer = (await _dry(world, model="plain")).json()
        assert (answer["deployment"], answer["error"]["code"]) == (None, "model_retired")
    finally:
        await health.forget(world.services, "plain")


async def test_warnings_are_told(world: World) -> None:
    answer = (await _dry(world, promt="a pier")).json()
    assert [warning["param"] for warning in answer["warnings"]] == ["promt"]


async def test_a_query_that_says_neither_is_refused(world: World) -> None:
    answer = await world.alice.post("/v1/videos?dry_run=perhaps", json={"prompt": "a pier"})
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "dry_run")
    assert world.engine.started == []


async def test_false_is_a_create(world: World) -> None:
    answer = await world.alice.post("/v1/videos?dry_run=false", json={"prompt": "a pier"})
    assert answer.json()["object"] == "video"
    assert len(world.engine.started) == 1


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/videos/{id}/remix", {"prompt": "at night"}),
        ("/v1/video/generations/jobs", {"prompt": "a pier", "model": "sora"}),
        ("/orchestrations/generate-video", {"prompt": "a pier"}),
        ("/v1/videos", {"prompt": "a pier", "dry_run": True}),
    ],
)
async def test_who_means_a_dry_run_elsewhere_makes_nothing(
    world: World, path: str, body: dict[str, object]
) -> None:
    video_id = await world.finished()
    world.engine.started.clear()
    query = "" if "dry_run" in body else "?dry_run=true"
    answer = await world.admin.post(path.format(id=video_id) + query, json=body)
    if "remix" in path:
        answer = await world.alice.post(path.format(id=video_id) + query, json=body)
    assert answer.status_code == 400
    assert "dry" in answer.text
    assert world.engine.started == []
