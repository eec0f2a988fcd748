"""Work that would hold the loop up has threads of its own, a few for each kind."""

from __future__ import annotations

import asyncio
import contextvars
import threading

import pytest

from dailies.threads import Pool


async def test_a_call_runs_in_a_thread_of_its_kind_and_in_the_callers_context() -> None:
    who = contextvars.ContextVar("who", default="nobody")
    who.set("alice")
    pool = Pool("pictures", threads=1, seconds=10)
    assert await pool.run(lambda: (threading.current_thread().name, who.get())) == (
        "pictures_0",
        "alice",
    )


async def test_what_a_call_raises_comes_back() -> None:
    def fails() -> None:
        raise LookupError("no such thing")

    with pytest.raises(LookupError, match="no such thing"):
        await Pool("a", threads=1, seconds=10).run(fails)


async def test_one_kind_does_not_wait_for_another() -> None:
    release = threading.Event()
    stuck = asyncio.create_task(Pool("names", threads=1, seconds=60).run(release.wait))
    try:
        assert await Pool("pictures", threads=1, seconds=60).run(lambda: "done") == "done"
        assert await asyncio.to_thread(lambda: "done") == "done"
    finally:
        release.set()
        await stuck


async def test_a_caller_waits_for_so_long_and_what_had_not_begun_never_does() -> None:
    release, begun = threading.Event(), list[str]()
    pool = Pool("names", threads=1, seconds=0.05)
    with pytest.raises(TimeoutError):
        await pool.run(release.wait)
    with pytest.raises(TimeoutError):
        await pool.run(lambda: begun.append("second"))
    release.set()
    patient = Pool("names", threads=1, seconds=10)
    patient._executor = pool._executor
    assert await patient.run(lambda: "third") == "third"
    assert begun == []


async def test_who_waits_for_a_place_has_loaded_nothing() -> None:
    pool, loaded, most = Pool("pictures", threads=2, seconds=10), 0, 0

    async def work() -> None:
        nonlocal loaded, most
        async with pool.place():
            loaded += 1
            most = max(most, loaded)
            await pool.run(lambda: None)
            loaded -= 1

    await asyncio.gather(*(work() for _ in range(10)))
    assert most == 2


async def test_a_place_is_waited_for_so_long() -> None:
    pool = Pool("pictures", threads=1, seconds=0.05)
    async with pool.place():
        with pytest.raises(TimeoutError):
            async with pool.place():
                pytest.fail("there was no second place")
    async with pool.place():
        pass
