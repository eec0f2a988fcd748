"""The ready file: how scripts and tests find a running stack, and its processes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from local.stack.files import write_private

__all__ = ["PART_NAMES", "ReadyFile", "StackInfo"]

PART_NAMES = ("host", "worker", "azurite", "services")


@dataclass(frozen=True)
class StackInfo:
    """The content of the ready file.

    Attributes:
        master_key: of the functions host, for its ``/admin`` routes; every host of Core Tools takes
            any. Empty in the file of an older stack.
        pids: process ids by part (``host``, ``worker``, ``azurite``, ``services``); None while a
            part is down.
    """

    base_url: str
    api_key: str
    admin_key: str
    storage_connection_string: str
    simulator_url: str
    pids: Mapping[str, int | None]
    master_key: str = ""

    @classmethod
    def read(cls, path: Path) -> StackInfo | None:
        """The content of ``path``; None when there is no such file."""
        try:
            stored: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        return cls(**stored)


class ReadyFile:
    """Keeps the ready files of one stack in step with its processes."""

    def __init__(self, *paths: Path) -> None:
        self._paths = paths
        self._written: StackInfo | None = None

    def update(self, info: StackInfo) -> None:
        """Write ``info`` where it is not there already; each file changes in one step."""
        if info == self._written:
            return
        text = json.dumps(asdict(info), indent=2) + "\n"
        for path in self._paths:
            write_private(path, text)
        self._written = info

    def remove(self) -> None:
        """Remove the files: the stack is not ready any more."""
        self._written = None
        for path in self._paths:
            path.unlink(missing_ok=True)
