"""What one video costs, counted on the local stack: in the task hub, in Azurite's access log, and
by the worker's processor time. What is counted is the same in Azure, as it is the app that asks.
"""

from __future__ import annotations

import contextlib
import os
import re
import sqlite3
import tempfile
import time
from collections import Counter
from pathlib import Path

import httpx

from bench.retrieve import processor_seconds
from bench.scale.video import Video
from local.stack.launch import StackProcess, without_settings
from local.stack.ready import StackInfo

__all__ = ["measure"]

_PROMPT = "A pier at dawn"
"""Rendered in the simulator's own time, about a minute: how often it is looked at goes by that."""
_COUNTED, _TIMED = 2, 60
"""As many as have a place at once in the simulated quota; and more, without quotas."""


def measure(app_dir: Path | None = None) -> Video:
    """Make some videos at real speed and count; then more, faster, for the processor time.

    Args:
        app_dir: of another checkout, whose app is to be measured.
    """
    with tempfile.TemporaryDirectory(prefix="dailies-bench-") as directory:
        state = Path(directory)
        with _stack(state, app_dir, "--speed", "1") as info:
            log = next(state.rglob("azurite*.log"))
            _make(info, 1)  # what is only asked once
            asked = len(log.read_text().splitlines())
            hub = next(state.rglob("taskhub.db"))
            before = _sequences(hub)
            _make(info, _COUNTED)
            lines = log.read_text().splitlines()[asked:]
            after = _sequences(hub)
            history, instances = _history(hub)
    with (
        tempfile.TemporaryDirectory(prefix="dailies-bench-") as directory,
        _stack(Path(directory), app_dir, "--speed", "60", "--unlimited") as info,
    ):
        worker = info.pids["worker"]
        assert worker is not None
        _make(info, 8)  # imports and pools
        used = processor_seconds([worker])
        _make(info, _TIMED)
        seconds = (processor_seconds([worker]) - used) / _TIMED
    of_each = {name: (after[name] - before.get(name, 0)) / _COUNTED for name in after}
    asked_of = _requests(lines)
    return Video(
        activities=of_each["activities"],
        messages=of_each["inbox"],
        timers=of_each["timers"],
        entity_operations=of_each.get("entity_inbox", 0.0),
        history_events=history / (_COUNTED + 1),
        instances=instances / (_COUNTED + 1),
        worker_seconds=round(seconds, 3),
        **{name: asked_of[name] / _COUNTED for name in _KINDS},
    )


def _stack(state: Path, app_dir: Path | None, *options: str) -> StackProcess:
    app = [] if app_dir is None else ["--app-dir", str(app_dir.resolve())]
    return StackProcess(state, [*options, *app], environ=without_settings(os.environ))


def _make(info: StackInfo, number: int) -> None:
    """Make so many videos side by side; ends when the last event of each is out.

    Nobody polls: what a caller's own requests cost is counted apart.
    """
    headers = {"Authorization": f"Bearer {info.api_key}"}
    with httpx.Client(base_url=info.base_url, headers=headers, trust_env=False, timeout=60) as api:
        ids = [
            api.post("/v1/videos", json={"model": "sora-2", "prompt": _PROMPT, "seconds": "4"})
            .raise_for_status()
            .json()["id"]
            for _ in range(number)
        ]
    deadline = time.monotonic() + 300
    inspected = f"{info.simulator_url}/_inspect/events"
    while True:
        seen = httpx.get(inspected, trust_env=False, timeout=60).raise_for_status().json()
        ended = [e["event"] for e in seen if e["event"]["type"].endswith(".completed")]
        if {event["subject"].rpartition("/")[2] for event in ended} >= set(ids):
            break
        if time.monotonic() > deadline:
            raise TimeoutError("the videos do not end")
        time.sleep(0.5)
    time.sleep(2)  # the instances end after the event


def _sequences(hub: Path) -> dict[str, int]:
    """How many rows each table of the hub ever had."""
    with _open(hub) as rows:
        return dict(rows.execute("SELECT name, seq FROM sqlite_sequence").fetchall())


def _history(hub: Path) -> tuple[int, int]:
    """Events that are kept, and the instances that have some."""
    with _open(hub) as rows:
        query = "SELECT count(*), count(DISTINCT instance_id) FROM history"
        events, instances = rows.execute(query).fetchone()
        return int(events), int(instances)


def _open(hub: Path) -> contextlib.closing[sqlite3.Connection]:
    return contextlib.closing(sqlite3.connect(f"file:{hub}?mode=ro", uri=True))


_KINDS = {
    "record_reads": re.compile(r'"GET \S+/videos\(PartitionKey'),
    "record_writes": re.compile(r'"(PUT|PATCH|POST|DELETE) \S+/(videos\(PartitionKey|\$batch)'),
    "owner_queries": re.compile(r'"GET \S+/videos\(\)\?\$filter=PartitionKey%20eq'),
    "open_requests": re.compile(r'"\w+ \S+/openvideos\(PartitionKey'),
    "claim_requests": re.compile(r'"\w+ \S+/claims'),
    "blob_writes": re.compile(r'"PUT \S+/videos/video_'),
    "blob_reads": re.compile(r'"(GET|HEAD) \S+/videos/video_'),
}


def _requests(lines: list[str]) -> Counter[str]:
    """The requests of each kind; what sweeps and probes ask is none of them."""
    found: Counter[str] = Counter()
    for line in lines:
        found.update([name for name, pattern in _KINDS.items() if pattern.search(line)])
    return found
