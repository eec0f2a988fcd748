"""What it costs to import the app: time, memory, and the modules that cost most.

That is the part of a cold start that is ours to choose: the worker can't index the functions
before, and whoever calls first waits for it.
Usage: ``python -m bench.imports [--rounds N] [--top N]``.
"""

from __future__ import annotations

import argparse
import re
import statistics
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[1]
_LINE = re.compile(r"import time:\s+(?P<own>\d+) \|\s+\d+ \|\s+(?P<name>[\w.]+)$")

# Nothing but the import is measured: the interpreter's own start comes before.
_MEASURE = """
import time
began, busy = time.perf_counter(), time.process_time()
import {module}
took = time.perf_counter() - began, time.process_time() - busy
import os
pages = int(open("/proc/self/statm").read().split()[1])
print(*took, pages * os.sysconf("SC_PAGE_SIZE") / 1e6)
"""

_STAGES = {
    "azure.durable_functions": "the SDK alone, the least there can be",
    "function_app": "the app: what the worker indexes",
    "dailies.services": "and the parts that the first work is done with",
    "dailies.api.app": "and those that answer the first request",
}


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds by the clock, seconds of a processor, and resident memory in MB."""

    seconds: float
    processor: float
    memory: float


def measure(modules: list[str], rounds: int) -> Cost:
    """The median of fresh processes that import these, one after the other."""
    code = _MEASURE.format(module=", ".join(modules))
    costs = [
        [float(number) for number in _python("-c", code).stdout.split()] for _ in range(rounds)
    ]
    return Cost(*(statistics.median(column) for column in zip(*costs, strict=True)))


def dearest(module: str, *, by_package: bool) -> Counter[str]:
    """Microseconds that each module, or package, takes for itself."""
    told = _python("-X", "importtime", "-c", f"import {module}").stderr
    own: Counter[str] = Counter()
    for found in filter(None, map(_LINE.match, told.splitlines())):
        name = found["name"]
        own[_package(name) if by_package else name] += int(found["own"])
    return own


def _package(module: str) -> str:
    parts = module.split(".")
    shared = parts[0] in ("azure", "opentelemetry", "google", "dailies")
    return ".".join(parts[: 2 if shared else 1])


def _python(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], cwd=_ROOT, capture_output=True, text=True, check=True
    )


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="processes for each stage")
    parser.add_argument("--top", type=int, default=12, help="modules and packages to list")
    options = parser.parse_args()

    modules: list[str] = []
    for module, text in _STAGES.items():
        modules.append(module)
        cost = measure(modules, options.rounds)
        print(
            f"{cost.seconds:6.2f} s {cost.processor:6.2f} s of a processor {cost.memory:6.1f} MB"
            f"  {module}: {text}"
        )
    for by_package in (True, False):
        print("\nms for itself, by " + ("package" if by_package else "module"))
        for name, micros in dearest("function_app", by_package=by_package).most_common(options.top):
            print(f"{micros / 1000:7.1f}  {name}")


if __name__ == "__main__":
    main()
