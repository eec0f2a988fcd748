"""Uploads are heard of by events; each is answered, and paid for once."""

from __future__ import annotations

import json

import pytest

from dailies.stores import uploads
from tests.unit.pipeline.arrivals import Bench


@pytest.fixture
def bench() -> Bench:
    return Bench()


async def test_an_upload_is_started_once_however_often_it_is_told(bench: Bench) -> None:
    etag = bench.put(prompt="x")
    for _ in range(3):
        await bench.tell("a.png", etag)
    assert len(bench.engine.started) == 1
    assert await bench.engine.run() == ["accepted"]
    await bench.tell("a.png", etag)
    assert bench.engine.started == []
    assert await bench.open() == []


async def test_told_again_long_after_its_metadata_was_changed(bench: Bench) -> None:
    etag = bench.put(prompt="x")
    await bench.tell("a.png", etag)
    await bench.engine.run()
    bench.container.describe("a.png", {"prompt": "another"})
    await bench.tell("a.png", etag)
    assert bench.engine.started == []
    assert len(await bench.videos()) == 1


async def test_metadata_that_comes_while_the_image_waits_counts(bench: Bench) -> None:
    await bench.tell("a.png", bench.put())
    bench.container.describe("a.png", {"prompt": "said later", "seconds": "8"})
    assert await bench.engine.run() == ["accepted"]
    (video,) = await bench.videos()
    record = await bench.world.services.records.get("drops", video)
    assert record is not None
    assert (record.request.prompt, record.request.seconds) == ("said later", 8)


async def test_headers_changed_before_the_event_is_heard(bench: Bench) -> None:
    etag = bench.put()
    bench.container.describe("a.png", {"prompt": "x"})
    await bench.tell("a.png", etag)
    assert await bench.engine.run() == ["accepted"]
    assert len(await bench.videos()) == 1


async def test_an_empty_file_waits_for_its_content_and_is_not_rejected_meanwhile(
    bench: Bench,
) -> None:
    await bench.tell("a.png", bench.put(data=b"", prompt="x"))
    assert await bench.engine.run(last_call=False) == ["waiting"]
    await bench.tell("a.png", bench.put(prompt="x"))
    assert await bench.engine.run() == ["accepted"]
    assert bench.world.events.taken == []
    assert len(await bench.videos()) == 1


async def test_a_file_that_stays_empty_is_rejected(bench: Bench) -> None:
    await bench.tell("a.png", bench.put(data=b"", prompt="x"))
    assert await bench.engine.run() == ["rejected"]
    assert bench.rejection()["code"] == "invalid_image"


@pytest.mark.parametrize("empty", ["a.png.json", "_defaults.json"])
async def test_an_empty_sidecar_holds_nobody_up_for_ever(bench: Bench, empty: str) -> None:
    bench.put(empty, b"")
    await bench.tell("a.png", bench.put(prompt="x"))
    assert await bench.engine.run(last_call=False) == ["waiting"]
    await bench.tell("b.png", bench.put("b.png", prompt="x"))
    assert set(await bench.engine.run()) == {"accepted"}


async def test_a_sidecar_wakes_an_image_that_waits(bench: Bench) -> None:
    etag = bench.put()
    await bench.tell("a.png", etag)
    await bench.tell("a.png.json", bench.put("a.png.json", b'{"prompt": "x"}'))
    assert bench.engine.woken == [uploads.instance_id("references", "a.png", etag)]


async def test_a_rejected_image_gets_another_chance_by_its_sidecar(bench: Bench) -> None:
    await bench.tell("a.png", bench.put())
    assert await bench.engine.run() == ["rejected"]
    await bench.tell("a.png.json", bench.put("a.png.json", b'{"prompt": "x"}'))
    assert await bench.engine.run() == ["accepted"]
    assert len(await bench.videos()) == 1


async def test_a_sidecar_written_again_pays_for_nothing_even_after_the_video_is_gone(
    bench: Bench,
) -> None:
    side = json.dumps({"prompt": "x"}).encode()
    bench.put("a.png.json", side)
    await bench.tell("a.png", bench.put())
    assert await bench.engine.run() == ["accepted"]
    (video,) = await bench.videos()
    # As a delete or retention leaves it: the record and its key are gone.
    table = bench.world.tables.tables["videos"]
    table.rows.clear()
    bench.engine.states.clear()  # and the orchestration's history with them
    for _ in range(2):
        await bench.tell("a.png.json", bench.put("a.png.json", side))
        await bench.sweep()
    assert bench.engine.started == []
    history = await bench.world.services.drops.get("a.png")
    assert history.uploads[0].video_id == video


async def test_a_sidecar_in_the_other_unicode_form_is_found(bench: Bench) -> None:
    bench.put("Ka\u0308fer.png.json", b'{"prompt": "x"}')
    await bench.tell("Käfer.png", bench.put("Käfer.png"))
    assert await bench.engine.run() == ["accepted"]
