"""Batches over the HTTP surface: what is accepted, and how all of it comes to its end."""

from __future__ import annotations

import asyncio
import csv
import io
from typing import Any

import httpx
import pytest

from dailies.video.basics import Priority
from dailies.video.record import SourceKind
from tests.integration.api.batches.driving import Driver, lines, order
from tests.integration.api.world import World, png

SHOT = {"prompt": "a pier", "seconds": 4, "size": "720x1280"}


async def accepted(world: World, *shots: dict[str, Any], **query: Any) -> Driver:
    """A batch of alice's that was accepted."""
    answer = await order(world.alice, lines(*shots), **query)
    assert answer.status_code == 200, answer.text
    return Driver(world, answer.json()["id"])


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


async def test_nothing_is_accepted_where_a_line_is_wrong(world: World) -> None:
    body = lines(SHOT, {**SHOT, "seconds": 5}, {"promt": "a pier"}) + "\n{nope\n[]"
    answer = await order(world.alice, body)
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert (error["code"], error["fault_count"]) == ("invalid_batch", 4)
    assert [fault["line"] for fault in error["faults"]] == [2, 3, 4, 5]
    assert error["faults"][0]["param"] == "seconds"
    assert "Did you mean 'prompt'?" in error["faults"][1]["message"]
    assert error["message"].startswith("Nothing was accepted. Line 2: ")
    assert (await world.alice.get("/v1/video_batches")).json()["data"] == []
    assert world.engine.started == []


async def test_a_dry_run_tells_the_price_and_every_fault_and_keeps_nothing(world: World) -> None:
    right = (await order(world.alice, lines(SHOT, SHOT), dry_run="true")).json()
    assert (right["valid"], right["total"], right["models"]) == (True, 2, {"sora-2": 2})
    assert right["estimated_usd"] == pytest.approx(0.8)
    many = lines(*[{"prompt": ""}] * 60)
    wrong = (await order(world.alice, many, dry_run="true")).json()
    assert (wrong["valid"], wrong["fault_count"], len(wrong["faults"])) == (False, 60, 50)
    assert (await world.alice.get("/v1/video_batches")).json()["data"] == []


async def test_the_document_tells_that_any_call_refuses_a_word_that_nobody_knows(
    world: World,
) -> None:
    document = (await world.anonymous.get("/openapi.json")).json()
    calls = [
        (verb, path, operation["responses"])
        for path, operations in document["paths"].items()
        if path.startswith("/v1/video_batches")
        for verb, operation in operations.items()
    ]
    assert len(calls) == 11
    for verb, path, responses in calls:
        answer = await world.alice.request(verb, path.format(batch_id="batch_1"), params={"a": "b"})
        assert (answer.status_code, "400" in responses) == (400, True), (verb, path)
        assert answer.json()["error"]["code"] == "unknown_parameter"


async def test_a_word_in_the_query_that_nobody_knows_orders_nothing(world: World) -> None:
    for query in ({"dryrun": "true"}, {"limit_us": "1"}, {"dry_run": ["true", "false"]}):
        answer = await order(world.alice, lines(SHOT), **query)
        assert answer.status_code == 400, query
        assert answer.json()["error"]["code"] in ("unknown_parameter", "repeated_parameter")
    single = await world.alice.post("/v1/videos?dryRun=true", json={"prompt": "a pier"})
    assert (single.status_code, single.json()["error"]["param"]) == (400, "dryRun")
    assert (await world.alice.get("/v1/video_batches")).json()["data"] == []
    assert (await world.alice.get("/v1/videos")).json()["data"] == []


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"image_url": "http://example.com/a.png"}, "invalid_image_url"),
        ({"image_url": "https://127.0.0.1/a.png"}, "image_url_not_allowed"),
        ({"image_url": "https://example.com:8443/a.png"}, "image_url_not_allowed"),
        ({"webhook_url": "https://127.0.0.1/"}, "invalid_webhook_url"),
        ({"image_blob": "../videos/a"}, "image_missing"),
        ({"image_blob": "a/../b"}, "image_missing"),
        ({"image_blob": "a\\..\\b"}, "image_missing"),
        ({"image_blob": "/a"}, "image_missing"),
        ({"image_blob": "a\nb"}, "image_missing"),
        ({"custom_id": "\ud800"}, "invalid_value"),
    ],
)
async def test_what_can_never_be_asked_for_is_a_fault_at_once(
    world: World, fields: dict[str, str], code: str
) -> None:
    answer = await order(world.admin, lines({"prompt": "a", **fields}), dry_run="true")
    assert answer.status_code == 200, answer.text
    [fault] = answer.json()["faults"]
    assert (fault["line"], fault["code"]) == (1, code)
    assert fault["param"] in (*fields, "input_reference")


async def test_a_small_batch_need_not_wait_until_a_large_one_is_looked_at(world: World) -> None:
    ended: list[str] = []

    async def look(name: str, number: int) -> None:
        answer = await order(world.alice, lines(*[SHOT] * number), dry_run="true")
        assert answer.json()["total"] == number
        ended.append(name)

    await asyncio.gather(look("large", 2_000), look("small", 1))
    assert ended == ["small", "large"]


async def test_a_batch_may_be_json_or_csv(world: World) -> None:
    document = {"shots": [SHOT, SHOT], "defaults": {"user": "ann"}, "max_in_progress": 1}
    as_json = await world.alice.post("/v1/video_batches", json=document)
    assert as_json.json()["counts"]["total"] == 2
    assert as_json.json()["max_in_progress"] == 1
    table = 'prompt,seconds,size,custom_id\n"a pier, at dawn",4,720x1280,one\na quay,,,\n'
    batch = Driver(world, (await order(world.alice, table, "text/csv")).json()["id"])
    await batch.turn()
    first, second = [await world.record(video) for video in await batch.under_way()]
    assert first is not None
    assert second is not None
    assert (first.request.prompt, first.request.seconds) == ("a pier, at dawn", 4)
    assert second.batch_line == 3


@pytest.mark.parametrize("charset", ["utf-8", "UTF-8", '"utf-8"', "us-ascii"])
async def test_a_table_may_say_that_it_is_in_utf_8(world: World, charset: str) -> None:
    answer = await order(
        world.alice, "prompt\na café\n", f"text/csv; charset={charset}", dry_run="true"
    )
    assert answer.json()["valid"] is True


async def test_a_table_in_another_character_set_is_not_read(world: World) -> None:
    answer = await order(
        world.alice, "prompt\na pier\n", "text/csv; header=present; charset=cp1252"
    )
    assert (answer.status_code, answer.json()["error"]["code"]) == (415, "unsupported_charset")
    assert "'cp1252'" in answer.json()["error"]["message"]


@pytest.mark.parametrize("dry_run", ["true", "false"])
async def test_two_limits_that_differ_order_nothing(world: World, dry_run: str) -> None:
    body = lines({"limit_usd": 20}, SHOT)
    answer = await order(world.alice, body, limit_usd="5", dry_run=dry_run)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "limit_usd")
    shots = {"file": ("shots.jsonl", body)}
    form = await world.alice.post("/v1/video_batches", data={"limit_usd": "5"}, files=shots)
    assert (form.status_code, form.json()["error"]["param"]) == (400, "limit_usd")
    assert (await world.alice.get("/v1/video_batches")).json()["data"] == []


async def test_a_limit_may_be_said_twice(world: World) -> None:
    batch = await accepted(world, {"limit_usd": 20}, SHOT, limit_usd="20.00")
    assert (await batch.public())["limit_usd"] == 20


async def test_images_come_with_a_batch_and_are_named_by_its_shots(world: World) -> None:
    shots = lines({"prompt": "it moves", "image_file": "one.png"})
    files = [
        ("file", ("shots.jsonl", shots.encode(), "application/jsonl")),
        ("images", ("one.png", png(), "image/png")),
    ]
    answer = await world.alice.post("/v1/video_batches", files=files, data={"limit_usd": "9"})
    assert answer.status_code == 200, answer.text
    assert answer.json()["limit_usd"] == 9
    batch = Driver(world, answer.json()["id"])
    await batch.turn()
    [video_id] = await batch.under_way()
    record = await world.record(video_id)
    assert record is not None
    [given] = record.request.inputs
    assert given.file is not None
    assert await world.services.files.read(given.file.blob, max_bytes=10_000) == png()
    assert str(record.request.size) == "1280x720", "it suits the image"


@pytest.mark.parametrize(
    ("shots", "with_image", "code"),
    [
        ({"prompt": "a", "image_file": "two.png"}, True, "image_missing"),
        ({"prompt": "a"}, True, "unexpected_file"),
        ({"prompt": "a", "image_blob": "cats/a.png"}, False, "unsupported_parameter"),
        ({"prompt": "a", "image_url": "data:image/png;base64,AAAA"}, False, "unsupported_value"),
        ({"prompt": "a", "remix_video_id": "video_1"}, False, "unknown_parameter"),
    ],
)
async def test_images_that_do_not_fit_are_faults(
    world: World, shots: dict[str, Any], with_image: bool, code: str
) -> None:
    files = [("file", ("shots.jsonl", lines(shots).encode(), "application/jsonl"))]
    if with_image:
        files.append(("images", ("one.png", png(), "image/png")))
    answer = await world.alice.post("/v1/video_batches", files=files)
    assert answer.status_code == 400
    assert code in [fault["code"] for fault in answer.json()["error"]["faults"]]


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


async def test_a_webhook_may_be_a_default_of_all_shots(world: World) -> None:
    hook = {"webhook_url": "https://hooks.example/videos"}
    answer = await order(world.alice, lines({"defaults": {**SHOT, **hook}}, {"prompt": "a"}))
    batch = Driver(world, answer.json()["id"])
    await batch.turn()
    [video_id] = await batch.under_way()
    record = await world.record(video_id)
    assert record is not None
    assert record.request.webhook is not None
    assert record.request.webhook.url == hook["webhook_url"]
    wrong = lines({**SHOT, "webhook_url": "ftp://hooks.example"})
    refused = await order(world.alice, wrong)
    assert refused.json()["error"]["faults"][0]["param"] == "webhook_url"


@pytest.mark.parametrize("shots", [None, {}, ["a pier"], "a pier"])
async def test_a_document_without_an_array_of_shots_is_no_batch(world: World, shots: Any) -> None:
    answer = await world.alice.post("/v1/video_batches?dry_run=true", json={"shots": shots})
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == "shots"


@pytest.mark.parametrize(
    ("table", "word"),
    [
        ("prompt,model,prompt\na,b,c", "'prompt' is there twice"),
        ("prompt;model\na;b", "save it with commas"),
        ("prompt,,model\na,b,c", "Column 2 has no name"),
        ("", "None of them is 'prompt'"),
    ],
)
async def test_what_is_wrong_with_a_table_is_told(world: World, table: str, word: str) -> None:
    answer = await order(world.alice, table, "text/csv", dry_run="true")
    assert answer.json()["error"]["code"] == "invalid_csv"
    assert word in answer.json()["error"]["message"]
