"""A failed video made again by whoever ordered it."""

from __future__ import annotations

import pytest

from dailies.video.basics import VideoError
from tests.integration.api.world import World, png


async def test_a_failed_video_is_made_again_once_with_all_that_it_was_ordered_with(
    world: World,
) -> None:
    ordered = await world.alice.post(
        "/v1/videos",
        data={"prompt": "a pier", "size": "1280x720", "seconds": "8"},
        files={"input_reference": ("pier.png", png(), "image/png")},
    )
    first = str(ordered.json()["id"])
    assert (await world.alice.post(f"/v1/videos/{first}/retry")).status_code == 409
    await world.services.records.update(
        world.owners["alice"],
        first,
        lambda record: record.failed(VideoError("expired", "It took too long."), world.now),
    )
    answer = await world.alice.post(f"/v1/videos/{first}/retry")
    video = answer.json()
    assert (answer.status_code, video["status"]) == (200, "queued")
    assert (video["prompt"], video["size"], video["seconds"]) == ("a pier", "1280x720", "8")
    assert video["source"]["type"] == "http"
    assert world.engine.started[-1] == video["id"] != first
    record = await world.services.records.get(world.owners["alice"], video["id"])
    assert record is not None
    (picture,) = record.request.inputs
    assert picture.file is not None
    assert picture.file.blob.startswith(f"{video['id']}/")
    again = await world.alice.post(f"/v1/videos/{first}/retry")
    assert again.json()["id"] == video["id"]
    assert again.headers["Idempotent-Replayed"] == "true"


async def test_nobody_else_makes_it_again(world: World) -> None:
    first = await world.failed()
    other = await world.bob.post(f"/v1/videos/{first}/retry")
    missing = await world.bob.post(f"/v1/videos/video_{'0' * 32}/retry")
    assert other.status_code == missing.status_code == 404
    assert other.json()["error"]["code"] == missing.json()["error"]["code"] == "video_not_found"
    assert (await world.anonymous.post(f"/v1/videos/{first}/retry")).status_code == 401


@pytest.mark.parametrize("limits", [{"ways": []}, {"models": ["able"]}, {"max_unfinished": 1}])
async def test_a_key_s_limits_hold(world: World, limits: dict[str, object]) -> None:
    first = await world.failed()
    issued = await world.admin.post(
        "/v1/admin/keys", json={"owner": world.owners["alice"], "limits": limits}
    )
    client = world.client(issued.json()["key"])
    if "max_unfinished" in limits:
        assert (await client.post("/v1/videos", json={"prompt": "one"})).status_code == 200
    answer = await client.post(f"/v1/videos/{first}/retry")
    assert answer.status_code == (429 if "max_unfinished" in limits else 403)
    assert (await world.alice.post(f"/v1/videos/{first}/retry")).status_code == 200


async def test_a_dry_run_of_it_is_refused(world: World) -> None:
    first = await world.failed()
    answer = await world.alice.post(f"/v1/videos/{first}/retry?dry_run=true")
    assert answer.status_code == 400
    assert len(world.engine.started) == 1
