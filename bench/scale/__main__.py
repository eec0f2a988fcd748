"""From a thousand videos a day to a million: what each part is asked, and what it takes.

    python -m bench.scale                      the tables of docs/scale.md
    python -m bench.scale --measure [--app DIR]  count anew what one video costs

``docs/scale.md`` holds these tables; a test compares them.
"""

from __future__ import annotations

import argparse
import math
import sys
from pathlib import Path

from bench.scale.azure import (
    ACCOUNT_REQUESTS,
    ENTITY_OPERATIONS,
    PARTITION_ENTITIES,
    PRICES,
    QUEUE_MESSAGES,
    SCHEDULER_ACTIONS,
    TOPIC_EVENTS,
)
from bench.scale.day import Peaks, busiest_hour
from bench.scale.video import POLLS, VIDEO, Asks, asks_of
from dailies.pipeline.sweep import MOST_OLD

VOLUMES = (1_000, 10_000, 100_000, 1_000_000)
_CONTROL_QUEUES = {1_000: 4, 10_000: 4, 100_000: 8, 1_000_000: 16}
_HOST_SHARE = 1.6
"""Processor time of host and worker together, over the worker's: an assumption, as the host of
Azure is not ours to measure."""
_BUSY = 0.6
"""Of a processor's time, above which an instance is taken for full."""
_GB, _MONTH_DAYS = 2, 30
_LOG_GB, _FILES_GB = 0.23e-3, 4e-3
_LOOKS_AT_ONCE, _LOOK_SECONDS = 8, 0.02
"""Of the sweep; how long a question to the engine takes is an assumption."""


def main() -> int:
    """Print what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m bench.scale", description=__doc__)
    parser.add_argument("--measure", action="store_true")
    parser.add_argument("--app", type=Path, help="another checkout, to be measured")
    given = parser.parse_args()
    if given.measure:
        from bench.scale.measure import measure

        print(measure(given.app))
    else:
        print("\n\n".join(tables()))
    return 0


def tables() -> tuple[str, str, str, str]:
    """One video; the busiest second; the sweep and the instances; a month's money."""
    asked = {volume: asks_of(VIDEO, _CONTROL_QUEUES[volume]) for volume in VOLUMES}
    peaks = {volume: busiest_hour(volume, asked[volume]) for volume in VOLUMES}
    return (_video(asked[VOLUMES[-1]]), _busiest(peaks), _instances(peaks), _money(asked))


def _video(asks: Asks) -> str:
    rows = [
        ("executions of activities", VIDEO.activities),
        ("messages to its instances, each a turn of the orchestrator", VIDEO.messages),
        ("events of history that are kept", VIDEO.history_events),
        ("instances", VIDEO.instances),
        ("operations of its deployment's `quota` entity", VIDEO.entity_operations),
        ("the app's requests to tables", asks["tables"] - POLLS),
        ("the app's requests to blobs", asks["blobs"]),
        ("Durable's operations on queues (model)", asks["queued"]),
        ("Durable's operations on tables (model)", asks["hub tables"]),
        ("actions of the Durable Task Scheduler", asks["actions"]),
        ("worker, seconds of a processor", VIDEO.worker_seconds),
    ]
    return _table(("one video", ""), [(name, f"{value:.3g}") for name, value in rows])


def _busiest(peaks: dict[int, Peaks]) -> str:
    parts = [
        ("largest owner's partition, entities", "owner", PARTITION_ENTITIES),
        ("`openvideos`, partition `open`, entities", "open", PARTITION_ENTITIES),
        ("`claims`, the busiest endpoint, entities", "claims", PARTITION_ENTITIES),
        ("video storage account, requests", "account", ACCOUNT_REQUESTS),
        ("host storage account, requests", "hub", ACCOUNT_REQUESTS),
        ("work-item queue, operations", "work items", QUEUE_MESSAGES),
        ("each control queue, operations", "control queue", QUEUE_MESSAGES),
        ("turns in each partition", "turns", None),
        ("topic, events", "events", TOPIC_EVENTS),
        ("scheduler, actions", "actions", max(SCHEDULER_ACTIONS.values())),
    ]
    rows = [
        (name, *(f"{peaks[volume].busiest[part]:,.1f}" for volume in VOLUMES), _limit(limit))
        for name, part, limit in parts
    ]
    rows.append(("videos in flight", *(f"{peaks[v].in_flight:,}" for v in VOLUMES), ""))
    return _table(("in the busiest second", *_volumes(), "limit"), rows)


def _instances(peaks: dict[int, Peaks]) -> str:
    rows = [
        ("`partitionCount`", *(f"{_CONTROL_QUEUES[v]}" for v in VOLUMES)),
        ("instances, busiest hour", *(f"{_needed(peaks[v]):,}" for v in VOLUMES)),
        (
            "a sweep, nothing waiting, s",
            *(f"{_sweep(peaks[v].in_flight):,.1f}" for v in VOLUMES),
        ),
        (
            "a sweep, half a day's videos waiting, s",
            *(f"{_sweep(_looked_at(v // 2, v)):,.0f}" for v in VOLUMES),
        ),
        (
            "deployments of 60 requests a minute",
            *(f"{math.ceil(v / 86_400 / 0.8):,}" for v in VOLUMES),
        ),
        (
            "one lane for all: operations a second, mean",
            *(f"{v / 86_400 * VIDEO.entity_operations:.2g}" for v in VOLUMES),
        ),
    ]
    table = _table(("videos a day", *_volumes()), rows)
    each_day = ENTITY_OPERATIONS / max(VIDEO.entity_operations, 1) * 86_400
    takes = f"One lane takes {ENTITY_OPERATIONS} operations a second: {each_day:,.0f} videos a day."
    return f"{table}\n\n{takes}"


def _money(asked: dict[int, Asks]) -> str:
    months = [_month(asked[volume], volume) for volume in VOLUMES]
    rows = [(name, *(f"{month[name]:,.0f}" for month in months)) for name in months[0]]
    sums = [sum(month.values()) for month in months]
    rows.append(("**sum**", *(f"**{amount:,.0f}**" for amount in sums)))
    each = zip(sums, VOLUMES, strict=True)
    rows.append(("for each video", *(f"{total / v / _MONTH_DAYS:.4f}" for total, v in each)))
    return _table(("US dollars a month", *_volumes()), rows)


def _month(asks: Asks, videos: int) -> dict[str, float]:
    """What Azure costs in a month, without the provider."""
    of_each = {
        "executions": _executions() * PRICES["execution"],
        "queues": asks["queued"] * PRICES["queue operation"],
        "tables": (asks["tables"] + asks["hub tables"]) * PRICES["table operation"],
        "blob requests": VIDEO.blob_writes * PRICES["blob write"]
        + (VIDEO.blob_reads + 1) * PRICES["blob read"],
        "Event Grid": 2 * asks["events"] * PRICES["event"],
        "logs and spans": _LOG_GB * PRICES["GB of logs"],
        "files, kept a month": _FILES_GB * PRICES["GB-month"],
        "egress, one download": _FILES_GB * PRICES["GB of egress"],
    }
    month = videos * _MONTH_DAYS
    return {
        "compute": _compute(asks, videos) * _MONTH_DAYS,
        **{name: amount * month for name, amount in of_each.items()},
    }


def _compute(asks: Asks, videos: int) -> float:
    """A day's, of instances as busy as they get; never less than one, as the sweep runs."""
    seconds = videos * asks["worker"] * _HOST_SHARE / _BUSY
    return max(seconds, 86_400 / 10) * _GB * PRICES["GB-s"]


def _executions() -> float:
    return VIDEO.activities + VIDEO.messages + VIDEO.entity_operations + POLLS + 1


def _needed(peaks: Peaks) -> int:
    """Instances of one processor for the mean of the busiest hour."""
    return max(1, math.ceil(peaks.mean["worker"] * _HOST_SHARE / _BUSY))


def _looked_at(waiting: int, videos_a_day: int) -> int:
    """Of so many that wait: those of the last hour, and a part of the others."""
    young = min(waiting, videos_a_day // 24)
    return young + min(waiting - young, MOST_OLD)


def _sweep(open_videos: int) -> float:
    return open_videos * _LOOK_SECONDS / _LOOKS_AT_ONCE


def _volumes() -> tuple[str, ...]:
    return tuple(f"{volume:,} a day" for volume in VOLUMES)


def _limit(limit: float | None) -> str:
    return "" if limit is None else f"{limit:,}"


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [head, ("---", *("---:" for _ in head[1:])), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    sys.exit(main())
