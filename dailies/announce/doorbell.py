"""How it becomes known, within a process, that deliveries to webhooks are due."""

from __future__ import annotations

__all__ = ["Doorbell"]


class Doorbell:
    """Tells that deliveries to webhooks are due, to whoever has the engine at hand and can start
    what delivers them. What is not heard, as the process dies, the sweeper finds."""

    def __init__(self) -> None:
        self._rung = False

    def ring(self) -> None:
        """Something is due."""
        self._rung = True

    def heard(self) -> bool:
        """Whether it was rung since this was asked last."""
        rung, self._rung = self._rung, False
        return rung
