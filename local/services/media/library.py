"""The store of inputs and finished files. Equal videos are encoded once, off the event loop."""

from __future__ import annotations

import asyncio
import hashlib
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from local.services.media.encode import EncodingCancelledError, MediaFiles, encode
from local.services.media.spec import VideoSpec

Encoder = Callable[[VideoSpec, MediaFiles, Callable[[str], Path], Callable[[], bool]], None]
"""Writes the files of a specification, as ``encode`` does."""


class MediaLibrary:
    """Files live in ``directory``, named by what they hold."""

    def __init__(self, directory: Path, encode: Encoder = encode, workers: int = 1) -> None:
        self._encode_files = encode
        self._videos = directory / "videos"
        self._inputs = directory / "inputs"
        self._videos.mkdir(parents=True, exist_ok=True)
        self._inputs.mkdir(exist_ok=True)
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="encode")
        self._closing = threading.Event()
        self._running: dict[str, asyncio.Task[None]] = {}
        self._written: dict[str, float] = {}

    def keep_input(self, data: bytes) -> str:
        """Store the bytes of an input; returns their SHA-256, by which it is found again."""
        digest = hashlib.sha256(data).hexdigest()
        path = self.input_path(digest)
        if not path.exists():
            unfinished = path.with_suffix(".part")
            unfinished.write_bytes(data)
            unfinished.replace(path)
        return digest

    def input_path(self, sha256: str) -> Path:
        """Where the input with this SHA-256 is."""
        return self._inputs / sha256

    def files(self, spec: VideoSpec) -> MediaFiles:
        """Where the files of ``spec`` are, or will be."""
        stem = self._videos / spec.key
        return MediaFiles(
            stem.with_suffix(".mp4"), stem.with_suffix(".thumbnail"), stem.with_suffix(".jpg")
        )

    def ready_at(self, specs: Iterable[VideoSpec]) -> float | None:
        """When the last of the files was written, in Unix seconds; None: not all are there."""
        latest = 0.0
        for spec in specs:
            key = spec.key
            if key not in self._written:
                try:
                    self._written[key] = self.files(spec).video.stat().st_mtime
                except FileNotFoundError:
                    return None
            latest = max(latest, self._written[key])
        return latest

    def begin(self, specs: Iterable[VideoSpec]) -> None:
        """Have the files made, unless they are there or being made."""
        for spec in specs:
            if spec.key not in self._running and self.ready_at([spec]) is None:
                task = asyncio.create_task(self._encode(spec), name=f"encode {spec.key}")
                self._running[spec.key] = task

    async def make(self, spec: VideoSpec) -> MediaFiles:
        """The files of ``spec``, once they are there."""
        self.begin([spec])
        while (task := self._running.get(spec.key)) is not None:
            await asyncio.wait([task])
        return self.files(spec)

    async def wait_until_idle(self) -> None:
        """Wait for every encoding that has begun."""
        while self._running:
            await asyncio.wait(list(self._running.values()))

    async def close(self) -> None:
        """Stop encoding; unfinished files are removed."""
        self._closing.set()
        self._pool.shutdown(wait=False, cancel_futures=True)
        tasks = list(self._running.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.to_thread(self._pool.shutdown, wait=True)

    async def _encode(self, spec: VideoSpec) -> None:
        try:
            await asyncio.get_running_loop().run_in_executor(
                self._pool,
                self._encode_files,
                spec,
                self.files(spec),
                self.input_path,
                self._closing.is_set,
            )
        except EncodingCancelledError:
            return  # the process is ending, and begins again after its restart
        finally:
            del self._running[spec.key]
