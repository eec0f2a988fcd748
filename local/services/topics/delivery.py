"""Delivery to webhooks: at least once, with Event Grid's retry schedule in simulated time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from functools import partial

import httpx

from local.services.clock import Clock
from local.services.topics.schemas import HandshakeError, Schema
from local.services.topics.store import Delivery, TopicStore

RETRY_DELAYS = (10.0, 30.0, 60.0, 300.0, 600.0, 1800.0, 3600.0)
"""Simulated seconds before the second attempt, the third and so on; then hourly."""

MOST_ATTEMPTS = 30
TIME_TO_LIVE = 86_400.0  # simulated seconds after which an event is given up
ANSWER_TIMEOUT = 30.0  # real seconds, for the subscriber lives in real time
_SUCCESS = range(200, 205)
_AT_ONCE = 8
_HANDSHAKE_PAUSE = 1.0  # real seconds between attempts to reach a subscriber that is starting

_log = logging.getLogger(__name__)


def retry_delay(attempts: int) -> float:
    """Simulated seconds to wait after the ``attempts``-th failed attempt."""
    return RETRY_DELAYS[min(attempts, len(RETRY_DELAYS)) - 1]


class Deliverer:
    """A task that sends what is due. ``client`` makes the HTTP client."""

    def __init__(
        self,
        store: TopicStore,
        clock: Clock,
        client: Callable[[], httpx.AsyncClient],
        schema: Schema,
    ) -> None:
        self._store = store
        self._clock = clock
        self._schema = schema
        self._client = client()
        self._wake = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._consented: set[str] = set()
        self._on_the_way: dict[tuple[int, str], asyncio.Task[None]] = {}
        clock.on_advance(self._wake.set)

    def start(self, subscribers: tuple[str, ...]) -> None:
        """Begin; ``subscribers`` are asked for consent as soon as they answer at all."""
        for url in subscribers:
            self._store.add_subscriber(url)
        for url in self._store.subscribers():
            self._tasks.append(asyncio.create_task(self._win_consent(url)))
        self._tasks.append(asyncio.create_task(self._run(), name="event delivery"))

    async def close(self) -> None:
        """Stop; what was not delivered is delivered after the next start."""
        tasks = [*self._tasks, *self._on_the_way.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._client.aclose()

    def wake(self) -> None:
        """There is something new."""
        self._wake.set()

    async def subscribe(self, url: str) -> None:
        """Add a webhook that consents.

        Raises:
            HandshakeError: it does not.
        """
        await self._schema.ask(self._client, url)
        self._consented.add(url)
        self._store.add_subscriber(url)
        self._wake.set()

    def unsubscribe(self, url: str) -> None:
        """Send nothing more to a webhook."""
        self._consented.discard(url)
        self._store.remove_subscriber(url)

    async def _win_consent(self, url: str) -> None:
        while url in self._store.subscribers():
            try:
                await self._schema.ask(self._client, url)
            except HandshakeError as exc:
                _log.debug("%s; asking again", exc)
                await asyncio.sleep(_HANDSHAKE_PAUSE)
                continue
            self._consented.add(url)
            self._wake.set()
            return

    async def _run(self) -> None:
        limit = asyncio.Semaphore(_AT_ONCE)
        while True:
            self._wake.clear()
            for delivery in self._store.due(self._consented):
                key = (delivery.seq, delivery.url)
                if key not in self._on_the_way:
                    # One that takes long holds up none of the others.
                    task = asyncio.create_task(self._deliver(delivery, limit))
                    self._on_the_way[key] = task
                    task.add_done_callback(partial(self._done, key))
            await self._sleep()

    def _done(self, key: tuple[int, str], _: asyncio.Task[None]) -> None:
        self._on_the_way.pop(key, None)
        self._wake.set()

    async def _sleep(self) -> None:
        next_due = self._store.next_due(self._consented, self._on_the_way)
        seconds = None
        if next_due is not None:
            seconds = max(0.0, self._clock.real_seconds(next_due - self._clock.sim()))
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            return

    async def _deliver(self, delivery: Delivery, limit: asyncio.Semaphore) -> None:
        async with limit:
            outcome, delivered = await self._send(delivery)
        made = len(delivery.attempts) + 1
        sim = self._clock.sim()
        due = sim + retry_delay(made)
        if delivered:
            state = "delivered"
        elif made >= MOST_ATTEMPTS or due - delivery.first_sim > TIME_TO_LIVE:
            state = "given-up"
            where = delivery.url.partition("?")[0]  # the rest may hold a key
            _log.warning("event %s to %s given up", delivery.event["id"], where)
        else:
            state = "pending"
        self._store.record(delivery, outcome, state, due)

    async def _send(self, delivery: Delivery) -> tuple[str, bool]:
        try:
            answer = await self._schema.send(self._client, delivery)
        except httpx.HTTPError as exc:
            return type(exc).__name__, False
        return str(answer.status_code), answer.status_code in _SUCCESS
