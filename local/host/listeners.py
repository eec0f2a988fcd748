"""The triggers that the host itself watches: timers, blobs, and the webhooks of Event Grid."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, TypeVar

from starlette.requests import Request
from starlette.responses import Response

from .blob_events import handle_blob_events
from .blob_trigger import MAX_ATTEMPTS, POLL_INTERVAL_S, BlobTrigger
from .config import ConfigurationError
from .eventgrid_trigger import EventGridTriggers
from .functions import Function, FunctionTable
from .invocation import FunctionCaller
from .keys import Keys
from .ncrontab import ScheduleError
from .timer_trigger import TimerTrigger
from .trigger_store import TriggerStore

__all__ = ["HostEndedError", "Listeners"]

_log = logging.getLogger("host.triggers")

T = TypeVar("T")

_VISIBLE_AGAIN_S = 600.0
"""After which time a message comes back that nobody has finished."""


class HostEndedError(Exception):
    """What ends the whole process on the real host, and so here."""


class _Listener(Protocol):
    async def run(self) -> None: ...


class Listeners:
    """Starts the listeners of an app once it is indexed, and anew when its functions change."""

    def __init__(self, caller: FunctionCaller, state_dir: Path, keys: Keys) -> None:
        self._caller = caller
        self._store = TriggerStore(state_dir / "triggers.db")
        self._keys = keys
        self._indexed: list[Function] = []
        self._changed = asyncio.Event()
        self._event_grid = EventGridTriggers(caller)
        self._blobs: list[BlobTrigger] = []
        self._timers: list[TimerTrigger] = []
        self._asked_for: set[asyncio.Task[None]] = set()

    def index(self, table: FunctionTable) -> None:
        """Take the functions of the app; unchanged ones are left alone."""
        if table.all == self._indexed:
            return
        self._indexed = table.all
        for function in table.all:
            if function.not_served:
                missing = ", ".join(function.not_served)
                _log.error(
                    "function %s will never run: the local host has no %s", function.name, missing
                )
        self._event_grid.index(table.enabled("eventGridTrigger"))
        self._blobs = _made(
            table.enabled("blobTrigger"), lambda f: BlobTrigger(f, self._caller, self._store)
        )
        self._timers = _made(
            table.enabled("timerTrigger"), lambda f: TimerTrigger(f, self._caller, self._store)
        )
        self._changed.set()

    async def run(self) -> None:
        """Listen until cancelled."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            change = asyncio.create_task(self._changed.wait())
            async with asyncio.TaskGroup() as group:
                listeners: list[_Listener] = [*self._blobs, *self._timers]
                tasks = [group.create_task(listener.run()) for listener in listeners]
                if self._blobs:
                    tasks.append(group.create_task(self._watch_strangers()))
                await change
                for task in tasks:
                    task.cancel()

    async def _watch_strangers(self) -> None:
        """End the host for a message about a function that the app does not have.

        All blob triggers of an app share one queue, and there such a message is taken as well.

        :raises HostEndedError: there is one. Its attempt counts, and it comes back later.
        """
        known = [trigger.function.name for trigger in self._blobs]
        while True:
            stranger = self._store.next_stranger(known, time.time())
            if stranger is not None:
                if self._store.begin_attempt(stranger) > MAX_ATTEMPTS:
                    self._store.delete_blob(stranger)
                    continue
                self._store.postpone(stranger, time.time() + _VISIBLE_AGAIN_S)
                raise HostEndedError(
                    f"Invalid function ID: a message is for {stranger.function!r}. Host is "
                    "shutting down"
                )
            await asyncio.sleep(POLL_INTERVAL_S)

    def run_now(self, name: str) -> bool:
        """Run a timer beside its schedule; False when there is no such timer."""
        found = [timer for timer in self._timers if timer.name == name]
        for timer in found:
            task = asyncio.create_task(timer.run_once())
            self._asked_for.add(task)
            task.add_done_callback(self._asked_for.discard)
        return bool(found)

    def close(self) -> None:
        """Close the files; call after :meth:`run` has ended."""
        self._store.close()

    # -- webhooks --------------------------------------------------------------------------

    async def answer_blobs(self, request: Request) -> Response:
        """``/runtime/webhooks/blobs``"""
        if not self._is_allowed("blobs_extension", request):
            return Response(status_code=401)
        return await handle_blob_events(request, self._blobs, self._store)

    async def answer_event_grid(self, request: Request) -> Response:
        """``/runtime/webhooks/EventGrid``"""
        if not self._is_allowed("eventgrid_extension", request):
            return Response(status_code=401)
        return await self._event_grid.handle(request)

    def _is_allowed(self, system_key: str, request: Request) -> bool:
        key = request.query_params.get("code") or request.headers.get("x-functions-key") or ""
        return self._keys.allows_system(system_key, key)


def _made(functions: list[Function], make: Callable[[Function], T]) -> list[T]:
    """The listeners that can be made; as in Azure, one that cannot leaves the others alone."""
    made = []
    for function in functions:
        try:
            made.append(make(function))
        except (ConfigurationError, ScheduleError) as error:
            _log.error("function %s will never run: %s", function.name, error)
    return made
