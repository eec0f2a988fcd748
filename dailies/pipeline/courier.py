"""Deliver to webhooks what is due: the work of one activity, of which one runs at a time.

Each receiver (sink) is served beside the others, and none waits for another. One that is not there
is tried less and less often, with one delivery, until it is there again; what is for it waits
meanwhile, and its time goes on. So many dead receivers cost little, and nobody's place but theirs.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace

from dailies.engine import (
    COURIER,
    InstanceState,
    Orchestrations,
    Step,
    done,
    wait,
    wake_courier,
)
from dailies.net.posting import Posted
from dailies.pipeline.crowd import for_each
from dailies.pipeline.delivering import attempt_due
from dailies.services import Services
from dailies.stores.deliveries import Due, Sink
from dailies.telemetry.logs import log_event

__all__ = ["answer_doorbell", "deliver_due", "forget_deliveries", "look_after_courier"]

_AT_ONCE = 8
"""Attempts to one receiver."""
_MOST_AT_ONCE = 64
"""Attempts to all of them."""
_MOST_DUE = 64
"""Deliveries that are read from one queue at a time."""
_RESTS = (15, 60, 120, 300, 600)
"""Seconds for which a receiver that is not there is left alone, by how often it was not."""
_WORK_SECONDS = 60.0
"""After so long, the activity only ends what it has begun, and begins no more."""
_LOOK_SECONDS = 1.0
"""Between two looks at what has become due, while something is being sent."""
_FAULT_SECONDS = 15.0
_LONGEST_RUN = 1200.0
"""Seconds for which old deliveries are forgotten; the next run goes on. A function that its host
ends for its time takes all other work of the worker along."""
_LONGEST_WAIT = 300.0
"""So that the courier finds what was handed over where nobody could wake it."""


async def deliver_due(
    services: Services,
    *,
    work_seconds: float = _WORK_SECONDS,
    draw: Callable[[], float] = random.random,
) -> Step:
    """Try all that is due; ``wait`` until more is, ``done`` when there is nothing."""
    courier = _Courier(services, draw)
    clock = asyncio.get_running_loop().time
    until = clock() + work_seconds
    try:
        while clock() < until + work_seconds:
            courier.is_ending = clock() >= until
            await courier.look()
            if not courier.serving:
                break
            await courier.wait(_LOOK_SECONDS)
    finally:
        courier.is_over = True
        await courier.wait()
    next_at = courier.next_at
    if next_at is None:
        return done()
    return wait(min(max(next_at - services.clock(), 0.0), _LONGEST_WAIT))


async def look_after_courier(services: Services, orchestrations: Orchestrations) -> bool:
    """Wake the courier where something is to be delivered and it does not run; whether it was."""
    async for _ in services.deliveries.sinks():
        if await orchestrations.state(COURIER) is InstanceState.RUNNING:
            return False
        await wake_courier(orchestrations)
        return True
    return False


async def answer_doorbell(services: Services, orchestrations: Orchestrations) -> None:
    """Wake the courier if something was handed over; the sweeper does where this can't."""
    if not services.doorbell.heard():
        return
    try:
        await wake_courier(orchestrations)
    except Exception as error:  # noqa: BLE001 - the durable client raises bare Exceptions
        log_event("courier_left_to_sweeper", reason=type(error).__name__)


async def forget_deliveries(services: Services, before: float) -> int:
    """Forget the deliveries that were begun before then and have ended, as many as one run has the
    time for; gives their number."""
    number = 0

    async def forget(old: tuple[str, str, str]) -> None:
        nonlocal number
        number += await services.deliveries.forget(*old)

    await for_each(_begun_before(services, before), forget, at_once=_AT_ONCE)
    if number:
        log_event("webhooks_forgotten", number=number)
    return number


async def _begun_before(services: Services, before: float) -> AsyncIterator[tuple[str, str, str]]:
    until = time.monotonic() + _LONGEST_RUN
    async for owner in services.records.open.owners():
        async for delivery_id, listed in services.deliveries.begun_before(owner, before):
            if time.monotonic() > until:
                return
            yield owner, delivery_id, listed


@dataclass(slots=True)
class _Known:
    """When something is due for a sink, as long as its row is the same."""

    etag: str
    next_at: float


class _Courier:
    """What is being served, and when there is more to do."""

    def __init__(self, services: Services, draw: Callable[[], float]) -> None:
        self.serving: dict[str, asyncio.Task[float]] = {}
        self.is_ending = False
        self.is_over = False
        self.next_at: float | None = None
        self._services = services
        self._draw = draw
        self._places = asyncio.Semaphore(_MOST_AT_ONCE)
        self._known: dict[str, _Known] = {}

    async def look(self) -> None:
        """Begin to serve each receiver that something is due for. Towards the end only those that
        are there: they are served in a moment."""
        now = self._services.clock()
        times: list[float] = []
        async for sink in self._services.deliveries.sinks():
            if sink.id in self.serving:
                continue
            known = self._known.get(sink.id)
            at = known.next_at if known is not None and known.etag == sink.etag else now
            at = max(at, sink.rests_until)
            if at <= now and not (self.is_ending and sink.faults):
                self.serving[sink.id] = asyncio.create_task(self._serve(sink))
            else:
                times.append(at)
        self.next_at = min(times, default=None)

    async def wait(self, seconds: float | None = None) -> None:
        """Wait until one receiver is served, or for so long; without ``seconds`` for all."""
        if not self.serving:
            return
        whole = asyncio.ALL_COMPLETED if seconds is None else asyncio.FIRST_COMPLETED
        ended, _ = await asyncio.wait(self.serving.values(), timeout=seconds, return_when=whole)
        for sink, task in list(self.serving.items()):
            if task in ended:
                del self.serving[sink]
                at = task.result()
                self.next_at = at if self.next_at is None else min(self.next_at, at)

    async def _serve(self, sink: Sink) -> float:
        """Serve one receiver; when to look at it again."""
        try:
            next_at = await self._empty(sink)
        except Exception as error:  # noqa: BLE001 - the others must not wait for it
            log_event("courier_fault", level=logging.ERROR, fault=error, sink=sink.id)
            next_at = self._services.clock() + _FAULT_SECONDS
        self._known[sink.id] = _Known(sink.etag, next_at)
        return next_at

    async def _empty(self, sink: Sink) -> float:
        """Try what is due for a receiver, until nothing is or it turns out not to be there.

        A row whose delivery is not written yet stays, for an hour where its writer has died; where
        only such rows are left, they are looked at again later.
        """
        services = self._services
        before: Sequence[Due] = ()
        while True:
            queue = await services.deliveries.queue(sink.id, services.clock(), most=_MOST_DUE)
            if not queue.due:
                if queue.next_at is not None:
                    return queue.next_at
                await services.deliveries.close(sink)
                return services.clock() + _LONGEST_WAIT
            if self.is_over:
                return services.clock()
            if queue.due == before:
                return services.clock() + _FAULT_SECONDS
            before = queue.due
            rests_until = await self._try_all(sink, queue.due)
            if rests_until is not None:
                return rests_until
            sink = replace(sink, faults=0)

    async def _try_all(self, sink: Sink, due: Sequence[Due]) -> float | None:
        """Try some deliveries, a few at a time; until when the receiver rests, None where it is
        there. One that was not there lately is asked with one delivery first."""
        left = list(due)
        faults = sink.faults
        while left:
            number = 1 if faults else _AT_ONCE
            some, left = left[:number], left[number:]
            posted = await self._try_some(some)
            if not posted:
                continue
            if all(each.is_down for each in posted):
                return await self._rest(sink, faults + 1, posted)
            if faults:
                faults = 0
                await self._services.deliveries.rest(sink, faults=0, until=0)
        return None

    async def _try_some(self, due: Sequence[Due]) -> Sequence[Posted]:
        # None is left to itself because another one went wrong.
        results = await asyncio.gather(*map(self._try, due), return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result
        return [result for result in results if isinstance(result, Posted)]

    async def _try(self, due: Due) -> Posted | None:
        async with self._places:
            return await attempt_due(self._services, due, draw=self._draw)

    async def _rest(self, sink: Sink, faults: int, posted: Sequence[Posted]) -> float:
        seconds = float(_RESTS[min(faults, len(_RESTS)) - 1])
        asked = max((each.retry_after or 0.0 for each in posted), default=0.0)
        until = self._services.clock() + max(seconds, min(asked, _RESTS[-1]))
        await self._services.deliveries.rest(sink, faults=faults, until=until)
        log_event(
            "webhook_receiver_down",
            level=logging.WARNING,
            owner=sink.owner,
            origin=sink.origin,
            times=faults,
            until=until,
        )
        return until
