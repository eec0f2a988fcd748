"""Ten thousand shots in one request: how long it takes, what it costs, and who waits for it.

    python -m bench.batches [--shots 10000]

The same shots are sent in each way of writing them to a running stack. The worker's peak is read
from the kernel; meanwhile ``/health``, which needs nothing but the event loop, is asked again and
again. Then a single video is made while the last of the batches runs, and as long before with none.
Ends with status 1 where a batch took a minute, or more than 100 MB of the worker. Linux only.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from bench.memory import cpu_seconds, peak_mb, reset_peak, rss_mb
from tests.stack import RunningStack, running_stack

__all__ = ["main"]

_MOST_SECONDS = 60.0
_MOST_MB = 100.0
_PATIENCE = 300.0
_BETWEEN = 0.02


@dataclass(frozen=True)
class Measured:
    """What one batch took: seconds, those of the worker's processor, MB above what it had before,
    and the slowest answer of ``/health`` meanwhile, in seconds."""

    name: str
    bytes: int
    seconds: float
    cpu: float
    raised: float
    slowest: float


def main() -> int:
    """Run it and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shots", type=int, default=10_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, running_stack(Path(folder)) as stack:
        alone = _single(stack)
        rows = []
        for media, body in _bodies(given.shots):
            measured, batch_id = _send(stack, media, body)
            rows.append(measured)
            if media != "text/csv":
                _stop(stack, batch_id)
        beside = _single(stack)
    print(f"{given.shots:,} shots.\n")
    print("| written as | MB | s | worker CPU, s | worker's memory, MB | slowest /health, s |")
    print("|---|---|---|---|---|---|")
    for row in rows:
        print(
            f"| {row.name} | {row.bytes / 1e6:.1f} | {row.seconds:.1f} | {row.cpu:.1f} "
            f"| +{row.raised:.0f} | {row.slowest:.2f} |"
        )
    print(f"\nA single video: {alone:.1f} s with no batch, {beside:.1f} s beside one.")
    return int(any(row.seconds > _MOST_SECONDS or row.raised > _MOST_MB for row in rows))


def _bodies(number: int) -> Iterator[tuple[str, bytes]]:
    """The same shots, in each way of writing them."""
    shots = [
        {
            "prompt": f"Scene {n}: a lighthouse in the rain, seen from a boat, at dusk. " * 4,
            "model": "ray-3.2",
            "custom_id": f"scene-{n}",
        }
        for n in range(number)
    ]
    yield "application/json", json.dumps({"shots": shots}).encode()
    yield "application/jsonl", "\n".join(json.dumps(shot) for shot in shots).encode()
    out = io.StringIO()
    writer = csv.DictWriter(out, list(shots[0]))
    writer.writeheader()
    writer.writerows(shots)
    yield "text/csv", out.getvalue().encode()


def _send(stack: RunningStack, media: str, body: bytes) -> tuple[Measured, str]:
    worker = stack.pids()["worker"]
    reset_peak(worker)
    memory, cpu = rss_mb(worker), cpu_seconds(worker)
    with _health(stack) as waits:
        began = time.monotonic()
        answer = httpx.post(
            f"{stack.base_url}/v1/video_batches",
            content=body,
            headers={**_headers(stack), "Content-Type": media},
            timeout=_PATIENCE,
            trust_env=False,
        )
        seconds = time.monotonic() - began
    answer.raise_for_status()
    raised = peak_mb(worker) - memory
    spent = cpu_seconds(worker) - cpu
    return (
        Measured(media, len(body), seconds, spent, raised, max(waits, default=0.0)),
        str(answer.json()["id"]),
    )


@contextmanager
def _health(stack: RunningStack) -> Iterator[list[float]]:
    """Ask again and again; how long each answer took."""
    waits: list[float] = []
    done = threading.Event()

    def ask() -> None:
        with httpx.Client(base_url=stack.base_url, timeout=_PATIENCE, trust_env=False) as client:
            while not done.is_set():
                began = time.monotonic()
                client.get("/health")
                waits.append(time.monotonic() - began)
                time.sleep(_BETWEEN)

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield waits
    finally:
        done.set()
        thread.join()


def _single(stack: RunningStack) -> float:
    """Seconds from the order of a video to its end."""
    began = time.monotonic()
    stack.wait_for(stack.create("a single one", model="ray-3.2"))
    return time.monotonic() - began


def _stop(stack: RunningStack, batch_id: str) -> None:
    """Cancel a batch, and wait for its end: nothing of it is to be measured with another."""
    path = f"/v1/video_batches/{batch_id}"
    until = time.monotonic() + _PATIENCE
    with httpx.Client(
        base_url=stack.base_url, headers=_headers(stack), timeout=_PATIENCE, trust_env=False
    ) as client:
        client.post(f"{path}/cancel").raise_for_status()
        while client.get(path).json()["status"] != "cancelled":
            if time.monotonic() > until:
                raise TimeoutError(f"{batch_id} does not end")
            time.sleep(1)


def _headers(stack: RunningStack) -> Mapping[str, str]:
    return {"Authorization": f"Bearer {stack.api_key}"}


if __name__ == "__main__":
    sys.exit(main())
