"""The task hub as a whole: its parts, their loops, and what wakes them."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Protocol

from local.host.functions import FunctionTable
from local.host.worker_process import Invocation, InvocationResult

from .actions import OrchestrationFaultError
from .activities import ActivityDispatcher
from .entities import EntityDispatcher
from .history import EventType, new_event
from .orchestrator import OrchestratorDispatcher
from .schema import open_database
from .store import Store

__all__ = ["FunctionCaller", "TaskHub", "UnknownFunctionError"]

_log = logging.getLogger("host.taskhub")

_TIMERS_AT_ONCE = 500


class FunctionCaller(Protocol):
    """What the hub needs of the worker."""

    async def wait_ready(self) -> None:
        """Wait until functions can be called."""

    async def invoke(self, call: Invocation) -> InvocationResult:
        """Call a function."""


class UnknownFunctionError(OrchestrationFaultError):
    """No function with this name and trigger exists; the message lists those that do."""


class TaskHub:
    """Orchestrations, activities, timers and entities of one app.

    :param clock: seconds since the epoch; replaced in tests.
    """

    def __init__(
        self,
        path: Path,
        caller: FunctionCaller,
        *,
        name: str,
        max_activities: int,
        max_orchestrators: int,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.name = name
        self.store = Store(open_database(path))
        self.caller = caller
        self.clock = clock
        self.functions = FunctionTable([])
        self.activities = ActivityDispatcher(self, max_activities)
        self.orchestrators = OrchestratorDispatcher(self, max_orchestrators)
        self.entities = EntityDispatcher(self, max_orchestrators)
        self._timer_set = asyncio.Event()
        self._next_timer: float | None = None

    async def run(self) -> None:
        """Take up everything that a former run left, and work until cancelled."""
        await self.caller.wait_ready()
        for instance_id in self.store.instances_with_work():
            self.orchestrators.wake(instance_id)
        for entity_id in self.store.entities_with_work():
            self.entities.wake(entity_id)
        async with asyncio.TaskGroup() as group:
            group.create_task(self.orchestrators.run())
            group.create_task(self.activities.run())
            group.create_task(self.entities.run())
            group.create_task(self._fire_timers())

    def close(self) -> None:
        """Close the database; call after :meth:`run` has ended."""
        self.store.close()

    # -- which functions there are ---------------------------------------------------------

    def check_activity(self, name: str) -> None:
        """:raises UnknownFunctionError: there is no such activity."""
        if name not in self.functions.activities:
            raise _unknown(name, "an activity", self.functions.activities)

    def check_orchestrator(self, name: str) -> None:
        """:raises UnknownFunctionError: there is no such orchestrator."""
        if name not in self.functions.orchestrators:
            raise _unknown(name, "an orchestrator", self.functions.orchestrators)

    def check_entity(self, name: str) -> None:
        """:raises UnknownFunctionError: there is no such entity."""
        if name.lower() not in self.functions.entities:
            raise _unknown(name, "an entity", self.functions.entities)

    # -- timers ----------------------------------------------------------------------------

    def timer_added(self, fire_at: float) -> None:
        """A timer was scheduled; called after its transaction."""
        if self._next_timer is None or fire_at < self._next_timer:
            self._timer_set.set()

    async def _fire_timers(self) -> None:
        while True:
            self._timer_set.clear()
            self._next_timer = self.store.next_timer()
            now = self.clock()
            if self._next_timer is None or self._next_timer > now:
                wait = None if self._next_timer is None else self._next_timer - now
                try:
                    async with asyncio.timeout(wait):
                        await self._timer_set.wait()
                except TimeoutError:
                    pass
                continue
            woken = set()
            with self.store.transaction():
                for instance_id, execution_id, timer_id, _ in self.store.take_due_timers(
                    now, _TIMERS_AT_ONCE
                ):
                    fired = new_event(EventType.TIMER_FIRED, now, TimerId=timer_id)
                    if self.store.post(instance_id, execution_id, fired):
                        woken.add(instance_id)
            for instance_id in woken:
                self.orchestrators.wake(instance_id)
            await asyncio.sleep(0)


def _unknown(name: str, article_and_kind: str, known: Iterable[str]) -> UnknownFunctionError:
    kind = article_and_kind.split(" ", 1)[1]
    names = "', '".join(sorted(known))
    return UnknownFunctionError(
        f"The function '{name}' doesn't exist, is disabled, or is not {article_and_kind} function. "
        "Additional info: "
        + (
            f"The following are the known {kind} functions: '{names}'."
            if known
            else f"No {kind} functions are currently registered!"
        )
    )
