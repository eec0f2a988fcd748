"""Ways to see that a part of the stack serves."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from local.stack.errors import PartFailed
from local.stack.ports import LOOPBACK

__all__ = ["HostStatus", "listening", "reported_ready"]


def listening(*ports: int) -> Callable[[int], Awaitable[bool]]:
    """A probe that is true when all ``ports`` accept connections."""

    async def probe(_pid: int) -> bool:
        for port in ports:
            try:
                _, writer = await asyncio.open_connection(LOOPBACK, port)
            except OSError:
                return False
            writer.close()
            try:
                await writer.wait_closed()
            except OSError:
                return False  # accepted and dropped: not up yet
        return True

    return probe


@dataclass(frozen=True)
class HostStatus:
    """What the functions host says of itself in its status file."""

    state: str
    pid: int
    worker_pid: int | None
    error: str | None

    @classmethod
    def read(cls, path: Path) -> HostStatus | None:
        """The status at ``path``; None when there is none yet."""
        try:
            stored = json.loads(path.read_text(encoding="utf-8"))
        except (FileNotFoundError, json.JSONDecodeError):  # not there, or not whole yet
            return None
        return cls(
            state=str(stored["state"]),
            pid=int(stored["pid"]),
            worker_pid=stored.get("worker_pid"),
            error=stored.get("error"),
        )


def reported_ready(status_file: Path) -> Callable[[int], Awaitable[bool]]:
    """A probe of the functions host; what an earlier process left in the file doesn't count."""

    async def probe(pid: int) -> bool:
        status = HostStatus.read(status_file)
        if status is None or status.pid != pid:
            return False
        if status.state == "error":
            raise PartFailed(f"host: the app could not be loaded: {status.error}")
        return status.state == "ready"

    return probe
