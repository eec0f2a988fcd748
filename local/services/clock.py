"""Simulated time: it runs ``speed`` times as fast as the real clock, and can be moved forward.

Everything said to take "N simulated seconds" takes N/speed real seconds. Times on the wire are
always those of the real clock, because clients compare them with their own.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from local.services.database import Database


class Clock:
    """Survives a restart: simulated time goes on while the process is down, as Azure's does."""

    def __init__(
        self, database: Database, speed: float, now: Callable[[], float] = time.time
    ) -> None:
        self.speed = speed
        self._database = database
        self._now = now
        self._listeners: list[Callable[[], None]] = []
        saved = database.read_meta("clock")
        self._anchor_real = now()
        self._anchor_sim = 0.0
        if saved is not None:
            passed = max(0.0, self._anchor_real - saved["real"])
            self._anchor_sim = saved["sim"] + passed * saved["speed"]
        self._save()

    def now(self) -> float:
        """The real time in Unix seconds."""
        return self._now()

    def sim(self) -> float:
        """The simulated time, in seconds since the state directory was first used."""
        return self._anchor_sim + (self._now() - self._anchor_real) * self.speed

    def real_of(self, sim: float) -> float:
        """The real time, in Unix seconds, at which the simulated time is ``sim``."""
        return self._anchor_real + (sim - self._anchor_sim) / self.speed

    def real_seconds(self, sim_seconds: float) -> float:
        """How long ``sim_seconds`` last for someone who waits."""
        return sim_seconds / self.speed

    def advance(self, sim_seconds: float) -> None:
        """Let ``sim_seconds`` pass at once."""
        self._anchor_sim = self.sim() + sim_seconds
        self._anchor_real = self._now()
        self._save()
        for listener in self._listeners:
            listener()

    def on_advance(self, listener: Callable[[], None]) -> None:
        """Call ``listener`` whenever time was moved forward."""
        self._listeners.append(listener)

    def _save(self) -> None:
        self._database.write_meta(
            "clock", {"real": self._anchor_real, "sim": self._anchor_sim, "speed": self.speed}
        )
