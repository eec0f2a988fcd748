"""Ports for the stacks of tests that start at the same time."""

from __future__ import annotations

import json
import os
import random
from dataclasses import fields
from pathlib import Path

from local.stack.ports import Ports, is_free

__all__ = ["prefer_own_ports"]

_LOWEST, _HIGHEST = 15_000, 32_000
_MOST_WORKERS = 8
_ATTEMPTS = 500


def prefer_own_ports(path: Path) -> None:
    """Write at ``path``, where a stack keeps its ports, some that no other worker of pytest takes.

    A stack looks for free ports, and its parts take them seconds later: of two that start at once,
    one may find its own taken. So each worker has a range for itself. A stack that had ports before
    keeps them.
    """
    if path.exists():
        return
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
    size = (_HIGHEST - _LOWEST) // _MOST_WORKERS
    lowest = _LOWEST + int(worker) % _MOST_WORKERS * size
    chosen: dict[int, None] = {}
    for _ in range(_ATTEMPTS):
        port = random.randrange(lowest, lowest + size)
        if is_free(port):
            chosen[port] = None
        if len(chosen) == len(fields(Ports)):
            break
    names = (field.name for field in fields(Ports))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(dict(zip(names, chosen, strict=False))))
