"""Many that listen at once: the worker's memory and processor, and how long it takes to tell all.

    python -m bench.listeners [--listeners 500] [--videos 20]

All listen to the streams of one owner, a tenth of them to all of its videos and the others to one
each, while videos are made. Beside it, the same videos with nobody listening. Ends with status 1
where the worker takes more than 300 MB, or somebody is not told of an end.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

import httpx

from bench.memory import cpu_seconds, peak_mb, reset_peak
from tests.stack import RunningStack, running_stack

MOST_MB = 300
_PATIENCE = 300.0


def main() -> int:
    """Run it and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--listeners", type=int, default=500)
    parser.add_argument("--videos", type=int, default=20)
    given = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        running_stack(Path(folder), settings={"DAILIES_MAX_STREAMS": "2000"}) as stack,
    ):
        stack.wait_for(stack.create("a first one, which loads all", model="ray-3.2"))
        rows = [
            asyncio.run(_measure(stack, number, given.videos)) for number in (0, given.listeners)
        ]
    print("Milliseconds are from the first that is told of an end to each other.\n")
    print("| listeners | worker CPU, s | a video | peak, MB | median, ms | p95, ms | not told |")
    print("|---|---|---|---|---|---|---|")
    for number, cpu, peak, lags, missed in rows:
        lag = f"{statistics.median(lags) * 1000:.0f}" if lags else ""
        p95 = f"{sorted(lags)[int(0.95 * len(lags))] * 1000:.0f}" if lags else ""
        print(
            f"| {number} | {cpu:.2f} | {cpu / given.videos:.2f} | {peak:.0f} | {lag} | {p95} "
            f"| {missed} |"
        )
    return int(any(peak > MOST_MB or missed for _, _, peak, _, missed in rows))


Measured = tuple[int, float, float, list[float], int]
Told = dict[str, list[float]]
"""When each video's end was told, by everybody who was."""


async def _measure(stack: RunningStack, number: int, videos: int) -> Measured:
    worker = stack.pids()["worker"]
    headers = {"Authorization": f"Bearer {stack.api_key}"}
    async with httpx.AsyncClient(
        base_url=stack.base_url,
        headers=headers,
        limits=httpx.Limits(max_connections=None),
        timeout=_PATIENCE,
        trust_env=False,
    ) as client:
        prompts = [f"{number} listen, {n} [sim label=bench render=1200]" for n in range(videos)]
        ids = [str(stack.create(prompt, model="ray-3.2")["id"]) for prompt in prompts]
        told: Told = {video_id: [] for video_id in ids}
        reset_peak(worker)
        before = cpu_seconds(worker)
        listening = [
            asyncio.create_task(_listen(client, None if n % 10 == 0 else ids[n % videos], told))
            for n in range(number)
        ]
        last = asyncio.create_task(_listen(client, None, told))
        _, late = await asyncio.wait([*listening, last], timeout=_PATIENCE)
        for task in late:
            task.cancel()
        cpu, peak = cpu_seconds(worker) - before, peak_mb(worker)
    lags = [at - min(all_told) for all_told in told.values() for at in all_told]
    return number, cpu, peak, lags, len(late)


async def _listen(client: httpx.AsyncClient, video_id: str | None, told: Told) -> None:
    """Until the video has ended, or all have."""
    path = "/v1/videos/events" if video_id is None else f"/v1/videos/{video_id}/events"
    left = {video_id} if video_id is not None else set(told)
    async with client.stream("GET", path) as answer:
        async for line in answer.aiter_lines():
            if line.startswith("data: "):
                video = json.loads(line.removeprefix("data: "))
                if video["status"] in ("completed", "failed") and video["id"] in told:
                    told[video["id"]].append(time.monotonic())
                    left.discard(video["id"])
            if not left:
                return


if __name__ == "__main__":
    sys.exit(main())
