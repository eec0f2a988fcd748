"""Memory and processor time of processes, from ``/proc`` (Linux only); MB are 10**6 bytes."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["cpu_seconds", "peak_mb", "reset_peak", "rss_mb"]

_PAGE = os.sysconf("SC_PAGE_SIZE")
_TICKS = os.sysconf("SC_CLK_TCK")


def rss_mb(pid: int) -> float:
    """Resident memory now; 0 when the process is gone."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return pages * _PAGE / 1e6


def peak_mb(pid: int) -> float:
    """The most resident memory since ``reset_peak``, or since the process began."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise RuntimeError(f"/proc/{pid}/status has no VmHWM")


def reset_peak(pid: int) -> None:
    """Count ``peak_mb`` from now on."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def cpu_seconds(pid: int) -> float:
    """Processor time of the process and its threads so far, of its own and the system's."""
    # The name of the program comes before, in brackets, and may hold spaces.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS
