"""What it costs to look through the references container for uploads that no event told of.

    python -m bench.drop_sweep [--blobs 20000]

Fills a container of Azurite, then lets the app's own sweep look through it: once while nothing is
new, which is the usual case, and once with a few uploads that nobody has seen. The lists, the
processor time of the app's side and the longest time for which the loop stood still are counted and
carried over to a million blobs. On a busy machine the loop also stands still while it waits for a
processor, so the most that it worked in one go is told beside it. Ends with status 1 when the loop
stood still for over 100 ms or an upload was not found.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from azure.storage.blob.aio import ContainerClient

from bench.memory import rss_mb
from dailies.drops.sweep import SKEW_SECONDS, sweep_drops
from dailies.engine import InstanceState
from dailies.services import Services
from dailies.stores.drops import ContainerPass
from tests.azurite import running_azurite

_API_VERSION = "2025-11-05"
_AT_ONCE = 32
_NEW = 5


@dataclass
class _Engine:
    """Orchestrations that are only counted."""

    started: list[str] = field(default_factory=list)

    async def start(self, name: str, instance_id: str, payload: Mapping[str, Any]) -> None:
        self.started.append(str(payload["drop"]["blob"]))

    async def raise_event(self, instance_id: str, event: str) -> None:
        return

    async def state(self, instance_id: str) -> InstanceState:
        return InstanceState.MISSING


@dataclass(frozen=True)
class Measured:
    """Seconds and MB of one look through the whole container."""

    wall: float
    processor: float
    longest_hold: float
    longest_work: float
    """The most processor time of the loop's thread between two turns of the watcher."""
    rss_rise: float
    runs: int
    started: int
    """Uploads, each once: nothing answers them here, so each run of a pass finds them again."""


async def _fill(container: ContainerClient, number: int) -> None:
    limit = asyncio.Semaphore(_AT_ONCE)

    async def put(place: int) -> None:
        async with limit:
            await container.upload_blob(f"{place % 100:02}/{place:07}.png", b"x")

    for start in range(0, number, 1000):
        await asyncio.gather(*map(put, range(start, min(start + 1000, number))))


async def _watch(holds: list[float], work: list[float]) -> None:
    while True:
        begun, worked = time.perf_counter(), time.thread_time()
        await asyncio.sleep(0.005)
        holds.append(time.perf_counter() - begun - 0.005)
        work.append(time.thread_time() - worked)


async def _look_through(services: Services) -> Measured:
    """Sweep until a whole pass has been made."""
    engine: Any = _Engine()
    holds: list[float] = []
    work: list[float] = []
    watcher = asyncio.create_task(_watch(holds, work))
    first = await services.drops.current_pass()
    rss, wall, processor, runs = rss_mb(os.getpid()), time.perf_counter(), time.process_time(), 0
    actions: Counter[str] = Counter()
    while True:
        actions += await sweep_drops(services, engine)
        runs += 1
        now = await services.drops.current_pass()
        if now is not None and now.token is None and now != first:
            break
    watcher.cancel()
    with suppress(asyncio.CancelledError):
        await watcher
    return Measured(
        time.perf_counter() - wall,
        time.process_time() - processor,
        max(holds),
        max(work),
        rss_mb(os.getpid()) - rss,
        runs,
        len(set(engine.started)),
    )


async def _measure(connection: str, number: int) -> tuple[Measured, Measured]:
    settings = {"VideoStorage": connection, "DAILIES_SWEEP_GRACE_SECONDS": "0"}
    services = Services.build({**settings, "AZURE_OPENAI_ENDPOINT": "https://nobody.example"})
    async with ContainerClient.from_connection_string(
        connection, "references", api_version=_API_VERSION
    ) as container:
        await _fill(container, number)
        await _from(services, time.time() + 600)
        quiet = await _look_through(services)
        # Storage tells times in whole seconds: one between what is old, the mark and what is new.
        await asyncio.sleep(1)
        await _from(services, time.time())
        await asyncio.sleep(1)
        for place in range(_NEW):
            await container.upload_blob(f"50/new-{place}.png", b"x")
        return quiet, await _look_through(services)


async def _from(services: Services, at: float) -> None:
    """Begin a pass for which only what is changed from now on is new."""
    since = at + SKEW_SECONDS
    await services.drops.save_pass(ContainerPass(began=since, changed_since=since))


def main() -> int:
    """Measure what the command line asks for, and print it."""
    parser = argparse.ArgumentParser(prog="python -m bench.drop_sweep", description=__doc__)
    parser.add_argument("--blobs", type=int, default=20_000, help="(default: %(default)s)")
    given = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="dailies-bench-") as directory,
        running_azurite(Path(directory)) as connection,
    ):
        quiet, busy = asyncio.run(_measure(connection, given.blobs))
    for name, found in (("nothing new", quiet), (f"{_NEW} new", busy)):
        print(
            f"{name:12} {given.blobs} blobs: {found.wall:.1f} s in {found.runs} runs, processor "
            f"{found.processor:.1f} s, loop held {found.longest_hold * 1000:.0f} ms at most "
            f"(work in one go: {found.longest_work * 1000:.0f} ms), "
            f"memory +{found.rss_rise:.0f} MB, started {found.started}"
        )
    scale = 1_000_000 / given.blobs
    print(f"a million blobs: {quiet.processor * scale:.0f} s of processor time for a whole pass")
    return 0 if busy.started >= _NEW and quiet.longest_hold < 0.1 else 1


if __name__ == "__main__":
    sys.exit(main())
