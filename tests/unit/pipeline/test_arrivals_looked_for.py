"""Uploads that no event told of are found by looking, and those of old are left alone."""

from __future__ import annotations

import json
import logging

import pytest
from azure.core.exceptions import ServiceRequestError

from dailies.engine import InstanceState
from dailies.stores import uploads
from tests.pictures import png
from tests.unit.pipeline.arrivals import Bench
from tests.unit.pipeline.between import Between, each_place


@pytest.fixture
def bench() -> Bench:
    return Bench()


async def test_a_lost_event_is_found_by_looking(bench: Bench) -> None:
    await bench.sweep()  # the first, which begins to look
    bench.world.now += 10
    bench.put("a.png", prompt="x")
    bench.put("cats/b.txt", b"no image")
    bench.put("c.png.json", b"{}")
    assert await bench.sweep() == {}  # its event may still be on its way
    bench.world.now += 120
    assert await bench.sweep() == {"found": 2}
    assert sorted(await bench.engine.run()) == ["accepted", "rejected"]
    bench.world.now += 120
    assert await bench.sweep() == {}
    assert len(await bench.videos()) == 1


async def test_a_lost_event_is_found_however_long_events_are_waited_for() -> None:
    bench = Bench(DAILIES_SWEEP_GRACE_SECONDS=1800)
    await bench.sweep()
    bench.world.now += 600
    bench.put(prompt="x")
    for _ in range(20):
        bench.world.now += 300
        await bench.sweep()
    assert len(bench.engine.started) == 1


async def test_what_was_there_before_the_first_look_is_left_alone(bench: Bench) -> None:
    bench.put("archive/a.png", prompt="x")
    bench.world.now += 86_400
    for _ in range(3):
        assert await bench.sweep() == {}
        bench.world.now += 300
    assert bench.engine.started == []


async def test_metadata_changed_long_after_is_not_taken_for_a_lost_upload(bench: Bench) -> None:
    await bench.sweep()
    bench.world.now += 10
    await bench.tell("a.png", bench.put(prompt="x"))
    await bench.engine.run()
    bench.world.now += 86_400
    await bench.sweep()
    bench.container.describe("a.png", {"prompt": "x", "project": "spring"})
    bench.world.now += 120
    assert await bench.sweep() == {}
    assert bench.engine.started == []


async def test_a_lost_event_of_a_blob_that_had_a_video_before(bench: Bench) -> None:
    await bench.sweep()
    bench.world.now += 10
    await bench.tell("a.png", bench.put(prompt="x"))
    await bench.engine.run()
    bench.world.now += 3600
    bench.put(data=png(2), prompt="x")
    bench.world.now += 120
    await bench.sweep()
    assert await bench.engine.run() == ["accepted"]
    assert len(await bench.videos()) == 2


async def test_a_pass_goes_on_where_the_last_run_ended(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dailies.drops.sweep._LONGEST_LOOK_SECONDS", 0.0)
    bench.container.page_size = 10
    await bench.sweep()
    bench.world.now += 10
    for number in range(45):
        bench.put(f"{number:03}.png", prompt="x")
    bench.world.now += 120
    for _ in range(5):
        bench.container.pages_read = 0
        await bench.sweep()
        assert bench.container.pages_read == 1
    assert len(bench.engine.started) == 45


async def test_a_blob_that_comes_while_a_pass_is_under_way_is_found_by_the_next(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dailies.drops.sweep._LONGEST_LOOK_SECONDS", 0.0)
    bench.container.page_size = 2
    await bench.sweep()
    for name in "bcdef":
        bench.put(f"{name}.json", b"{}")
    bench.world.now += 1000
    await bench.sweep()
    bench.put("a.png", prompt="x")  # before the place that the pass has come to
    for _ in range(8):
        bench.world.now += 300
        await bench.sweep()
    assert len(bench.engine.started) == 1


async def test_a_folder_that_stalls_is_told_by_every_sweep(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "dailies")
    await bench.sweep()
    etag = bench.put(prompt="x")
    await bench.tell("a.png", etag)
    for _ in range(2):
        bench.world.now += 3600
        await bench.sweep()  # its orchestration runs, and comes to nothing
    assert await bench.engine.run() == ["accepted"]
    await bench.sweep()
    lines = [json.loads(r.message) for r in caplog.records if "drop_sweep_done" in r.message]
    assert [(line["open"], line["stalled"]) for line in lines] == [(0, 0), (1, 0), (1, 1), (0, 0)]
    assert (lines[2]["oldest"], lines[2]["oldest_seconds"]) == ("a.png", 7200)


@pytest.mark.parametrize("state", [InstanceState.FAILED, InstanceState.TERMINATED])
async def test_an_orchestration_that_ended_without_an_answer_is_started_again(
    bench: Bench, state: InstanceState
) -> None:
    etag = bench.put(prompt="x")
    await bench.tell("a.png", etag)
    bench.engine.states[uploads.instance_id("references", "a.png", etag)] = state
    bench.engine.started.clear()
    bench.world.now += 3 * 86_400
    assert (await bench.sweep())["started"] == 1
    assert await bench.engine.run() == ["accepted"]
    bench.world.now += 300
    assert await bench.sweep() == {}


async def test_an_engine_that_is_away_loses_no_upload(bench: Bench) -> None:
    bench.engine.failures = [ServiceRequestError("no route")]
    with pytest.raises(ServiceRequestError):
        await bench.tell("a.png", bench.put(prompt="x"))
    bench.world.now += 120
    assert (await bench.sweep())["started"] == 1


async def test_what_an_event_starts_while_it_is_looked_at_is_looked_after() -> None:
    async def play(place: int) -> Between:
        bench = Bench()
        await bench.sweep()
        bench.world.now += 10
        etag = bench.put(prompt="x")
        await bench.world.services.drops.open("a.png", etag, bench.world.now)
        bench.world.now += 120
        between = Between(bench.world, place, lambda: bench.tell("a.png", etag))
        await bench.sweep()
        assert [drop.blob for drop in await bench.open()] == ["a.png"], place
        return between

    assert len([place async for place in each_place(play)]) > 5
