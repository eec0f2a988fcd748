"""Orders of batches: what is taken, in which form, and what is refused as a whole."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.integration.api.batches.driving import SHOT, Driver, accepted, lines, order
from tests.integration.api.world import World, png


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
