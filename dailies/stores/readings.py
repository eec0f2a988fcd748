"""What was read a moment ago, for whoever asks next."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, TypeVar

__all__ = ["Readings"]

T = TypeVar("T")


class Readings:
    """Values by key, each read anew after a time; those who ask meanwhile share one reading.

    Keys are few: nothing is ever forgotten.
    """

    def __init__(self) -> None:
        self._readings: dict[Hashable, tuple[float, asyncio.Future[Any]]] = {}

    async def get(self, key: Hashable, read: Callable[[], Awaitable[T]], *, seconds: float) -> T:
        """The value that was read in the last ``seconds``, or is being read, or is read now.

        ``read`` raises nothing: its error would be everybody's.
        """
        reading = self._readings.get(key)
        if reading is None or time.monotonic() - reading[0] > seconds:
            reading = time.monotonic(), asyncio.ensure_future(read())
            self._readings[key] = reading
        # One who goes away takes nothing from the others.
        value: T = await asyncio.shield(reading[1])
        return value
