"""What was seen of a job's progress."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Sighting", "seen"]


@dataclass(frozen=True, slots=True)
class Sighting:
    """A progress that was new when it was seen.

    Attributes:
        elapsed: seconds since the job was created.
        progress: percent, 0 to 100.
    """

    elapsed: float
    progress: float


def seen(sightings: Sequence[Sighting], elapsed: float, progress: float) -> tuple[Sighting, ...]:
    """The sightings with another look added: at most two, the first progress and the newest.

    Looks that show nothing new change nothing, and so does a progress that goes back.
    """
    if progress <= 0 or (sightings and progress <= sightings[-1].progress):
        return tuple(sightings)
    return (*sightings[:1], Sighting(elapsed, progress))
