"""Ports for the stacks of tests that start at the same time."""

from __future__ import annotations

import json
import os
from dataclasses import fields
from pathlib import Path

from local.stack.ports import RANGE, Ports, pick

__all__ = ["prefer_own_ports"]

_MOST_WORKERS = 8


def prefer_own_ports(path: Path) -> None:
    """Write at ``path``, where a stack keeps its ports, some that no other worker of pytest takes.

    A stack looks for free ports, and its parts take them seconds later: of two that start at once,
    one may find its own taken. So each worker has a range for itself. A stack that had ports before
    keeps them.
    """
    if path.exists():
        return
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % _MOST_WORKERS
    size = len(RANGE) // _MOST_WORKERS
    own = RANGE[worker * size : (worker + 1) * size]
    chosen: dict[str, int] = {}
    for field in fields(Ports):
        chosen[field.name] = pick(set(chosen.values()), own)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(chosen))
