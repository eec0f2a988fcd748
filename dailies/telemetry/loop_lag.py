"""How late the event loop is: all functions of a worker share it, and one that holds it holds all.

A task sleeps for a moment again and again; what it oversleeps is what anything else that was due
had to wait as well.
"""

from __future__ import annotations

import asyncio
import contextvars

from dailies.telemetry.metrics import loop_lagged

__all__ = ["watch_loop"]

_EVERY_SECONDS = 0.25

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
