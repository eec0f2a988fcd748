"""Timer triggers: run a function at the times of its schedule, never twice at once."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from datetime import UTC, datetime, timedelta

from .config import resolve_settings
from .functions import Function
from .invocation import FunctionCaller
from .ncrontab import Schedule
from .trigger_store import TriggerStore
from .worker_process import Invocation, WorkerLostError, WorkerNotReadyError

__all__ = ["TimerTrigger"]

_log = logging.getLogger("host.timers")

_MONITORED_FROM = timedelta(minutes=1)
"""More frequent schedules are not monitored, whatever their binding says."""
_LONGEST_SLEEP_S = 3600.0


class TimerTrigger:
    """One timer-triggered function."""

    def __init__(self, function: Function, caller: FunctionCaller, store: TriggerStore) -> None:
        """Read the binding.

        :raises ScheduleError: the schedule is not valid.
        :raises ConfigurationError: a ``%SETTING%`` in it does not exist.
        """
        self._function = function
        self._caller = caller
        self._store = store
        self._expression = resolve_settings(str(function.trigger["schedule"]))
        self._schedule = Schedule.parse(self._expression)
        self._runs_on_startup = bool(function.trigger.get("runOnStartup"))
        self._last: float | None = None

    async def run(self) -> None:
        """Run the function on time, until cancelled."""
        await self._caller.wait_ready()
        is_monitored = self._is_monitored()
        remembered = self._store.timer(self._function.name, self._expression)
        is_past_due = False
        if remembered is not None and is_monitored:
            self._last = remembered[0]
            is_past_due = remembered[1] < time.time()
        if is_past_due or self._runs_on_startup:
            await self._fire(is_past_due=is_past_due)
        while True:
            due = self._schedule.next_after(datetime.now(UTC))
            self._remember(due)
            await _sleep_until(due)
            await self._fire(is_past_due=False)

    @property
    def name(self) -> str:
        """Of the function."""
        return self._function.name

    async def run_once(self) -> None:
        """Run the function now, whatever its schedule."""
        await self._fire(is_past_due=False)

    def _is_monitored(self) -> bool:
        """Whether a time that was missed while the host was down is made up for."""
        if self._function.trigger.get("useMonitor") is False:
            return False
        due = self._schedule.next_after(datetime.now(UTC))
        return self._schedule.next_after(due) - due >= _MONITORED_FROM

    def _remember(self, due: datetime) -> None:
        self._store.save_timer(self._function.name, self._expression, self._last, due.timestamp())

    async def _fire(self, *, is_past_due: bool) -> None:
        now = datetime.now(UTC)
        status = {
            "Last": _iso(self._last),
            "LastUpdated": _iso(self._last),
            "Next": _iso(self._schedule.next_after(now).timestamp()),
        }
        document = {
            "Schedule": {"AdjustForDST": True},
            "ScheduleStatus": status if self._is_monitored() else {},
            "IsPastDue": is_past_due,
        }
        value = {"type": "json", "value": json.dumps(document)}
        inputs = {str(self._function.trigger["name"]): value}
        try:
            result = await self._caller.invoke(Invocation(self._function, inputs))
        except (WorkerLostError, WorkerNotReadyError) as error:
            _log.error("timer %s did not finish: %s", self._function.name, error)
            await self._caller.wait_ready()
            return
        self._last = now.timestamp()
        if result.fault is not None:
            _log.error("timer %s failed: %s", self._function.name, result.fault.type)
            for line in result.fault.stack.rstrip().splitlines():
                _log.error("  %s", line)


async def _sleep_until(due: datetime) -> None:
    """Sleep in pieces, so that a change of the system's clock is noticed."""
    left = due.timestamp() - time.time()
    while left > 0:
        await asyncio.sleep(min(left, _LONGEST_SLEEP_S))
        left = due.timestamp() - time.time()


def _iso(moment: float | None) -> str:
    if moment is None:
        return "0001-01-01T00:00:00+00:00"
    return datetime.fromtimestamp(moment, UTC).isoformat()
