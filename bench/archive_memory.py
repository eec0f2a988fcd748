"""What a large video costs the worker in memory while it is archived.

    python -m bench.archive_memory [--megabytes 1000] [--at-most 64]

The simulator pads a real MP4 to the size that is asked for. The worker's peak is read from the
kernel, which misses nothing, after a small video has warmed everything up. Ends with status 1 when
the peak is more than ``--at-most`` MB over the idle worker.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from bench.memory import peak_mb, reset_peak, rss_mb
from tests.stack import running_stack

__all__ = ["Measured", "measure"]

_SETTLE_SECONDS = 2.0


@dataclass(frozen=True)
class Measured:
    """MB of the worker, and seconds from the create to the stored file."""

    idle: float
    peak: float
    seconds: float
    stored_bytes: int

    @property
    def over_idle(self) -> float:
        return self.peak - self.idle


def measure(state_dir: Path, *, size: int, within: float = 300) -> Measured:
    """Archive one video of ``size`` bytes on a stack of its own."""
    with running_stack(state_dir) as stack:
        stack.wait_for(stack.create("a small one first [sim label=small]"))
        time.sleep(_SETTLE_SECONDS)
        worker = stack.pids()["worker"]
        idle = rss_mb(worker)
        reset_peak(worker)
        begun = time.monotonic()
        video = stack.wait_for(
            stack.create(f"a large one [sim label=large bytes={size}]"), within=within
        )
        seconds = time.monotonic() - begun
        assert video["status"] == "completed", video
        event = stack.wait_for_event(video["id"], "completed")
        stored = int(event["data"]["files"]["video"]["bytes"])
        return Measured(idle, peak_mb(worker), seconds, stored)


def main() -> int:
    """Measure what the command line asks for, and print it."""
    parser = argparse.ArgumentParser(prog="python -m bench.archive_memory", description=__doc__)
    parser.add_argument("--megabytes", type=int, default=1000, help="(default: %(default)s)")
    parser.add_argument("--at-most", type=float, default=64, help="MB (default: %(default)g)")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="dailies-bench-") as directory:
        found = measure(Path(directory), size=given.megabytes * 10**6)
    rate = found.stored_bytes / 1e6 / found.seconds
    print(f"stored            {found.stored_bytes / 1e6:8.0f} MB in {found.seconds:.1f} s")
    print(f"rate              {rate:8.0f} MB/s, the render included")
    print(f"worker, idle      {found.idle:8.0f} MB")
    print(f"worker, peak      {found.peak:8.0f} MB")
    print(f"peak over idle    {found.over_idle:8.0f} MB (goal: at most {given.at_most:g})")
    return 0 if found.over_idle <= given.at_most else 1


if __name__ == "__main__":
    sys.exit(main())
