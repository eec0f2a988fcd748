"""What keeps an upload from being answered: a process that ends, a fault of the file, storage."""

from __future__ import annotations

import pytest
from azure.core.exceptions import HttpResponseError, ServiceRequestError

from dailies.stores.uploads import UploadState
from tests.unit.pipeline.arrivals import Bench


@pytest.fixture
def bench() -> Bench:
    return Bench()


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
