"""One video of any owner: what operators are told of it, and what they can do about it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from dailies.engine import WAKE_EVENT
from dailies.video.basics import Phase, VideoError
from dailies.video.record import Attempt, SourceKind, SubmitState
from tests.integration.api.world import World, png

QUERY = Path(__file__).resolve().parents[4] / "infra/queries/video.kql"
PROMPT = "a secret pier"


async def _create(world: World, **files: Any) -> str:
    given: dict[str, Any] = {"files": files, "data": {"prompt": PROMPT}} if files else {}
    answer = await world.alice.post("/v1/videos", **(given or {"json": {"prompt": PROMPT}}))
    assert answer.status_code == 200, answer.text
    return str(answer.json()["id"])


async def _fail(world: World, video_id: str, **changes: Any) -> None:
    error = VideoError("moderation_blocked", "It was blocked.")
    await world.change(video_id, phase=Phase.FAILED, error=error, completed_at=world.now, **changes)


async def _story(world: World, video_id: str, include: str = "") -> dict[str, Any]:
    query = {"include": include} if include else {}
    answer = await world.admin.get(f"/v1/admin/videos/{video_id}", params=query)
    assert answer.status_code == 200, answer.text
    story: dict[str, Any] = answer.json()
    return story


async def test_the_story_of_a_finished_video(world: World) -> None:
    video_id = await world.finished()
    attempt = Attempt(deployment="first", provider="azure-sora-2", at=world.now + 1)
    submit = SubmitState(
        deployment="first", job_id="job-1", submitted_at=world.now + 2, way=(attempt,)
    )
    await world.change(
        video_id, submit=submit, completed_at=world.now + 90, published=("accepted",)
    )
    story = await _story(world, video_id)
    assert story["owner"] == world.owners["alice"]
    assert [step["what"] for step in story["history"]] == ["accepted", "sent", "job", "done"]
    assert story["history"][0] == {"at": world.now, "what": "accepted"}
    assert (story["job"]["id"], story["job"]["deployment"]) == ("job-1", "first")
    assert [file["name"] for file in story["files"]] == ["video", "thumbnail"]
    assert story["files"][0]["url"].endswith(f"/videos/{video_id}/video.mp4")
    assert story["events"] == {"published": ["accepted"], "due": ["submitted", "completed"]}
    assert story["orchestration"] == {
        "instance_id": video_id,
        "state": "running",
        "restarts": 0,
    }
    assert (story["cost_usd"], story["actions"]) == (0.4, [])
    assert len(story["trace_id"]) == 32


async def test_a_video_that_has_ended_is_found_without_its_owner(world: World) -> None:
    video_id = await world.finished()
    await world.services.records.open.close(video_id)
    assert (await _story(world, video_id))["id"] == video_id


async def test_a_prompt_is_told_only_to_who_asks_and_the_log_says_who(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    video_id = await _create(world)
    caplog.set_level("INFO", "dailies")
    without = await world.admin.get(f"/v1/admin/videos/{video_id}")
    assert PROMPT not in without.text
    assert (await _story(world, video_id, "prompt"))["prompt"] == PROMPT
    lines = [json.loads(record.message) for record in caplog.records]
    looks = [line for line in lines if line["event"] == "video_looked_at"]
    assert [(look["operator"], look["prompt"]) for look in looks] == [
        (world.owners["admin"], False),
        (world.owners["admin"], True),
    ]
    assert PROMPT not in caplog.text


async def test_the_provider_is_asked_only_where_that_is_wanted(world: World) -> None:
    video_id = await _create(world)
    submit = SubmitState(deployment="first", job_id="job-7", submitted_at=world.now)
    await world.change(video_id, phase=Phase.RENDERING, submit=submit)
    assert (await _story(world, video_id))["provider_now"] is None
    assert world.upstream == []
    job = {"id": "job-7", "object": "video", "status": "in_progress", "progress": 40}
    world.answers = [httpx.Response(200, json=job)]
    now = (await _story(world, video_id, "provider"))["provider_now"]
    assert (now["outcome"], now["status"], now["progress"]) == ("accepted", "running", 40)


async def test_the_log_query_is_that_of_the_operations_page(world: World) -> None:
    video_id = await _create(world)
    told = QUERY.read_text(encoding="utf-8").partition("\n")[2]
    assert (await _story(world, video_id))["log_query"] == told.replace(
        f"video_{'0' * 32}", video_id
    )


async def test_an_engine_that_does_not_answer_takes_nothing_else_away(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def silent(instance_id: str) -> None:
        raise OSError

    video_id = await _create(world)
    monkeypatch.setattr(world.engine, "state", silent)
    assert (await _story(world, video_id))["orchestration"]["state"] is None


async def test_a_failed_video_is_made_again_once(world: World) -> None:
    first = await _create(world)
    await world.change(first, tags=("launch",))
    await _fail(world, first)
    assert (await _story(world, first))["actions"] == [
        {
            "what": "Make it again, which is paid for again.",
            "call": f"POST /v1/admin/videos/{first}/retry",
        }
    ]
    answer = await world.admin.post(f"/v1/admin/videos/{first}/retry")
    again = answer.json()["id"]
    assert (answer.status_code, again in world.engine.started) == (200, True)
    record, failed = await world.record(again), await world.record(first)
    assert record is not None
    assert failed is not None
    assert (record.request, record.key_id, record.tags) == (
        failed.request,
        failed.key_id,
        ("launch",),
    )
    assert (record.source.kind, record.source.video_id) == (SourceKind.OPERATOR, first)
    assert (await _story(world, again))["made_again_of"] == first
    told = await _story(world, first)
    assert (told["made_again_as"], told["actions"]) == (again, [])
    second = await world.admin.post(f"/v1/admin/videos/{first}/retry")
    assert (second.json()["id"], second.headers["Idempotent-Replayed"]) == (again, "true")
    assert world.engine.started.count(again) == 1


async def test_one_that_is_made_again_has_its_own_copy_of_the_image(world: World) -> None:
    first = await _create(world, input_reference=("kite.png", png(720, 1280), "image/png"))
    await _fail(world, first)
    again = (await world.admin.post(f"/v1/admin/videos/{first}/retry")).json()["id"]
    assert (await world.alice.delete(f"/v1/videos/{first}")).status_code == 200
    record = await world.record(again)
    assert record is not None
    (item,) = record.request.inputs
    assert item.file is not None
    assert item.file.blob.startswith(f"{again}/")
    assert await world.services.files.read(item.file.blob, max_bytes=10**6) == png(720, 1280)


async def test_several_operators_at_once_have_one_video_made(world: World) -> None:
    first = await _create(world, input_reference=("kite.png", png(720, 1280), "image/png"))
    await _fail(world, first)
    path = f"/v1/admin/videos/{first}/retry"
    answers = await asyncio.gather(*(world.admin.post(path) for _ in range(5)))
    assert {answer.status_code for answer in answers} == {200}
    (again,) = {answer.json()["id"] for answer in answers}
    listed = (await world.alice.get("/v1/videos")).json()["data"]
    assert {video["id"] for video in listed} == {again, first}
    assert await world.blobs(again) == [f"{again}/reference.original"]


async def test_what_has_lost_its_image_is_not_made_again(world: World) -> None:
    first = await _create(world, input_reference=("kite.png", png(720, 1280), "image/png"))
    await world.services.files.delete_folder(f"{first}/")
    await _fail(world, first)
    answer = await world.admin.post(f"/v1/admin/videos/{first}/retry")
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "input_gone")


@pytest.mark.parametrize("phase", [Phase.WAITING, Phase.DONE, Phase.CANCELLED])
async def test_only_what_failed_is_made_again(world: World, phase: Phase) -> None:
    video_id = await _create(world)
    await world.change(video_id, phase=phase)
    answer = await world.admin.post(f"/v1/admin/videos/{video_id}/retry")
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "video_not_failed")


async def test_an_operator_cancels_the_video_of_any_owner(world: World) -> None:
    video_id = await _create(world)
    answer = await world.admin.post(f"/v1/admin/videos/{video_id}/cancel")
    assert answer.status_code == 200
    record = await world.record(video_id)
    assert record is not None
    assert record.cancel_requested
    assert (video_id, WAKE_EVENT) in world.engine.woken
    ended = await world.admin.post(f"/v1/admin/videos/{await world.finished()}/cancel")
    assert (ended.status_code, ended.json()["error"]["code"]) == (409, "video_already_ended")


async def test_a_deleted_video_is_told_from_one_that_never_was(world: World) -> None:
    video_id = await world.finished()
    await world.alice.delete(f"/v1/videos/{video_id}")
    for asked, code in (
        (video_id, "video_deleted"),
        (f"video_{'0' * 32}", "video_not_found"),
        ("x" * 40, "video_not_found"),
    ):
        answer = await world.admin.get(f"/v1/admin/videos/{asked}")
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, code)


@pytest.mark.parametrize("included", ["prompt,secrets", ""])
async def test_what_else_is_told_is_one_of_two(world: World, included: str) -> None:
    video_id = await _create(world)
    answer = await world.admin.get(f"/v1/admin/videos/{video_id}?include={included}")
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "include")


@pytest.mark.parametrize(("method", "path"), [("GET", ""), ("POST", "/cancel"), ("POST", "/retry")])
async def test_they_are_for_operators(world: World, method: str, path: str) -> None:
    video_id = await _create(world)
    for client, status in ((world.alice, 403), (world.bob, 403), (world.anonymous, 401)):
        answer = await client.request(method, f"/v1/admin/videos/{video_id}{path}")
        assert answer.status_code == status
