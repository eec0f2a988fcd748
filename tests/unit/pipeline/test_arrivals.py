"""Uploads are heard of by events or found by looking; each is answered, and paid for once."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import Any, cast

import pytest
from azure.core.exceptions import HttpResponseError, ServiceRequestError

from dailies.engine import ACCEPT_DROP, InstanceState
from dailies.protocols.drop.accept import accept_drop, reject_drop
from dailies.protocols.drop.announcements import Announcement
from dailies.protocols.drop.arrivals import blob_announced
from dailies.protocols.drop.payloads import Drop
from dailies.protocols.drop.sweep import sweep_drops
from dailies.stores import uploads
from dailies.stores.drops import OpenDrop
from dailies.stores.uploads import UploadState
from tests.pictures import png
from tests.unit.pipeline.world import World

IMAGE = png(1)


class Engine:
    """Orchestrations that only remember what was asked of them; ``run`` does a drop's work."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.states: dict[str, InstanceState] = {}
        self.started: list[Mapping[str, Any]] = []
        self.woken: list[str] = []
        self.failures: list[Exception] = []

    async def start(self, name: str, instance_id: str, payload: Mapping[str, Any]) -> None:
        if self.failures:
            raise self.failures.pop(0)
        assert name == ACCEPT_DROP
        self.states[instance_id] = InstanceState.RUNNING
        self.started.append(payload)

    async def raise_event(self, instance_id: str, event: str) -> None:
        self.woken.append(instance_id)

    async def state(self, instance_id: str) -> InstanceState:
        return self.states.get(instance_id, InstanceState.MISSING)

    async def run(self, *, last_call: bool = True) -> list[str]:
        """Let every started drop come to its end; the kinds of the answers."""
        kinds: list[str] = []
        for payload in self.started:
            drop: Drop = {**cast(Drop, payload["drop"]), "last_call": last_call}
            answer, _ = await accept_drop(self.world.services, drop)
            if answer["kind"] == "rejected":
                await reject_drop(self.world.services, drop, answer["rejection"])
            kinds.append(answer["kind"])
            instance = uploads.instance_id("references", drop["blob"], drop["etag"])
            self.states[instance] = InstanceState.COMPLETED
        self.started.clear()
        return kinds


class Bench:
    """A world with a container, an engine, and somebody who tells of uploads."""

    def __init__(self, **settings: Any) -> None:
        self.world = World(**settings)
        self.engine = Engine(self.world)
        self.container = self.world.files.container

    def put(self, name: str = "a.png", data: bytes = IMAGE, **metadata: str) -> str:
        return self.container.drop(name, data, metadata)

    async def tell(self, name: str, etag: str | None) -> None:
        engine: Any = self.engine
        await blob_announced(self.world.services, engine, Announcement((name,), etag))

    async def sweep(self) -> dict[str, int]:
        engine: Any = self.engine
        return dict(await sweep_drops(self.world.services, engine))

    async def open(self) -> list[OpenDrop]:
        return [drop async for drop in self.world.services.drops.open_drops()]

    def rejection(self) -> dict[str, str]:
        """What the one ``rejected`` event says."""
        (event,) = self.world.events.taken
        assert event.type == "dailies.video.rejected"
        assert event.data is not None
        error: dict[str, str] = event.data["error"]
        return error

    async def videos(self) -> list[str]:
        page = await self.world.services.records.list(
            "drops", after=None, limit=100, ascending=True
        )
        return [record.id for record in page.records]


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
    monkeypatch.setattr("dailies.protocols.drop.sweep._LONGEST_LOOK_SECONDS", 0.0)
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
    monkeypatch.setattr("dailies.protocols.drop.sweep._LONGEST_LOOK_SECONDS", 0.0)
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


async def test_every_instant_at_which_seeing_an_upload_can_break_off() -> None:
    """After each call to storage the process dies; the event is told again, or never."""
    for told_again in (True, False):
        calls = 0
        while True:
            bench = Bench()
            await bench.sweep()
            bench.world.now += 10
            etag = bench.put(prompt="x")
            left = calls

            async def dies(name: str) -> None:
                nonlocal left
                left -= 1
                if left < 0:
                    raise KeyboardInterrupt

            bench.world.go_wrong(dies)
            died = False
            try:
                await bench.tell("a.png", etag)
                await bench.engine.run()
            except KeyboardInterrupt:
                died = True
            bench.world.go_wrong(_nothing)
            if told_again:
                await bench.tell("a.png", etag)
            for _ in range(2):
                bench.engine.states.clear()  # what ran has died as well
                bench.world.now += 120
                await bench.sweep()
                await bench.engine.run()
            assert len(await bench.videos()) == 1, calls
            assert await bench.open() == [], calls
            if not died:
                break
            calls += 1
        assert calls > 10


async def _nothing(name: str) -> None:
    return


async def test_a_file_that_ends_the_process_each_time_is_rejected_in_the_end(bench: Bench) -> None:
    etag = bench.put(prompt="x")
    await bench.tell("a.png", etag)

    async def killed(name: str) -> None:
        if name.startswith("put"):
            raise KeyboardInterrupt

    bench.world.go_wrong(killed)
    for _ in range(8):
        with pytest.raises(KeyboardInterrupt):
            await bench.engine.run()
    bench.world.go_wrong(_nothing)
    assert await bench.engine.run() == ["rejected"]
    assert bench.rejection()["code"] == "drop_failed"


async def test_a_fault_of_the_file_itself_is_tried_a_few_times_and_then_rejected(
    bench: Bench,
) -> None:
    await bench.tell("a.png", bench.put(prompt="x"))

    async def broken(name: str) -> None:
        if name.startswith("put"):
            raise ValueError("incorrect header check")

    bench.world.go_wrong(broken)
    for _ in range(4):
        with pytest.raises(ValueError, match="header"):
            await bench.engine.run()
    assert await bench.engine.run() == ["rejected"]
    history = await bench.world.services.drops.get("a.png")
    assert history.uploads[0].state is UploadState.REJECTED


async def test_storage_that_refuses_this_blob_is_named(bench: Bench) -> None:
    await bench.tell("a.png", bench.put(prompt="x"))

    async def archived(name: str) -> None:
        if name.startswith("put"):
            error = HttpResponseError("This operation is not permitted on an archived blob.")
            error.status_code = 409
            error.error_code = "BlobArchived"  # type: ignore[attr-defined] # as the Blob SDK sets it
            raise error

    bench.world.go_wrong(archived)
    for _ in range(4):
        with pytest.raises(HttpResponseError):
            await bench.engine.run()
    assert await bench.engine.run() == ["rejected"]
    assert "BlobArchived" in bench.rejection()["message"]


async def test_an_outage_counts_for_nothing(bench: Bench) -> None:
    await bench.tell("a.png", bench.put(prompt="x"))

    async def away(name: str) -> None:
        if name.startswith("put"):
            raise ServiceRequestError("no route")

    bench.world.go_wrong(away)
    for _ in range(40):
        with pytest.raises(ServiceRequestError):
            await bench.engine.run()
    bench.world.go_wrong(_nothing)
    assert await bench.engine.run() == ["accepted"]


async def test_one_blob_that_cannot_be_looked_at_holds_up_none_of_the_others(bench: Bench) -> None:
    await bench.sweep()
    bench.world.now += 10
    for name in ("a.png", "b.png", "c.png"):
        bench.put(name, prompt="x")
    bench.world.now += 120
    bench.engine.failures = [RuntimeError("of any family")]
    assert await bench.sweep() == {"failed": 1, "found": 2}
    bench.world.now += 120
    await bench.sweep()
    assert len(bench.engine.started) == 3


async def test_a_sidecar_in_the_other_unicode_form_is_found(bench: Bench) -> None:
    bench.put("Ka\u0308fer.png.json", b'{"prompt": "x"}')
    await bench.tell("Käfer.png", bench.put("Käfer.png"))
    assert await bench.engine.run() == ["accepted"]
