"""How soon a finished render is noticed, and after how many looks: called back beside polled.

    python -m bench.callbacks [--videos 20] [--speed 10]

Videos of both kinds are created side by side on one local stack; their renders take one to five
simulated minutes. The lag is from the end of the render, by the simulated provider's clock, to the
moment at which the app knew (the manifest's ``rendered_at``), in real seconds; at a speed of 10 a
poll that would come 10 s late in reality comes 1 s late. Ends with status 1 when a goal was missed.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
import tempfile
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.stack import RunningStack, running_stack

MOST_LAG = 1.0
MOST_LOOKS = 4
_MODELS = {"called back": "fal-happy-horse-1.1", "polled": "grok-imagine-video-1.5"}
_RENDER_SECONDS = (60, 300)
_PATIENCE = 300.0


def main() -> int:
    """Run it and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--videos", type=int, default=20, help="of each kind")
    parser.add_argument("--speed", type=float, default=10)
    given = parser.parse_args()
    dice = random.Random(1)
    renders = [dice.uniform(*_RENDER_SECONDS) for _ in range(given.videos)]
    with (
        tempfile.TemporaryDirectory() as directory,
        running_stack(Path(directory), speed=given.speed) as stack,
    ):
        _first(stack)
        videos = {
            kind: [
                stack.create(_prompt(kind, at, render), model=model)
                for at, render in enumerate(renders)
            ]
            for kind, model in _MODELS.items()
        }
        rows = {kind: [_measure(stack, video) for video in made] for kind, made in videos.items()}
    print(f"{given.videos} videos of each kind, renders of {_RENDER_SECONDS} s, x{given.speed:g}\n")
    print("|             | median lag, s | p95 lag, s | median looks | most looks |")
    print("|-------------|---------------|------------|--------------|------------|")
    for kind, measured in rows.items():
        lags = sorted(lag for lag, _ in measured)
        looks = [count for _, count in measured]
        p95 = lags[min(len(lags) - 1, int(0.95 * len(lags)))]
        print(
            f"| {kind:<11} | {statistics.median(lags):13.2f} | {p95:10.2f} "
            f"| {statistics.median(looks):12.1f} | {max(looks):10} |"
        )
    called = rows["called back"]
    good = statistics.median(lag for lag, _ in called) < MOST_LAG
    return 0 if good and max(looks for _, looks in called) <= MOST_LOOKS else 1


def _first(stack: RunningStack) -> None:
    """All share one file for each model, which is encoded now."""
    for kind, model in _MODELS.items():
        stack.wait_for(stack.create(_prompt(kind, -1, 1), model=model), within=_PATIENCE)


def _prompt(kind: str, at: int, render: float) -> str:
    return f"a beach <{kind} {at}> [sim label=bench render={render:.0f}]"


def _measure(stack: RunningStack, video: dict[str, Any]) -> tuple[float, int]:
    """The lag in seconds, and the looks at the job before it was known to be over."""
    stack.wait_for(video, within=_PATIENCE)
    clock = stack.simulator.get("/_inspect/clock").json()
    (job,) = stack.jobs(video["prompt"])
    due = clock["now"] - (clock["sim"] - job["due_sim"]) / clock["speed"]
    blob = stack.blobs.get_blob_client("videos", f"{video['id']}/manifest.json")
    manifest = json.loads(blob.download_blob().readall())
    known = datetime.fromisoformat(manifest["timings"]["rendered_at"]).timestamp()
    seen = stack.simulator.get("/_inspect/requests").json()["by_job"][job["id"]]
    return max(0.0, known - due), seen["status"] - 1  # the last asks where the file is


if __name__ == "__main__":
    sys.exit(main())
