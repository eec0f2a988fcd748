"""Many videos in flight at once: do all complete, how fast, and what do they cost?

    python -m bench.in_flight [--videos 1000] [--speed 0.5] [--most 1000] [--against ../before]

Callers create videos side by side on a local stack without quotas. The simulator's renders take
about 60 simulated seconds, so the slower the ``--speed``, the more of them are in flight at once.
With ``--most``, no more than that are: as each ends, another is created. They are begun evenly over
the time of one render, or all would be at the same point of their lives for as long as it runs. So
the rate while there are as many is that of an app that is as busy all day, without the beginning
and the end of a run.
Memory is that of the app's worker and of the local host; activities and history are counted in the
host's task hub. Ends with status 1 when a video did not complete or a goal was missed.

With ``--against`` the app of another checkout runs in turn with this one's, on the same stack, so
that both meet the same machine; processor time is the measure that others on it disturb least.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import sqlite3
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import httpx

from bench.memory import cpu_seconds, rss_mb
from local.stack.layout import APP_DIR
from tests.stack import RunningStack, running_stack

MOST_WORKER_MB = 300.0
MOST_ACTIVITIES = 7.0
MOST_EVENTS = 45.0
_CALLERS = 16
# The local stack sweeps every five seconds, so that nobody waits for what fell between the cracks:
# each sweep looks at every video that is open. As deployed, it is every five minutes.
_AS_DEPLOYED = {
    "DAILIES_SWEEP_SCHEDULE": "0 */5 * * * *",
    "DAILIES_SWEEP_GRACE_SECONDS": "60",
}
_RENDER_SECONDS = 60.0
"""Of the simulator, in simulated time."""
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

    most: int | None = None
    ramp: float = 0.0
    """Seconds, before there may be as many."""
    begun: float = field(default_factory=time.monotonic)
    created: int = 0
    ended: Counter[str] = field(default_factory=Counter)
    retries: int = 0
    full: list[tuple[float, int]] = field(default_factory=list)
    """When as many were in flight as may be and more were to come, and how many had ended."""

    @property
    def in_flight(self) -> int:
        return self.created - self.ended.total()

    @property
    def has_room(self) -> bool:
        """Whether another may be created now."""
        if self.most is None:
            return True
        share = min(1.0, (time.monotonic() - self.begun) / self.ramp) if self.ramp else 1.0
        return self.in_flight < self.most * share

    @property
    def a_minute_when_full(self) -> float | None:
        """Ends a minute; None where it was never full for long."""
        if len(self.full) < 2 or self.full[-1][1] == self.full[0][1]:
            return None
        (begun, before), (until, after) = self.full[0], self.full[-1]
        return (after - before) / (until - begun) * 60


@dataclass(frozen=True)
class HubCosts:
    """What the task hub holds about the videos.

    Attributes:
        activities: executions that were ever scheduled, by the hub's own numbering, for a video.
        events: rows of history that are kept over all instances, for a video.
        longest: the most rows of one instance.
    """

    activities: float
    events: float
    longest: int


@dataclass(frozen=True)
class Result:
    """What one run found; seconds of time or, where it says so, of processor time."""

    videos: int
    load: Load
    samples: Samples
    hub: HubCosts
    created: float
    seconds: float
    worker_cpu: float
    host_cpu: float
    idle_mb: float
    same_worker: bool

    @property
    def is_good(self) -> bool:
        """Whether all videos completed, within the goals."""
        return (
            self.load.ended["completed"] == self.videos + 1
            and max(self.samples.worker) < MOST_WORKER_MB
            and self.hub.activities <= MOST_ACTIVITIES
            and self.hub.events <= MOST_EVENTS
            and self.hub.longest <= 100
            and self.same_worker
        )


def main() -> int:
    """Run the bench that the command line asks for, and print what it found."""
    parser = argparse.ArgumentParser(prog="python -m bench.in_flight", description=__doc__)
    parser.add_argument("--videos", type=int, default=1000, help="(default: %(default)s)")
    parser.add_argument("--speed", type=float, default=0.5, help="(default: %(default)g)")
    parser.add_argument("--most", type=int, help="in flight at once (default: all)")
    parser.add_argument("--within", type=float, default=1800, help="seconds (default: %(default)g)")
    parser.add_argument("--against", type=Path, help="another checkout, whose app runs in turn")
    parser.add_argument("--rounds", type=int, default=1, help="of each app (default: %(default)s)")
    parser.add_argument(
        "--look-every", type=float, help="seconds between looks at a job (default: as it seems due)"
    )
    given = parser.parse_args()
    settings = _AS_DEPLOYED | ({} if given.look_every is None else _looks(given.look_every))
    apps = {"here": APP_DIR} | ({"against": given.against.resolve()} if given.against else {})
    results: dict[str, list[Result]] = {name: [] for name in apps}
    for number in range(given.rounds):
        # In turn first: what the machine does meanwhile is then no side's alone.
        for name in sorted(apps, reverse=bool(number % 2)):
            with tempfile.TemporaryDirectory(prefix="dailies-bench-") as directory:
                result = _bench(
                    Path(directory),
                    apps[name],
                    settings,
                    given.videos,
                    given.speed,
                    given.within,
                    given.most,
                )
            results[name].append(result)
            print(f"{name}, round {number + 1}; load {os.getloadavg()[0]:.1f}", flush=True)
            _print(result)
    for name, of_one in results.items():
        print(f"{name}: {_medians(of_one)}")
    return 0 if all(result.is_good for result in results["here"]) else 1


def _looks(seconds: float) -> dict[str, str]:
    """Settings by which all videos are looked at as often, whatever the machine does meanwhile."""
    return {f"DAILIES_POLL_{end}_SECONDS": f"{seconds:g}" for end in ("MIN", "MAX")}


def _bench(
    state_dir: Path,
    app: Path,
    settings: dict[str, str],
    videos: int,
    speed: float,
    within: float,
    most: int | None,
) -> Result:
    samples, done = Samples(), threading.Event()
    with running_stack(state_dir, "--app-dir", str(app), speed=speed, settings=settings) as stack:
        # What a worker loads with its first video is no cost of any other.
        stack.wait_for(stack.create("warm up [sim label=bench]"))
        pids = stack.pids()
        load = Load(most, ramp=_RENDER_SECONDS / speed)
        idle = rss_mb(pids["worker"])
        worker, host = cpu_seconds(pids["worker"]), cpu_seconds(pids["host"])
        watchers = [
            threading.Thread(target=_sample, args=(pids, load, samples, done)),
            threading.Thread(target=_count_ends, args=(stack, videos, load, done)),
        ]
        for watcher in watchers:
            watcher.start()
        begun = load.begun
        try:
            asyncio.run(_create_all(stack, videos, load))
            created = time.monotonic() - begun
            while load.ended.total() <= videos and time.monotonic() < begun + within:
                time.sleep(0.5)
        finally:
            done.set()
            for watcher in watchers:
                watcher.join()
        return Result(
            videos=videos,
            load=load,
            samples=samples,
            hub=_hub_costs(state_dir / "host", videos + 1),
            created=created,
            seconds=time.monotonic() - begun,
            worker_cpu=cpu_seconds(pids["worker"]) - worker,
            host_cpu=cpu_seconds(pids["host"]) - host,
            idle_mb=idle,
            same_worker=stack.pids()["worker"] == pids["worker"],
        )


async def _create_all(stack: RunningStack, videos: int, load: Load) -> None:
    numbers = iter(range(videos))
    async with httpx.AsyncClient(
        base_url=stack.base_url, headers=dict(stack.api.headers), timeout=60, trust_env=False
    ) as api:

        async def caller() -> None:
            for number in numbers:
                while not load.has_room:  # noqa: ASYNC110 - counted in a thread
                    await asyncio.sleep(0.2)
                body = {"model": "sora-2", "prompt": f"number {number} [sim label=bench]"}
                headers = {"Idempotency-Key": f"bench-{number}"}
                while not (await api.post("/v1/videos", json=body, headers=headers)).is_success:
                    load.retries += 1
                    await asyncio.sleep(0.5)
                load.created += 1

        await asyncio.gather(*(caller() for _ in range(_CALLERS)))


def _count_ends(stack: RunningStack, videos: int, load: Load, done: threading.Event) -> None:
    # All events are read each time, by a simulator that others wait for.
    while not done.wait(max(3, load.ended.total() / 200)):
        kinds = {
            event["subject"]: event["type"].rpartition(".")[2]
            for event in stack.events()
            if event["type"].endswith(_TERMINAL)
        }
        load.ended = Counter(kinds.values())
        is_full = load.most is not None and load.in_flight >= load.most - 2 * _CALLERS
        if (is_full or load.full) and load.created < videos:
            load.full.append((time.monotonic(), load.ended.total()))


def _sample(pids: dict[str, int], load: Load, samples: Samples, done: threading.Event) -> None:
    while not done.wait(1):
        samples.worker.append(rss_mb(pids["worker"]))
        samples.host.append(rss_mb(pids["host"]))
        samples.in_flight.append(load.in_flight)


def _hub_costs(host_dir: Path, videos: int) -> HubCosts:
    hub = sqlite3.connect(f"file:{host_dir / 'taskhub.db'}?mode=ro", uri=True)
    with contextlib.closing(hub):
        (activities,) = hub.execute(
            "SELECT seq FROM sqlite_sequence WHERE name = 'activities'"
        ).fetchone()
        rows = hub.execute("SELECT count(*) FROM history GROUP BY instance_id").fetchall()
    counts = [count for (count,) in rows]
    return HubCosts(activities / videos, sum(counts) / videos, max(counts))


def _print(result: Result) -> None:
    videos, load, samples, hub = result.videos, result.load, result.samples, result.hub
    rows = [
        ("videos completed", f"{load.ended['completed'] - 1} of {videos}"),
        ("created", f"in {result.created:.0f} s, {videos / result.created:.0f} a second"),
        ("creates repeated", str(load.retries)),
        ("in flight, at most", str(max(samples.in_flight))),
        ("first create to last event", f"{result.seconds:.0f} s"),
        ("videos a minute", f"{videos / result.seconds * 60:.0f}"),
        ("videos a minute when full", _rate(load.a_minute_when_full)),
        ("worker's processor time a video", f"{result.worker_cpu / videos:.3f} s"),
        ("host's processor time a video", f"{result.host_cpu / videos:.3f} s"),
        ("worker memory, idle", f"{result.idle_mb:.0f} MB"),
        ("worker memory by quarters", _quarters(samples.worker)),
        ("worker memory, peak", f"{max(samples.worker):.0f} MB (goal: under {MOST_WORKER_MB:g})"),
        ("host memory, peak", f"{max(samples.host):.0f} MB"),
        (
            "activity executions a video",
            f"{hub.activities:.1f} (goal: at most {MOST_ACTIVITIES:g})",
        ),
        (
            "history events kept a video",
            f"{hub.events:.1f} (goal: at most {MOST_EVENTS:g})",
        ),
        ("longest history of an instance", f"{hub.longest} (goal: at most 100)"),
        ("one worker all the time", "yes" if result.same_worker else "no"),
    ]
    width = max(len(name) for name, _ in rows)
    print("\n".join(f"  {name:<{width}}  {value}" for name, value in rows), flush=True)


def _medians(results: list[Result]) -> str:
    values = {
        "activities": [result.hub.activities for result in results],
        "events": [result.hub.events for result in results],
        "worker s": [result.worker_cpu / result.videos for result in results],
        "host s": [result.host_cpu / result.videos for result in results],
        "videos a minute": [result.videos / result.seconds * 60 for result in results],
    }
    return ", ".join(f"{median(each):.3g} {name}" for name, each in values.items())


def _rate(a_minute: float | None) -> str:
    return "-" if a_minute is None else f"{a_minute:.0f}"


def _quarters(values: list[float]) -> str:
    """The highest value of each quarter of the time."""
    size = max(1, len(values) // 4)
    parts = [values[start : start + size] for start in range(0, size * 4, size)]
    return ", ".join(f"{max(part):.0f}" for part in parts if part) + " MB"


if __name__ == "__main__":
    sys.exit(main())
