"""Cancelling: a video that runs is stopped and stays, as one that failed."""

from __future__ import annotations

import pytest

from dailies.engine import WAKE_EVENT, VideoRef
from dailies.pipeline.finish import finish_video
from dailies.pipeline.publish import publish_events
from dailies.video.basics import Phase
from tests.integration.api.test_create import PREFIXES
from tests.integration.api.world import World


async def _running(world: World) -> str:
    created = await world.alice.post("/v1/videos", json={"prompt": "a pier"})
    return str(created.json()["id"])


@pytest.mark.parametrize("prefix", PREFIXES)
async def test_a_running_video_is_cancelled_and_keeps_its_record(world: World, prefix: str) -> None:
    video_id = await _running(world)
    answer = await world.alice.post(f"{prefix}/videos/{video_id}/cancel")
    assert (answer.status_code, answer.json()["id"]) == (200, video_id)
    assert answer.json()["status"] == "queued"
    assert (video_id, WAKE_EVENT) in world.engine.woken
    video: VideoRef = {"id": video_id, "owner": world.owners["alice"]}
    await finish_video(world.services, {**video, "error": None})
    await publish_events(world.services, video)
    ended = (await world.alice.get(f"/v1/videos/{video_id}")).json()
    assert (ended["status"], ended["phase"]) == ("failed", "cancelled")
    assert ended["error"]["code"] == "cancelled"
    assert world.events.types(video_id) == ["accepted", "cancelled"]


async def test_cancelling_again_changes_nothing(world: World) -> None:
    video_id = await _running(world)
    for _ in range(2):
        assert (await world.alice.post(f"/v1/videos/{video_id}/cancel")).status_code == 200
    await finish_video(world.services, {"id": video_id, "owner": world.owners["alice"]})
    ended = await world.alice.get(f"/v1/videos/{video_id}")
    again = await world.alice.post(f"/v1/videos/{video_id}/cancel")
    assert (again.status_code, again.json()) == (200, ended.json())
    assert "openai-poll-after-ms" not in again.headers


@pytest.mark.parametrize("phase", [Phase.DONE, Phase.FAILED])
async def test_what_has_ended_can_not_be_cancelled(world: World, phase: Phase) -> None:
    video_id = await _running(world)
    before = await world.change(video_id, phase=phase, completed_at=world.now)
    answer = await world.alice.post(f"/v1/videos/{video_id}/cancel")
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (409, "video_already_ended")
    assert error["param"] == "video_id"
    # An official client sends every 409 again unless it is told not to.
    assert answer.headers["x-should-retry"] == "false"
    assert await world.record(video_id) == before


async def test_a_cancelled_video_can_be_deleted_before_and_after_its_end(world: World) -> None:
    for end_first in (False, True):
        video_id = await _running(world)
        await world.alice.post(f"/v1/videos/{video_id}/cancel")
        if end_first:
            await finish_video(world.services, {"id": video_id, "owner": world.owners["alice"]})
        assert (await world.alice.delete(f"/v1/videos/{video_id}")).status_code == 200
        gone = await world.alice.post(f"/v1/videos/{video_id}/cancel")
        assert (gone.status_code, gone.json()["error"]["code"]) == (404, "video_deleted")


async def test_an_engine_that_does_not_answer_does_not_fail_a_cancel(world: World) -> None:
    video_id = await _running(world)
    world.engine.fault = RuntimeError("the extension is restarting")
    assert (await world.alice.post(f"/v1/videos/{video_id}/cancel")).status_code == 200
    record = await world.record(video_id)
    assert record is not None
    assert record.cancel_requested
