"""How late the event loop is: all functions of a worker share it, and one that holds it holds all.

A task sleeps for a moment again and again; what it oversleeps is what anything else that was due
had to wait as well.
"""

from __future__ import annotations

import asyncio
import contextvars
import functools

from opentelemetry.metrics import Histogram, Meter

from dailies.telemetry.providers import meter

__all__ = ["loop_lagged", "watch_loop"]

_EVERY_SECONDS = 0.25
# Seconds. A loop that is well wakes within milliseconds; no request may hold it for a tenth of one.
_MOMENTS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)

_watching: set[asyncio.Task[None]] = set()  # a task that nobody holds may be collected


def watch_loop() -> asyncio.Task[None]:
    """Measure the running loop until it ends, or the task is cancelled."""
    # In no context: it belongs to no invocation, and to no trace.
    task = asyncio.get_running_loop().create_task(_watch(), context=contextvars.Context())
    _watching.add(task)
    task.add_done_callback(_watching.discard)
    return task


async def _watch() -> None:
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + _EVERY_SECONDS
        await asyncio.sleep(_EVERY_SECONDS)
        loop_lagged(loop.time() - due)


def loop_lagged(seconds: float) -> None:
    """The event loop woke so late; a clock that is not exact enough to say so counts as zero."""
    _made_by(meter()).record(max(0.0, seconds))


@functools.lru_cache(maxsize=1)
def _made_by(source: Meter) -> Histogram:
    return source.create_histogram(
        "dailies.loop.lag",
        "s",
        "How late the event loop wakes.",
        explicit_bucket_boundaries_advisory=list(_MOMENTS),
    )
