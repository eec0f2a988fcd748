"""When to look at a job again: soon after it is done, and seldom before.

How long a job takes is not known beforehand. What is known is what is usual for the model, and the
progress that each look brings, in jumps. From both comes an estimate of the end, and the schedule
closes in on it: each wait is a part of the time that seems to remain, so that looks are far apart
at first and dense around the estimated end. When the end does not come, the waits grow with the
delay: an estimate that was wrong by a minute is no reason to ask every second.

All of it is a pure function of what was seen, so that an orchestration can replay it.
``bench/polling.py`` shows how it compares, and is what the constants were chosen by.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from dailies.video.progress import Sighting

__all__ = ["estimated_total", "next_wait"]

_TRUSTED_FROM = 50.0
"""Percent of progress from which its estimate replaces what is usual altogether."""

_FAR_APART = 30.0
"""Points of progress between two sightings that make a pace."""

_APPROACH = 0.34
"""The part of the remaining time that one wait takes."""

_DENSE = 0.025
"""The shortest wait, as a part of the estimated whole."""

_PATIENCE = 0.2
"""The part of a delay beyond the estimate that one wait takes."""


def next_wait(
    elapsed: float,
    sightings: Sequence[Sighting],
    *,
    typical_seconds: float,
    minimum: float,
    maximum: float,
    retry_after: float | None = None,
    deadline: float | None = None,
) -> float:
    """Seconds to wait before the next look.

    Args:
        elapsed: seconds since the job was created.
        sightings: what ``seen`` has gathered; empty before the first progress.
        typical_seconds: how long such jobs usually take.
        minimum: no wait is shorter, except up to the deadline.
        maximum: no wait is longer, unless the provider asks for it.
        retry_after: seconds that the provider asks us to stay away.
        deadline: the value of ``elapsed`` at which the video is given up; the last wait ends there.
    """
    total = estimated_total(elapsed, sightings, typical_seconds)
    remaining = total - elapsed
    wait = _APPROACH * remaining if remaining > 0 else -_PATIENCE * remaining
    wait = min(max(wait, _DENSE * total, minimum), max(minimum, maximum))
    if retry_after is not None:
        wait = max(wait, retry_after)
    return wait if deadline is None else max(min(wait, deadline - elapsed), 0.0)


def estimated_total(elapsed: float, sightings: Sequence[Sighting], typical_seconds: float) -> float:
    """How long the job will have taken, in seconds, by what was seen so far.

    The newest progress over the time it took gives one estimate; the pace between the first and the
    newest progress gives another, which leaves out the queue. Neither is always the better one:
    their geometric mean is taken, once the two sightings are far enough apart. The share that it
    has against what is usual grows with the progress.
    """
    if not sightings:
        return typical_seconds
    first, newest = sightings[0], sightings[-1]
    measured = newest.elapsed * 100 / newest.progress
    risen = newest.progress - first.progress
    if risen >= _FAR_APART:
        pace = (newest.elapsed - first.elapsed) / risen
        measured = math.sqrt(measured * (newest.elapsed + (100 - newest.progress) * pace))
    trust = min(newest.progress / _TRUSTED_FROM, 1.0)
    return float(measured**trust * typical_seconds ** (1 - trust))
