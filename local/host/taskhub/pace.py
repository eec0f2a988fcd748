"""How soon things happen: as early as in Azure always, as late as there only when asked."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

__all__ = ["Pace"]

_MOMENT_S = 0.001
"""Between a turn and the message of its timer some time passes, so that whole seconds are not."""


@dataclass(frozen=True)
class Pace:
    """The time that the task hub takes for its messages.

    Attributes:
        speed: simulated seconds per second, by which everything here is divided.
        like_azure: whether what waits in a queue is found by polling, and what a killed host has
            taken out of one is hidden until its time has passed.
        polling_s: the longest pause between two looks at a queue (``maxQueuePollingInterval``).
        visibility_s: for how long a message that was taken is hidden from others
            (``controlQueueVisibilityTimeout``, ``workItemQueueVisibilityTimeout``; the longer one).
    """

    speed: float = 1.0
    like_azure: bool = False
    polling_s: float = 30.0
    visibility_s: float = 300.0

    def timer(self, now: float, due: float) -> float:
        """When a timer fires: its message is hidden for whole seconds, so mostly too early."""
        whole = math.floor(max(0.0, (due - now) * self.speed - _MOMENT_S))
        late = random.uniform(0, self.polling_s) if self.like_azure else 0.0
        return now + (whole + late) / self.speed

    @property
    def hidden_s(self) -> float:
        """For how long the messages stay hidden that a killed host had taken."""
        return self.visibility_s / self.speed if self.like_azure else 0.0
