"""The state of the host, told to whoever waits for it in a file and over HTTP."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

__all__ = ["State", "Status", "StatusFile"]

State = Literal["starting", "ready", "error"]


@dataclass(frozen=True)
class Status:
    """A snapshot of the host's state."""

    state: State
    pid: int
    worker_pid: int | None
    port: int
    error: str | None


class StatusFile:
    """Holds the current status and rewrites the status file at every change, atomically."""

    def __init__(self, path: Path | None, port: int) -> None:
        self._path = path
        self._status = Status("starting", os.getpid(), None, port, None)
        self._write()

    @property
    def current(self) -> Status:
        """The status now."""
        return self._status

    def change(self, state: State, worker_pid: int | None, error: str | None = None) -> None:
        """Set what a change of the worker means for the host."""
        changed = replace(self._status, state=state, worker_pid=worker_pid, error=error)
        if changed != self._status:
            self._status = changed
            self._write()

    def as_json(self) -> dict[str, Any]:
        """The document that the file holds."""
        return asdict(self._status)

    def _write(self) -> None:
        if self._path is None:
            return
        partial = self._path.with_name(f"{self._path.name}.{os.getpid()}.partial")
        partial.write_text(json.dumps(self.as_json()))
        partial.replace(self._path)
