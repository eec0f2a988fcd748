"""What one retrieve costs the worker, beside another version of the app.

    python -m bench.retrieve [--beside DIR] [--rounds 5] [--seconds 5]

Callers ask a local stack for a finished video, again and again. Processor time is that of each
process over a round, divided by its requests: on a busy machine it says more than the rate does,
and the least of many short rounds the most, since what shares the cores only ever adds.
``--beside`` takes the folder of another checkout: both stacks run, and their rounds alternate.
Linux only.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import statistics
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bench.litellm.load import Retrieves, retrieve
from bench.litellm.memory import family
from bench.videos import finished_video
from local.stack.launch import StackProcess, without_settings

_PARTS = ("worker", "host", "azurite")
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Round:
    """Requests a second, and milliseconds of a processor for one of them by process."""

    retrieves: Retrieves
    cost: Mapping[str, float]


@dataclass
class Version:
    """An app that runs: whom to ask, and its processes."""

    name: str
    url: str
    headers: Mapping[str, str]
    pids: Mapping[str, list[int]]
    rounds: list[Round] = field(default_factory=list)

    def measure(self, *, concurrency: int, seconds: float) -> Round:
        """One round."""
        before = {part: processor_seconds(pids) for part, pids in self.pids.items()}
        asked = retrieve(self.url, self.headers, concurrency=concurrency, seconds=seconds)
        found = asyncio.run(asked)
        return Round(
            found,
            {
                part: (processor_seconds(pids) - before[part]) / found.count * 1000
                for part, pids in self.pids.items()
            },
        )


def main() -> int:
    """Run the bench that the command line asks for, and print what it found."""
    parser = argparse.ArgumentParser(prog="python -m bench.retrieve", description=__doc__)
    parser.add_argument("--beside", type=Path, help="folder of another checkout of the app")
    parser.add_argument("--rounds", type=int, default=30, help="(default: %(default)s)")
    parser.add_argument(
        "--seconds", type=float, default=1, help="of a round (default: %(default)g)"
    )
    parser.add_argument("--callers", type=int, default=16, help="(default: %(default)s)")
    given = parser.parse_args()
    with contextlib.ExitStack() as stack:
        versions = [stack.enter_context(_running("this", None))]
        if given.beside is not None:
            versions.append(stack.enter_context(_running("beside", given.beside)))
        for version in versions:
            version.measure(concurrency=given.callers, seconds=3)  # imports, pools
        for number in range(given.rounds):
            for version in versions if number % 2 == 0 else versions[::-1]:
                version.rounds.append(
                    version.measure(concurrency=given.callers, seconds=given.seconds)
                )
    _report(versions)
    return 0


@contextlib.contextmanager
def _running(name: str, app_dir: Path | None) -> Iterator[Version]:
    options = ["--speed", "60", "--unlimited"]
    options += [] if app_dir is None else ["--app-dir", str(app_dir.resolve())]
    with tempfile.TemporaryDirectory(prefix="dailies-bench-") as directory:
        process = StackProcess(Path(directory), options, environ=without_settings(os.environ))
        with process as info:
            video = finished_video(info.base_url, info.api_key, "sora-2")
            yield Version(
                name,
                f"{info.base_url}/v1/videos/{video}",
                {"Authorization": f"Bearer {info.api_key}"},
                # The worker is a child of the host; Azurite's servers are its own.
                {
                    part: family(pid) if part == "azurite" else [pid]
                    for part in _PARTS
                    if (pid := info.pids[part])
                },
            )


def processor_seconds(pids: list[int]) -> float:
    """What the processes have used so far, in the kernel and outside."""
    ticks = 0
    for pid in pids:
        # The name in brackets may hold spaces; utime and stime are the 14th and 15th field.
        after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(after_name[11]) + int(after_name[12])
    return ticks / _TICKS


def _report(versions: list[Version]) -> None:
    print(f"{'':10}{'requests/s':>12}{'p50 ms':>9}{'p95 ms':>9}", end="")
    print("".join(f"{part + ' ms':>12}" for part in _PARTS))
    for version in versions:
        rounds = version.rounds
        print(f"{version.name:10}{_median(r.retrieves.rate for r in rounds):12.0f}", end="")
        print(f"{_median(r.retrieves.p50 for r in rounds):9.1f}", end="")
        print(f"{_median(r.retrieves.p95 for r in rounds):9.1f}", end="")
        print("".join(f"{_median(r.cost[part] for r in rounds):12.2f}" for part in _PARTS))
        print(f"{'':8}least{'':27}", end="")
        print("".join(f"{min(r.cost[part] for r in rounds):12.2f}" for part in _PARTS))
    if len(versions) == 2:
        pairs = list(zip(versions[0].rounds, versions[1].rounds, strict=True))
        rate = _median(a.retrieves.rate / b.retrieves.rate for a, b in pairs)
        cost = _median(a.cost["worker"] / b.cost["worker"] for a, b in pairs)
        least = [min(r.cost["worker"] for r in version.rounds) for version in versions]
        print(
            f"\nrate: {rate:.2f} times that beside; the worker's time: {cost:.2f} times, "
            f"the least of it {least[0] / least[1]:.2f} times"
        )


def _median(values: Iterator[float]) -> float:
    return statistics.median(values)


if __name__ == "__main__":
    sys.exit(main())
