"""Runs activities. An activity's row goes away in the transaction that posts its result."""

from __future__ import annotations

import asyncio
import json
import logging
from collections import deque
from collections.abc import Callable

from local.host.invocation import (
    FunctionCaller,
    FunctionFault,
    Invocation,
    InvocationResult,
    WorkerLostError,
    WorkerNotReadyError,
)

from .history import Event, EventType, new_event
from .known import KnownFunctions
from .rows import ActivityRow
from .store import Store

__all__ = ["ActivityDispatcher", "failure_details"]

_log = logging.getLogger("host.activities")


def failure_details(fault: FunctionFault) -> str:
    """The ``Details`` of a failure: Azure's host serializes an exception, the worker's in it."""
    return json.dumps(
        {
            "$type": "System.Exception, System.Private.CoreLib",
            "ClassName": "System.Exception",
            "Message": fault.text,
            "InnerException": {
                "ClassName": "Microsoft.Azure.WebJobs.Script.Workers.Rpc.RpcException",
                "Message": f"Result: Failure\nException: {fault.text}\nStack: {fault.stack}",
                "InnerException": None,
                "StackTraceString": None,
            },
            "StackTraceString": None,
        }
    )


class ActivityDispatcher:
    """Takes activities in the order of their scheduling, so many at once."""

    def __init__(
        self,
        store: Store,
        caller: FunctionCaller,
        functions: KnownFunctions,
        *,
        clock: Callable[[], float],
        wake_instance: Callable[[str], None],
        concurrency: int,
    ) -> None:
        self._store = store
        self._caller = caller
        self._functions = functions
        self._clock = clock
        self._wake_instance = wake_instance
        self._slots = asyncio.Semaphore(concurrency)
        self._work = asyncio.Event()
        self._last_id = 0
        self._again: deque[ActivityRow] = deque()
        self._hidden: list[ActivityRow] = []

    def wake(self) -> None:
        """There are new activities."""
        self._work.set()

    def hide_what_is_there(self) -> None:
        """Leave alone what an earlier host may have taken, until it is taken up."""
        self._hidden = self._store.activities()
        self._last_id = max((row.id for row in self._hidden), default=0)

    def take_up_what_is_hidden(self) -> None:
        """Its messages are visible again."""
        self._again.extend(self._hidden)
        self._hidden = []
        self._work.set()

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as group:
            while True:
                await self._slots.acquire()
                group.create_task(self._run_one(await self._next()))

    async def _next(self) -> ActivityRow:
        while True:
            if self._again:
                return self._again.popleft()
            self._work.clear()
            row = self._store.next_activity(self._last_id)
            if row is not None:
                self._last_id = row.id
                return row
            await self._work.wait()

    async def _run_one(self, row: ActivityRow) -> None:
        try:
            await self._deliver(row)
        except (WorkerLostError, WorkerNotReadyError) as error:
            _log.warning(
                "activity %s of %s is delivered again: %s", row.name, row.instance_id, error
            )
            await self._caller.wait_ready()
            self._again.append(row)
            self._work.set()
        finally:
            self._slots.release()

    async def _deliver(self, row: ActivityRow) -> None:
        function = self._functions.table.activities.get(row.name)
        if function is None:
            # It existed when it was scheduled: the app has changed since.
            fault = FunctionFault(
                "ArgumentException", f"there is no activity function {row.name!r} any more", ""
            )
            result = InvocationResult(None, b"", fault)
        else:
            call = Invocation(
                function,
                {str(function.trigger["name"]): {"type": "string"}},
                (row.input if row.input is not None else "null").encode(),
                {"instanceId": row.instance_id},
                row.traceparent,
            )
            result = await self._caller.invoke(call)
        event = self._completion(row, result)
        with self._store.transaction():
            is_posted = self._store.delete_activity(row.id) and self._store.post(
                row.instance_id, row.execution_id, event
            )
        if is_posted:
            self._wake_instance(row.instance_id)

    def _completion(self, row: ActivityRow, result: InvocationResult) -> Event:
        now = self._clock()
        if result.fault is None:
            text = result.text if result.value is not None else None
            return new_event(
                EventType.TASK_COMPLETED, now, TaskScheduledId=row.task_id, Result=text
            )
        # The app sees the message; whoever looks for the cause needs the place too.
        _log.warning("activity %s of %s failed: %s", row.name, row.instance_id, result.fault.stack)
        return new_event(
            EventType.TASK_FAILED,
            now,
            TaskScheduledId=row.task_id,
            Reason=f"Activity function '{row.name}' failed: {result.fault.text}",
            Details=failure_details(result.fault),
        )
