"""Many videos in flight at once: do all complete, how fast, and what do they cost?

    python -m bench.in_flight [--videos 1000] [--speed 0.5]

Callers create videos side by side on a local stack without quotas. The simulator's renders take
about 60 simulated seconds, so the slower the ``--speed``, the more of them are in flight at once.
Memory is that of the app's worker and of the local host; activities and history are counted in the
host's task hub. Ends with status 1 when a video did not complete or a goal was missed.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sqlite3
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from bench.memory import rss_mb
from tests.stack import RunningStack, running_stack

MOST_WORKER_MB = 300.0
MOST_ACTIVITIES = 25.0
_CALLERS = 16
_TERMINAL = ("completed", "failed", "cancelled")


@dataclass
class Samples:
    """Memory in MB with the number of videos in flight, every second."""

    worker: list[float] = field(default_factory=list)
    host: list[float] = field(default_factory=list)
    in_flight: list[int] = field(default_factory=list)


@dataclass
class Load:
    """What was created and what has ended; read by the sampler."""

    created: int = 0
    ended: Counter[str] = field(default_factory=Counter)
    retries: int = 0


@dataclass(frozen=True)
class HubCosts:
    """What the task hub holds about the videos.

    Attributes:
        activities: executions that were ever scheduled, by the hub's own numbering.
        events: rows of history that are kept, over all instances.
        longest: the most rows of one instance.
    """

    activities: int
    events: int
    longest: int


def main() -> int:
    """Run the bench that the command line asks for, and print what it found."""
    parser = argparse.ArgumentParser(prog="python -m bench.in_flight", description=__doc__)
    parser.add_argument("--videos", type=int, default=1000, help="(default: %(default)s)")
    parser.add_argument("--speed", type=float, default=0.5, help="(default: %(default)g)")
    parser.add_argument("--within", type=float, default=1800, help="seconds (default: %(default)g)")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="dailies-bench-") as directory:
        return _bench(Path(directory), given.videos, given.speed, given.within)


def _bench(state_dir: Path, videos: int, speed: float, within: float) -> int:
    load, samples, done = Load(), Samples(), threading.Event()
    with running_stack(state_dir, speed=speed) as stack:
        pids = stack.pids()
        idle = rss_mb(pids["worker"])
        sampler = threading.Thread(target=_sample, args=(pids, load, samples, done))
        sampler.start()
        begun = time.monotonic()
        try:
            asyncio.run(_create_all(stack, videos, load))
            created = time.monotonic() - begun
            _wait_for_all(stack, videos, load, begun + within)
        finally:
            done.set()
            sampler.join()
        seconds = time.monotonic() - begun
        costs = _hub_costs(state_dir / "host")
        same_worker = stack.pids()["worker"] == pids["worker"]
    return _report(videos, load, samples, costs, created, seconds, idle, same_worker)


async def _create_all(stack: RunningStack, videos: int, load: Load) -> None:
    numbers = iter(range(videos))
    async with httpx.AsyncClient(
        base_url=stack.base_url, headers=dict(stack.api.headers), timeout=60, trust_env=False
    ) as api:

        async def caller() -> None:
            for number in numbers:
                body = {"model": "sora-2", "prompt": f"number {number} [sim label=bench]"}
                headers = {"Idempotency-Key": f"bench-{number}"}
                while not (await api.post("/v1/videos", json=body, headers=headers)).is_success:
                    load.retries += 1
                    await asyncio.sleep(0.5)
                load.created += 1

        await asyncio.gather(*(caller() for _ in range(_CALLERS)))


def _wait_for_all(stack: RunningStack, videos: int, load: Load, deadline: float) -> None:
    while time.monotonic() < deadline:
        kinds = {
            event["subject"]: event["type"].rpartition(".")[2]
            for event in stack.events()
            if event["type"].endswith(_TERMINAL)
        }
        load.ended = Counter(kinds.values())
        if load.ended.total() >= videos:
            return
        time.sleep(2)


def _sample(pids: dict[str, int], load: Load, samples: Samples, done: threading.Event) -> None:
    while not done.wait(1):
        samples.worker.append(rss_mb(pids["worker"]))
        samples.host.append(rss_mb(pids["host"]))
        samples.in_flight.append(load.created - load.ended.total())


def _hub_costs(host_dir: Path) -> HubCosts:
    hub = sqlite3.connect(f"file:{host_dir / 'taskhub.db'}?mode=ro", uri=True)
    with contextlib.closing(hub):
        (activities,) = hub.execute(
            "SELECT seq FROM sqlite_sequence WHERE name = 'activities'"
        ).fetchone()
        rows = hub.execute("SELECT count(*) FROM history GROUP BY instance_id").fetchall()
    counts = [count for (count,) in rows]
    return HubCosts(activities, sum(counts), max(counts))


def _report(
    videos: int,
    load: Load,
    samples: Samples,
    costs: HubCosts,
    created: float,
    seconds: float,
    idle: float,
    same_worker: bool,
) -> int:
    per_video = costs.activities / videos
    rows = [
        ("videos completed", f"{load.ended['completed']} of {videos}"),
        ("created", f"in {created:.0f} s, {videos / created:.0f} a second"),
        ("creates repeated", str(load.retries)),
        ("in flight, at most", str(max(samples.in_flight))),
        ("first create to last event", f"{seconds:.0f} s"),
        ("videos a minute", f"{videos / seconds * 60:.0f}"),
        ("worker memory, idle", f"{idle:.0f} MB"),
        ("worker memory by quarters", _quarters(samples.worker)),
        ("worker memory, peak", f"{max(samples.worker):.0f} MB (goal: under {MOST_WORKER_MB:g})"),
        ("host memory, peak", f"{max(samples.host):.0f} MB"),
        ("activity executions a video", f"{per_video:.1f} (goal: at most {MOST_ACTIVITIES:g})"),
        ("history events kept a video", f"{costs.events / videos:.1f}"),
        ("longest history of an instance", f"{costs.longest} (goal: at most 100)"),
        ("one worker all the time", "yes" if same_worker else "no"),
    ]
    width = max(len(name) for name, _ in rows)
    print("\n".join(f"{name:<{width}}  {value}" for name, value in rows))
    good = (
        load.ended["completed"] == videos
        and max(samples.worker) < MOST_WORKER_MB
        and per_video <= MOST_ACTIVITIES
        and costs.longest <= 100
        and same_worker
    )
    return 0 if good else 1


def _quarters(values: list[float]) -> str:
    """The highest value of each quarter of the time."""
    size = max(1, len(values) // 4)
    parts = [values[start : start + size] for start in range(0, size * 4, size)]
    return ", ".join(f"{max(part):.0f}" for part in parts if part) + " MB"


if __name__ == "__main__":
    sys.exit(main())
