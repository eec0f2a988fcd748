"""Deleting: a video is gone at once, one that runs is cancelled as well, and events tell."""

from __future__ import annotations

import pytest
from azure.core.exceptions import ServiceRequestError

from dailies.api.app import create_app
from dailies.engine import WAKE_EVENT, VideoRef
from dailies.pipeline.finish import finish_video
from dailies.pipeline.publish import publish_events
from dailies.pipeline.remove import remove_video
from dailies.pipeline.sweep import sweep
from dailies.protocols.sora1.ids import generation_id, job_id
from dailies.stores.tombstones import Removal
from dailies.video.basics import Phase
from tests.integration.api.world import World


async def test_a_finished_video_loses_its_files_and_its_record(world: World) -> None:
    video_id = await world.finished()
    answer = await world.alice.delete(f"/v1/videos/{video_id}")
    assert answer.json() == {"id": video_id, "object": "video.deleted", "deleted": True}
    assert await world.blobs(video_id) == []
    assert await world.record(video_id) is None
    assert (await world.alice.get("/v1/videos")).json()["data"] == []


async def test_what_became_of_a_deleted_video_is_told_to_its_owner_only(world: World) -> None:
    video_id = await world.finished()
    await world.alice.delete(f"/v1/videos/{video_id}")
    for method, path in (("DELETE", ""), ("GET", ""), ("GET", "/content"), ("POST", "/remix")):
        again = await world.alice.request(
            method, f"/v1/videos/{video_id}{path}", json={"prompt": "x"}
        )
        assert (again.status_code, again.json()["error"]["code"]) == (404, "video_deleted")
    bobs = await world.bob.get(f"/v1/videos/{video_id}")
    assert bobs.json()["error"]["code"] == "video_not_found"


async def test_an_expired_video_is_told_apart_from_a_deleted_one(world: World) -> None:
    video_id = await world.finished()
    assert await remove_video(world.services, world.owners["alice"], video_id, Removal.EXPIRED)
    answer = await world.alice.get(f"/v1/videos/{video_id}/content")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "video_expired")
    assert world.events.last["reason"] == "expired"


async def test_the_events_of_a_deletion_come_in_order_and_once(world: World) -> None:
    video_id = await world.finished()
    await world.alice.delete(f"/v1/videos/{video_id}")
    # Nobody had heard of its end yet.
    assert world.events.types(video_id) == ["accepted", "submitted", "completed", "deleted"]
    deleted = world.events.taken[-1]
    assert deleted.id == f"{video_id}.deleted"
    assert world.events.last["files"] == {}
    assert "prompt" not in world.events.last
    await sweep(world.services, world.engine)
    assert world.events.types(video_id).count("deleted") == 1


async def test_a_topic_that_is_down_delays_the_event_and_not_the_answer(world: World) -> None:
    video_id = await world.finished()
    world.events.fault = ServiceRequestError("the topic is down")
    answer = await world.alice.delete(f"/v1/videos/{video_id}")
    assert answer.status_code == 200
    assert (await world.alice.get(f"/v1/videos/{video_id}")).status_code == 404
    # Its orchestration is over: while one runs, the sweeper leaves a video alone.
    world.engine.started.clear()
    world.now += 3600
    await sweep(world.services, world.engine)
    assert world.events.types(video_id) == []
    world.events.fault = None
    await sweep(world.services, world.engine)
    assert world.events.types(video_id)[-1] == "deleted"
    assert await world.blobs(video_id) == []
    opened = [video.id async for video in world.services.records.open.videos()]
    assert video_id not in opened


async def test_the_key_of_a_deleted_video_may_be_used_for_another_request(world: World) -> None:
    headers = {"Idempotency-Key": "k-1"}
    first = await world.alice.post("/v1/videos", json={"prompt": "a pier"}, headers=headers)
    video_id = first.json()["id"]
    await world.change(video_id, phase=Phase.DONE)
    await world.alice.delete(f"/v1/videos/{video_id}")
    # The same request is not paid for again by a client that did not hear of the first answer.
    same = await world.alice.post("/v1/videos", json={"prompt": "a pier"}, headers=headers)
    assert (same.status_code, same.json()["error"]["code"]) == (409, "video_deleted")
    second = await world.alice.post("/v1/videos", json={"prompt": "a dune"}, headers=headers)
    assert second.status_code == 200
    assert second.json()["id"] != video_id


async def test_a_running_video_is_gone_at_once_and_its_pause_cut_short(world: World) -> None:
    created = await world.alice.post("/v1/videos", json={"prompt": "a pier"})
    video_id = created.json()["id"]
    answer = await world.alice.delete(f"/v1/videos/{video_id}")
    assert answer.json() == {"id": video_id, "object": "video.deleted", "deleted": True}
    assert (f"{video_id}-check_video-0", WAKE_EVENT) in world.engine.woken
    for order in ("asc", "desc"):
        listed = await world.alice.get("/v1/videos", params={"order": order})
        assert listed.json()["data"] == []
    record = await world.record(video_id)
    assert record is not None
    assert record.cancel_requested
    # The orchestration ends it, whatever the step had come to, and says so.
    video: VideoRef = {"id": video_id, "owner": world.owners["alice"]}
    await finish_video(world.services, {**video, "error": None})
    await publish_events(world.services, video)
    assert world.events.types(video_id) == ["accepted", "cancelled", "deleted"]
    assert world.events.last["reason"] == "deleted"
    assert await world.record(video_id) is None
    opened = [video.id async for video in world.services.records.open.videos()]
    assert video_id not in opened


def _reads_of_a_video() -> list[tuple[str, str]]:
    """Every route that names one, by the OpenAPI document."""
    return [
        (method.upper(), path)
        for path, operations in create_app().openapi()["paths"].items()
        for method in operations
        if "{video_id}" in path or "{job_id}" in path or "{generation_id}" in path
    ]


@pytest.mark.parametrize(("method", "path"), _reads_of_a_video())
async def test_a_video_that_was_deleted_while_it_ran_is_shown_nowhere(
    world: World, method: str, path: str
) -> None:
    created = await world.alice.post("/v1/videos", json={"prompt": "a pier", "model": "sora"})
    video_id = created.json()["id"]
    names = {
        "video_id": video_id,
        "job_id": job_id(video_id),
        "generation_id": generation_id(video_id, 0),
    }
    await world.alice.delete(f"/v1/videos/{video_id}")
    client = world.admin if "/admin/" in path else world.alice
    said = {"decision": "end"} if "/admin/" in path else {"prompt": "x"}
    answer = await client.request(method, path.format(**names), json=said)
    assert answer.status_code == 404
    if "{video_id}" in path and method != "HEAD":
        assert answer.json()["error"]["code"] == "video_deleted"
    jobs = await world.alice.get("/v1/video/generations/jobs")
    assert jobs.json()["data"] == []


@pytest.mark.parametrize("path", ["edits", "extensions", ""])
async def test_a_video_that_was_deleted_while_it_ran_is_no_source(world: World, path: str) -> None:
    created = await world.alice.post("/v1/videos", json={"prompt": "a pier"})
    video_id = created.json()["id"]
    await world.alice.delete(f"/v1/videos/{video_id}")
    source = {"video": {"id": video_id}} if path else {"remix_video_id": video_id}
    answer = await world.alice.post(
        f"/v1/videos/{path}".rstrip("/"), json={"prompt": "x", "seconds": "4", **source}
    )
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "video_deleted")


async def test_the_key_of_a_video_that_was_deleted_while_it_ran_may_be_used_again(
    world: World,
) -> None:
    headers = {"Idempotency-Key": "k-1"}
    first = await world.alice.post("/v1/videos", json={"prompt": "a pier"}, headers=headers)
    video_id = first.json()["id"]
    await world.alice.delete(f"/v1/videos/{video_id}")
    same = await world.alice.post("/v1/videos", json={"prompt": "a pier"}, headers=headers)
    assert (same.status_code, same.json()["error"]["code"]) == (409, "video_deleted")
    second = await world.alice.post("/v1/videos", json={"prompt": "a dune"}, headers=headers)
    assert second.json()["id"] != video_id
    # And the end of the first takes nothing from the second.
    video: VideoRef = {"id": video_id, "owner": world.owners["alice"]}
    await finish_video(world.services, {**video, "error": None})
    await publish_events(world.services, video)
    again = await world.alice.post("/v1/videos", json={"prompt": "a dune"}, headers=headers)
    assert again.json()["id"] == second.json()["id"]


async def test_a_list_goes_on_after_a_video_that_was_deleted_while_it_ran(world: World) -> None:
    ids = []
    for _ in range(5):
        world.now += 1
        created = await world.alice.post("/v1/videos", json={"prompt": "a pier"})
        ids.append(created.json()["id"])
    await world.alice.delete(f"/v1/videos/{ids[2]}")
    for order, rest in (("asc", [ids[3], ids[4]]), ("desc", [ids[1], ids[0]])):
        query = {"order": order, "after": ids[2], "limit": "2"}
        page = (await world.alice.get("/v1/videos", params=query)).json()
        assert [video["id"] for video in page["data"]] == rest
        assert not page["has_more"]
        query = {"order": order, "limit": "2"}
        page = (await world.alice.get("/v1/videos", params=query)).json()
        assert len(page["data"]) == 2
        assert page["has_more"]


async def test_a_cancelled_video_keeps_no_file_that_was_stored_before(world: World) -> None:
    video_id = await world.finished()
    await world.change(
        video_id, phase=Phase.ARCHIVING, completed_at=None, rendered_at=world.now, cost_usd=None
    )
    await world.alice.post(f"/v1/videos/{video_id}/cancel")
    await finish_video(world.services, {"id": video_id, "owner": world.owners["alice"]})
    record = await world.record(video_id)
    assert record is not None
    assert (record.phase, record.files) == (Phase.CANCELLED, {})
    assert record.cost_usd == pytest.approx(0.4)  # it was rendered, so it was charged
    assert await world.blobs(video_id) == []


async def test_an_engine_that_does_not_answer_does_not_fail_a_delete(world: World) -> None:
    created = await world.alice.post("/v1/videos", json={"prompt": "a pier"})
    world.engine.fault = RuntimeError("the extension is restarting")
    answer = await world.alice.delete(f"/v1/videos/{created.json()['id']}")
    assert answer.status_code == 200
