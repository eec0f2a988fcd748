"""The task hub as a whole: its parts, their loops, and what wakes them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

from local.host.invocation import FunctionCaller

from .activities import ActivityDispatcher
from .entities import EntityDispatcher
from .history import EventType, new_event
from .known import KnownFunctions
from .orchestrator import OrchestratorDispatcher
from .pace import Pace
from .schema import open_database
from .store import Store
from .turn import Wakers

__all__ = ["TaskHub"]

_TIMERS_AT_ONCE = 500


class TaskHub:
    """Orchestrations, activities, timers and entities of one app.

    :param left_in_order: the host before this one has finished what it had taken.
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
        pace: Pace,
        left_in_order: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.name = name
        self.store = Store(open_database(path))
        self.functions = KnownFunctions()
        self.clock = clock
        self._caller = caller
        self._hidden_s = 0.0 if left_in_order else pace.hidden_s
        self._activities = ActivityDispatcher(
            self.store,
            caller,
            self.functions,
            clock=clock,
            wake_instance=self.wake_instance,
            concurrency=max_activities,
        )
        self._orchestrators = OrchestratorDispatcher(
            self.store,
            caller,
            self.functions,
            clock=clock,
            wake=Wakers(
                self.wake_instance, self.wake_entity, self.wake_activities, self.wake_timers
            ),
            pace=pace,
            concurrency=max_orchestrators,
        )
        self._entities = EntityDispatcher(
            self.store,
            caller,
            self.functions,
            clock=clock,
            wake_instance=self.wake_instance,
            concurrency=max_orchestrators,
        )
        self._timer_set = asyncio.Event()
        self._next_timer: float | None = None

    async def run(self) -> None:
        """Take up everything that a former run left, and work until cancelled."""
        await self._caller.wait_ready()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._take_up_what_was_left())
            group.create_task(self._orchestrators.run())
            group.create_task(self._activities.run())
            group.create_task(self._entities.run())
            group.create_task(self._fire_timers())

    async def _take_up_what_was_left(self) -> None:
        """Do what an earlier host has not done, once its messages are visible again.

        It may have taken any of them, those of timers among them: all are taken for hidden.
        """
        instances = self.store.instances_with_work()
        entities = self.store.entities_with_work()
        if self._hidden_s:
            self._activities.hide_what_is_there()
            with self.store.transaction():
                self.store.hold_timers(self.clock() + self._hidden_s)
            await asyncio.sleep(self._hidden_s)
            self._activities.take_up_what_is_hidden()
        for instance_id in instances:
            self.wake_instance(instance_id)
        for entity_id in entities:
            self.wake_entity(entity_id)

    def close(self) -> None:
        """Close the database; call after :meth:`run` has ended."""
        self.store.close()

    # -- what wakes its parts --------------------------------------------------------------

    def wake_instance(self, instance_id: str) -> None:
        """There are messages for an instance, or it is to start."""
        self._orchestrators.wake(instance_id)

    def wake_entity(self, identity: str) -> None:
        """There are operations for an entity."""
        self._entities.wake(identity)

    def wake_activities(self) -> None:
        """There are new activities."""
        self._activities.wake()

    def wake_timers(self, fire_at: float) -> None:
        """A timer was scheduled; called after its transaction."""
        if self._next_timer is None or fire_at < self._next_timer:
            self._timer_set.set()

    # -- timers ----------------------------------------------------------------------------

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
                self.wake_instance(instance_id)
            await asyncio.sleep(0)
