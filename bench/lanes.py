"""What an operation of a lane costs, beside the rules of before (first come, first served).

    .venv/bin/python -m bench.lanes [--waiting 100 1000 10000] [--rounds 20]

Each operation is what the entity does: the state is read from JSON, a video asks, or ends and is
taken out, and the state is written again. Both kinds of rules take turns within a round. The times
are processor time, so that others on the machine don't show; the medians are printed. The last
column is the whole of it, by the SDK's own code around the entity.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from typing import Any

from bench import first_come
from dailies.routing import lane
from dailies.routing.lane_state import Lane, Waiting
from entities.quota import quota
from tests.orchestrations.wire import handle_of

_NOW = 1795262500.0
_OWNERS = 40


def _id(number: int) -> str:
    return f"video_{number:032x}"


def _question(number: int) -> dict[str, Any]:
    return {
        "deployment": "azure-sora-2",
        "per_window": 2,
        "window_seconds": 60.0,
        "concurrent": 2,
        "typical_seconds": 75.0,
        "lease_seconds": 5400.0,
        "owner": f"owner-{number % _OWNERS:02d}",
        "video": _id(number),
        "now": _NOW,
    }


def _states(waiting: int) -> tuple[str, str]:
    """So many waiting videos, by the rules of today and by those of before, as JSON."""
    queue: dict[str, list[Waiting]] = {}
    for number in range(waiting):
        entry = Waiting(1, _NOW - number * 0.01, _id(number), _NOW + 60 + number)
        queue.setdefault(f"owner-{number % _OWNERS:02d}", []).append(entry)
    for entries in queue.values():
        entries.sort()
    now = Lane(queue=queue, sent=[_NOW - 1, _NOW - 2]).stored()
    line = [[_id(number), _NOW - number * 0.01, _NOW + 60 + number] for number in range(waiting)]
    before = {"sent": [_NOW - 1, _NOW - 2], "leases": {}, "queue": line}
    return json.dumps(now), json.dumps(before)


def _seconds(operation: Callable[[], object]) -> float:
    start = time.process_time()
    operation()
    return time.process_time() - start


def _both(rules: Any, state: str, question: dict[str, Any], done: Any) -> Callable[[], object]:
    """The video asks, and another one is taken out."""

    def operations() -> None:
        asked, _ = rules.acquire(json.loads(state), question)
        text = json.dumps(asked)
        json.dumps(rules.release(json.loads(text), done))

    return operations


def _entity(state: str, question: dict[str, Any]) -> Callable[[], object]:
    """The video asks, through the SDK."""
    operation = {"name": "acquire", "input": json.dumps(json.dumps(question)), "isSignal": False}
    itself = {"name": "quota", "key": "azure-sora-2"}
    batch = json.dumps({"self": itself, "exists": True, "state": state, "batch": [operation]})
    return lambda: handle_of(quota)(batch)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--waiting", type=int, nargs="+", default=[100, 1000, 10_000])
    parser.add_argument("--rounds", type=int, default=20)
    options = parser.parse_args()
    print(
        f"{'waiting':>8} {'KiB':>6} {'KiB before':>11} {'ms':>7} {'ms before':>10} {'ms, SDK':>8}"
    )
    for waiting in options.waiting:
        state, before = _states(waiting)
        question = _question(waiting // 2)
        kinds = {
            "now": _both(lane, state, question, {"video": _id(waiting // 3)}),
            "before": _both(first_come, before, question, _id(waiting // 3)),
            "sdk": _entity(state, question),
        }
        seconds: dict[str, list[float]] = {kind: [] for kind in kinds}
        for _ in range(options.rounds):
            for kind, operation in kinds.items():
                seconds[kind].append(_seconds(operation))
        # Of two operations, where the SDK's is one.
        now, old = (statistics.median(seconds[kind]) * 500 for kind in ("now", "before"))
        sdk = statistics.median(seconds["sdk"]) * 1000
        sizes = len(state) / 1024, len(before) / 1024
        print(
            f"{waiting:8} {sizes[0]:6.0f} {sizes[1]:11.0f} {now:7.2f} {old:10.2f} {sdk:8.2f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
