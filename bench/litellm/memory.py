"""How far the memory of processes rises above where it was (Linux: from ``/proc``)."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

__all__ = ["Growth", "family", "resident"]

_TICK = 0.02
_PAGE = os.sysconf("SC_PAGE_SIZE")


def family(pid: int) -> list[int]:
    """A process and all its descendants."""
    found = [pid]
    for parent in found:
        for children in Path(f"/proc/{parent}/task").glob("*/children"):
            found += [int(child) for child in children.read_text().split()]
    return found


def resident(pids: Sequence[int]) -> int:
    """Bytes of resident memory of all together (pages they share count for each)."""
    return sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in pids) * _PAGE


class Growth:
    """A context manager that watches the resident memory of processes from a thread.

    Args:
        before: bytes, of a moment that all rounds are compared with: what a process has taken in
            one round it may keep for the next.

    Attributes:
        bytes: the highest rise above ``before``; 0 when it never rose.
    """

    def __init__(self, pids: Sequence[int], before: int) -> None:
        self._pids = pids
        self._before = before
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.bytes = 0

    def _watch(self) -> None:
        while not self._over.wait(_TICK):
            self._look()

    def _look(self) -> None:
        self.bytes = max(self.bytes, resident(self._pids) - self._before)

    def __enter__(self) -> Growth:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._over.set()
        self._thread.join()
        if kind is None:
            self._look()
