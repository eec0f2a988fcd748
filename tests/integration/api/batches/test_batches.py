"""Batches over the HTTP surface: how all of one comes to its end, and who sees it."""

from __future__ import annotations

import csv
import io

import httpx
import pytest

from dailies.video.basics import Priority
from dailies.video.record import SourceKind
from tests.integration.api.batches.driving import SHOT, accepted, lines
from tests.integration.api.world import World


async def test_all_shots_are_made_and_the_end_is_told_once(world: World) -> None:
    batch = await accepted(world, *[{**SHOT, "custom_id": f"n-{n}"} for n in range(7)], name="pier")
    assert world.engine.started == [batch.id]
    assert (await batch.public())["counts"]["queued"] == 7
    await batch.to_the_end()
    ended = await batch.public()
    assert ended["status"] == "completed"
    assert ended["counts"] == {
        "total": 7, "queued": 0, "in_progress": 0, "completed": 7, "failed": 0, "cancelled": 0,
    }  # fmt: skip
    assert ended["cost_usd"] == {"estimated": pytest.approx(2.8), "so_far": pytest.approx(2.8)}
    [event] = [each for each in world.events.taken if each.type == "dailies.batch.completed"]
    assert event.data is not None
    assert event.data["counts"] == {"total": 7, "completed": 7, "failed": 0, "cancelled": 0}
    assert event.data["name"] == "pier"
    assert event.id == f"{batch.id}.completed"
    shots = await batch.shots()
    assert [shot["custom_id"] for shot in shots] == [f"n-{n}" for n in range(7)]
    assert len({shot["video_id"] for shot in shots}) == 7


async def test_a_video_knows_its_batch_and_its_line(world: World) -> None:
    batch = await accepted(world, {"defaults": SHOT}, {"prompt": "a quay"})
    await batch.turn()
    [video_id] = await batch.under_way()
    record = await world.record(video_id)
    assert record is not None
    assert (record.batch_id, record.batch_line) == (batch.id, 2)
    assert record.source.kind is SourceKind.BATCH
    assert (record.request.prompt, record.request.seconds) == ("a quay", 4)
    public = (await world.alice.get(f"/v1/videos/{video_id}")).json()
    assert public["batch_id"] == batch.id


async def test_the_results_are_a_table_that_runs_no_formula(world: World) -> None:
    batch = await accepted(world, {**SHOT, "custom_id": "=1+1"}, SHOT)
    await batch.turn()
    first, second = await batch.under_way()
    await batch.end([first])
    await batch.end([second], "moderation_blocked")
    await batch.turn()
    answer = await world.alice.get(f"/v1/video_batches/{batch.id}/results")
    assert answer.status_code == 302
    async with httpx.AsyncClient() as storage:
        file = await storage.get(answer.headers["location"])
    assert file.headers["content-type"] == "text/csv; charset=utf-8"
    links = (await world.alice.get(f"/v1/video_batches/{batch.id}/links")).json()
    async with httpx.AsyncClient() as storage:
        saved = await storage.get(links["results"]["download_url"])
    assert saved.content == file.content
    assert saved.headers["content-disposition"] == f'attachment; filename="{batch.id}.csv"'
    header, *rows = csv.reader(io.StringIO(file.text))
    told = [dict(zip(header, row, strict=True)) for row in rows]
    assert [row["custom_id"] for row in told] == ["'=1+1", ""]
    assert [row["status"] for row in told] == ["completed", "failed"]
    assert told[0]["video_id"] == first
    assert told[1]["error_code"] == "moderation_blocked"


async def test_only_so_many_are_under_way_and_they_give_way_to_single_videos(world: World) -> None:
    batch = await accepted(world, *[SHOT] * 30, max_in_progress=3)
    await batch.turn()
    under_way = await batch.under_way()
    assert len(under_way) == 3
    records = [await world.record(video) for video in under_way]
    assert {record.priority for record in records if record} == {Priority.LOW}
    await batch.end(under_way[:1])
    await batch.turn()
    assert len(await batch.under_way()) == 3
    assert len(world.engine.started) == 1 + 4


async def test_a_batch_sent_again_with_its_key_is_the_same(world: World) -> None:
    headers = {"Content-Type": "application/jsonl", "Idempotency-Key": "mine"}

    async def send(body: str) -> httpx.Response:
        return await world.alice.post("/v1/video_batches", content=body, headers=headers)

    first, again, other = [await send(lines(shot)) for shot in (SHOT, SHOT, {"prompt": "else"})]
    assert again.json()["id"] == first.json()["id"]
    assert again.headers["Idempotent-Replayed"] == "true"
    assert other.status_code == 409
    assert other.json()["error"]["code"] == "idempotency_key_reused"


async def test_a_batch_that_a_client_marks_as_sent_again_is_the_same(world: World) -> None:
    async def send(count: int) -> httpx.Response:
        headers = {"Content-Type": "text/csv", "x-stainless-retry-count": str(count)}
        return await world.alice.post("/v1/video_batches", content="prompt\na", headers=headers)

    first, again, new = await send(0), await send(1), await send(0)
    assert again.json()["id"] == first.json()["id"]
    assert new.json()["id"] != first.json()["id"]


async def test_nobody_sees_the_batch_of_another(world: World) -> None:
    batch = await accepted(world, SHOT)
    await batch.to_the_end()
    assert (await world.bob.get("/v1/video_batches")).json()["data"] == []
    path = f"/v1/video_batches/{batch.id}"
    nothing = f"/v1/video_batches/batch_{'0' * 32}"
    for verb, part in [
        ("GET", ""), ("DELETE", ""), ("GET", "/videos"), ("GET", "/results"), ("GET", "/links"),
        ("POST", "/pause"), ("POST", "/resume"), ("POST", "/cancel"), ("POST", "/retry"),
    ]:  # fmt: skip
        theirs, none = [await world.bob.request(verb, each + part) for each in (path, nothing)]
        assert theirs.status_code == none.status_code == 404
        assert theirs.json()["error"]["code"] == none.json()["error"]["code"] == "batch_not_found"
        assert (await world.anonymous.request(verb, path + part)).status_code == 401


async def test_batches_are_listed_newest_first_in_pages(world: World) -> None:
    ids = []
    for _ in range(3):
        ids.append((await accepted(world, SHOT)).id)
        world.now += 1
    page = (await world.alice.get("/v1/video_batches", params={"limit": 2})).json()
    assert [batch["id"] for batch in page["data"]] == ids[:0:-1]
    assert page["has_more"]
    rest = {"limit": 2, "after": page["last_id"]}
    page = (await world.alice.get("/v1/video_batches", params=rest)).json()
    assert [batch["id"] for batch in page["data"]] == ids[:1]
    assert not page["has_more"]
