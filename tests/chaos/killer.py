"""Kills the worker and the host with SIGKILL, at random instants and at chosen ones."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections import Counter
from dataclasses import dataclass, field

from tests.chaos.clients import Ledger
from tests.stack import PartName, RunningStack

__all__ = ["Killer"]

_HOST_SHARE = 0.35
# Kills that don't wait until the parts that were killed before are up again.
_WHILE_STARTING_SHARE = 0.15
_TICK = 0.03
_LONGEST_QUIET = 2.5  # seconds without an aim before a kill at random


@dataclass
class Killer:
    """Kills ``kills`` times; ``gate`` is released in step, so that orders accompany the kills."""

    stack: RunningStack
    ledger: Ledger
    gate: threading.Semaphore
    orders: int
    kills: int
    seed: int
    counts: Counter[str] = field(default_factory=Counter)
    _struck: set[int] = field(default_factory=set)
    _dead: set[int] = field(default_factory=set)

    def run(self, placed: threading.Event) -> None:
        """Kill until both the kills are done and all orders are placed."""
        dice = random.Random(self.seed + 1)
        released = 0
        number = 0
        while number < self.kills or not placed.is_set():
            due = self.orders * (number + 2) // self.kills + 4
            while released < min(due, self.orders):
                self.gate.release()
                released += 1
            if number < self.kills:
                number += self._kill_once(dice)
            else:
                placed.wait(1)

    def _kill_once(self, dice: random.Random) -> bool:
        """Kill a part; False when it went down with the host before."""
        if dice.random() >= _WHILE_STARTING_SHARE:
            self.stack.wait_until(self.stack.healthy, what="the app answers")
        quiet_until = time.monotonic() + dice.uniform(0.2, _LONGEST_QUIET)
        part: PartName = "host" if dice.random() < _HOST_SHARE else "worker"
        share = dice.random()
        pid = self._running(part)
        aim = None
        while aim is None and time.monotonic() < quiet_until:
            aim = self._struck_now()
            time.sleep(_TICK)
        if aim is not None:
            # Within the time that the request is held open, give or take its end.
            time.sleep(self.ledger.aims[aim].hold_seconds * 1.05 * share)
            pid = self._running(part)
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            return False
        self._dead.add(pid)
        kind = self.ledger.aims[aim].aim if aim is not None else None
        when = f"{kind.name.lower()} a job was made" if kind else "at random"
        self.counts[f"{part}, {when}"] += 1
        return True

    def _struck_now(self) -> int | None:
        """An aimed request that has just reached the provider."""
        answer = self.stack.simulator.get("/_inspect/faults").raise_for_status()
        waiting = {fault["id"] for fault in answer.json()}
        with self.ledger.lock:
            struck = set(self.ledger.aims) - waiting - self._struck
        self._struck |= struck
        return max(struck, default=None)

    def _running(self, part: PartName) -> int:
        """The part's process; a part that is just starting counts."""

        def pid() -> int | None:
            info = self.stack.process.info()
            found = info.pids.get(part) if info is not None else None
            return int(found) if found and found not in self._dead else None

        return self.stack.wait_until(pid, what=f"{part} runs")
