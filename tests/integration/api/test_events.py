"""Streams of what becomes of videos, over storage that two processes share."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest

from dailies.api import events
from dailies.stores.records import RecordStore
from dailies.video.basics import Phase
from dailies.video.record import VideoRecord
from tests.integration.api.test_create import PREFIXES
from tests.integration.api.world import World


def _events(text: str) -> list[dict[str, Any]]:
    events = []
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line)
        if "data" in fields:
            events.append({**fields, "data": json.loads(fields["data"])})
    return events


async def _running(world: World) -> str:
    created = await world.alice.post("/v1/videos", json={"prompt": "a pier"})
    return str(created.json()["id"])


def _listen(world: World, video_id: str, **headers: str) -> asyncio.Task[httpx.Response]:
    """Listen until the video has ended; the client hands the stream over when it is whole."""
    call = world.alice.get(f"/v1/videos/{video_id}/events", headers=headers)
    return asyncio.create_task(call)


async def _listening(world: World) -> None:
    while not world.services.followers.count:  # noqa: ASYNC110 - nothing tells that it has begun
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("prefix", PREFIXES)
async def test_each_change_is_told_until_the_video_has_ended(world: World, prefix: str) -> None:
    video_id = await _running(world)
    listening = asyncio.create_task(world.alice.get(f"{prefix}/videos/{video_id}/events"))
    await _listening(world)
    await world.change(video_id, phase=Phase.RENDERING)
    await world.change(video_id, progress=40)
    await world.change(video_id, published=("accepted",))
    await world.change(video_id, phase=Phase.DONE, progress=100, completed_at=world.now)
    answer = await listening
    assert answer.headers["content-type"].startswith("text/event-stream")
    told = _events(answer.text)
    assert told[-1]["event"] == "video.completed"
    assert {event["event"] for event in told[:-1]} <= {"video.progress"}
    assert (await world.alice.get(f"/v1/videos/{video_id}")).json() == told[-1]["data"]
    assert int(told[-1]["id"]) == int(world.now * 1000)
    assert world.services.followers.count == 0


async def test_the_end_that_another_process_writes_is_told(world: World) -> None:
    video_id = await _running(world)
    listening = _listen(world, video_id)
    await _listening(world)

    def cancelled(record: VideoRecord) -> VideoRecord:
        return record.moved_to(Phase.CANCELLED, completed_at=world.now)

    await RecordStore(world.tables).update(world.owners["alice"], video_id, cancelled)
    await world.services.followers.look()
    told = _events((await listening).text)
    assert [event["event"] for event in told] == ["video.progress", "video.cancelled"]


async def test_one_that_has_ended_is_told_at_once_and_then_no_more(world: World) -> None:
    video_id = await world.finished()
    answer = await world.alice.get(f"/v1/videos/{video_id}/events")
    (event,) = _events(answer.text)
    assert (event["event"], event["data"]["id"]) == ("video.completed", video_id)
    world.now += 60
    # A browser comes again as soon as a stream ends, until it is told that nothing is to come.
    again = {"Last-Event-ID": str(int(world.now * 1000))}
    answer = await world.alice.get(f"/v1/videos/{video_id}/events", headers=again)
    assert (answer.status_code, answer.content) == (204, b"")


@pytest.mark.parametrize("last", ["", "0", "rubbish", "-1", "9" * 40])
async def test_an_id_that_is_none_of_ours_is_as_none(world: World, last: str) -> None:
    video_id = await world.finished()
    answer = await world.alice.get(f"/v1/videos/{video_id}/events", headers={"Last-Event-ID": last})
    assert [event["event"] for event in _events(answer.text)] == ["video.completed"]


async def test_a_video_that_is_deleted_ends_its_stream(world: World) -> None:
    video_id = await _running(world)
    listening = _listen(world, video_id)
    await _listening(world)
    await world.alice.delete(f"/v1/videos/{video_id}")
    await world.services.followers.look()
    event = _events((await listening).text)[-1]
    assert event["event"] == "video.deleted"
    assert event["data"] == {"id": video_id, "object": "video.deleted", "deleted": True}


async def test_nobody_listens_to_another_s_videos(world: World) -> None:
    video_id = await _running(world)
    theirs = await world.bob.get(f"/v1/videos/{video_id}/events")
    nothing = await world.bob.get(f"/v1/videos/video_{'0' * 32}/events")
    assert theirs.status_code == nothing.status_code == 404
    for path in (f"/v1/videos/{video_id}/events", "/v1/videos/events"):
        assert (await world.anonymous.get(path)).status_code == 401


async def test_more_than_the_instance_serves_is_a_503(world: World) -> None:
    video_id = await _running(world)
    listening = [_listen(world, video_id) for _ in range(20)]
    while world.services.followers.count < 20:  # noqa: ASYNC110 - as above
        await asyncio.sleep(0.01)
    refused = await world.alice.get(f"/v1/videos/{video_id}/events")
    assert (refused.status_code, refused.json()["error"]["code"]) == (503, "too_many_streams")
    assert refused.headers["retry-after"]
    await world.change(video_id, phase=Phase.FAILED, completed_at=world.now)
    assert {(await each).status_code for each in listening} == {200}


async def test_a_key_that_is_revoked_ends_its_streams(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "_CHECK_SECONDS", 0.0)
    issued = await world.admin.post(
        "/v1/admin/keys", json={"owner": world.owners["alice"], "name": "a listener"}
    )
    listener = world.client(issued.json()["key"])
    video_id = await _running(world)
    call = listener.get(f"/v1/videos/{video_id}/events")
    listening = asyncio.create_task(call)
    await _listening(world)
    await world.admin.delete(f"/v1/admin/keys/{issued.json()['id']}")
    world.now += 60
    await world.change(video_id, progress=40)
    told = _events((await listening).text)
    assert "video.completed" not in {event["event"] for event in told}
    assert world.services.followers.count == 0
    await listener.aclose()
