"""How late the loop wakes is measured."""

from __future__ import annotations

import asyncio
import contextlib
import time

import pytest

from dailies.telemetry import loop_lag
from dailies.telemetry.loop_lag import watch_loop
from tests.unit.telemetry.conftest import Seen


async def test_what_holds_the_loop_is_seen(seen: Seen, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop_lag, "_EVERY_SECONDS", 0.01)
    task = watch_loop()
    assert task in loop_lag._watching
    await asyncio.sleep(0)  # it sleeps now
    time.sleep(0.06)  # noqa: ASYNC251 - what a function does that holds the loop
    while not seen.points("dailies.loop.lag"):  # noqa: ASYNC110 - a metric has no event
        await asyncio.sleep(0.001)
    (lag,) = seen.points("dailies.loop.lag")
    assert lag.max >= 0.05
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    assert task not in loop_lag._watching
