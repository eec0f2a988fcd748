"""What it costs to look into a finished video and to make its pictures.

    python -m bench.derive

Videos are encoded here, of a picture that moves in every part, and looked into in a process of
their own, so that its peak of memory is the work's. Ends with status 1 when that is more than
``--at-most`` MB over the same process with FFmpeg loaded and nothing done.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import av
from PIL import Image

from bench.memory import peak_mb, reset_peak, rss_mb
from dailies.footage.examine import examine, stills
from dailies.threads import Pool
from dailies.video.basics import Variant

__all__ = ["main"]

_RATE = 30
_BITS = 12_000_000  # a second, of 1080p
_SAMPLES = (("4 s, 720p", 4, 1280, 720), ("60 s, 1080p", 60, 1920, 1080))
_PICTURES = (Variant.THUMBNAIL, Variant.SPRITESHEET)


@dataclass(slots=True)
class _FileOnDisk:
    """A ``RangeReader`` that counts what is read, as a blob would be."""

    path: Path
    read_bytes: int = 0

    @property
    def length(self) -> int:
        return self.path.stat().st_size

    async def read(self, offset: int, length: int) -> bytes:
        with self.path.open("rb") as file:
            file.seek(offset)
            data = file.read(length)
        self.read_bytes += len(data)
        return data


def _encode(path: Path, seconds: int, width: int, height: int) -> None:
    """A window that wanders over noise of all scales, at the rate of a good 1080p."""
    field = Image.effect_noise((width * 2, height * 2), 60).convert("RGB")
    chance = random.Random(1)
    for scale in (64, 16, 4):
        noise = Image.effect_noise((width * 2 // scale, height * 2 // scale), 90).convert("RGB")
        field = Image.blend(field, noise.resize(field.size, Image.Resampling.BILINEAR), 0.4)
    colours = bytes(chance.randrange(256) for _ in range(12))
    tint = Image.frombytes("RGB", (2, 2), colours).resize(field.size, Image.Resampling.BICUBIC)
    field = Image.blend(field, tint, 0.3)
    with av.open(str(path), "w", format="mp4", options={"movflags": "faststart"}) as container:
        stream = container.add_stream("libx264", rate=_RATE)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.bit_rate = _BITS * width * height // (1920 * 1080)
        stream.options = {"preset": "superfast"}
        for number in range(seconds * _RATE):
            left, top = number * 7 % width, number * 4 % height
            picture = field.crop((left, top, left + width, top + height))
            frame = av.VideoFrame.from_image(picture)  # type: ignore[no-untyped-call] # PyAV's own
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


async def _look(path: Path) -> dict[str, float]:
    """Processor seconds, MB read, and MB of memory over the idle process."""
    pool = Pool("bench", threads=1, seconds=600)
    idle = rss_mb(os.getpid())
    reset_peak(os.getpid())
    found: dict[str, float] = {}
    async with pool.place():
        for name in ("probe", "stills"):
            file = _FileOnDisk(path)
            begun, processor = time.monotonic(), _processor()
            await (examine(file, pool) if name == "probe" else stills(file, pool, _PICTURES))
            found[name] = _processor() - processor
            found[f"{name}_waited"] = time.monotonic() - begun
            found[f"{name}_read"] = file.read_bytes / 1e6
            found[f"{name}_peak"] = peak_mb(os.getpid()) - idle
    return found


def _processor() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _measured(path: Path) -> dict[str, float]:
    command = [sys.executable, "-m", "bench.derive", "--look", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    answer: dict[str, float] = json.loads(done.stdout)
    return answer


def main(given: Sequence[str] | None = None) -> int:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(prog="python -m bench.derive", description=__doc__)
    parser.add_argument("--at-most", type=float, default=96, help="MB (default: %(default)g)")
    parser.add_argument("--look", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args(given)
    if options.look is not None:
        print(json.dumps(asyncio.run(_look(options.look))))
        return 0
    worst = 0.0
    with tempfile.TemporaryDirectory(prefix="dailies-bench-") as folder:
        for name, seconds, width, height in _SAMPLES:
            path = Path(folder) / "video.mp4"
            _encode(path, seconds, width, height)
            found = _measured(path)
            print(f"{name}: {path.stat().st_size / 1e6:.1f} MB")
            for step in ("probe", "stills"):
                print(
                    f"  {step:7} {found[step]:6.2f} s of a processor, "
                    f"{found[step] / seconds:.3f} of its length; "
                    f"{found[f'{step}_read']:6.1f} MB read; peak {found[f'{step}_peak']:4.0f} MB"
                )
            worst = max(worst, found["probe_peak"], found["stills_peak"])
    print(f"peak over idle: {worst:.0f} MB (goal: at most {options.at_most:g})")
    return 0 if worst <= options.at_most else 1


if __name__ == "__main__":
    sys.exit(main())
