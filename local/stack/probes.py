"""Ways to see that a part of the stack serves."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.stack.errors import PartFailed
from local.stack.ports import LOOPBACK

__all__ = ["HostStatus", "listening", "reported_ready", "works_with_its_settings"]

_TICK = 0.1  # seconds between looks
_PATIENCE = 60.0  # seconds for the app to answer at all


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


def works_with_its_settings(port: int) -> Callable[[], Awaitable[None]]:
    """A look at the app once its host is up: with a wrong setting it answers every request by 503.

    Raises, when awaited:
        PartFailed: it does, in the app's own words, which name the setting; or nobody answers.
    """

    async def look() -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _PATIENCE
        while True:
            status, error = await _health(port)
            if error.get("code") == "configuration_error":
                raise PartFailed(f"host: the app can't work with its settings: {error['message']}")
            if status is not None and status < 500:
                return
            if loop.time() > deadline:
                raise PartFailed(f"host: GET /health gives {status} after {_PATIENCE:g} s: {error}")
            await asyncio.sleep(_TICK)

    return look


async def _health(port: int) -> tuple[int | None, dict[str, Any]]:
    """The status of ``GET /health`` and the error in the app's envelope; None if nobody answers."""
    try:
        reader, writer = await asyncio.open_connection(LOOPBACK, port)
        try:
            writer.write(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            head, _, body = (await reader.read()).partition(b"\r\n\r\n")
        finally:
            writer.close()
        status = int(head.split(b" ", 2)[1])
    except (OSError, ValueError, IndexError):  # the worker may die while it answers
        return None, {}
    try:
        error = json.loads(body)["error"]
    except (ValueError, KeyError, TypeError):
        return status, {}
    return status, error if isinstance(error, dict) else {}
