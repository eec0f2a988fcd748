"""Calls of the simulated providers to their callers' addresses, until each is answered."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable

import httpx

from local.services.clock import Clock
from local.services.database import Database
from local.services.jobs import Job, JobStore
from local.services.upstreams.base import Call, Upstream

__all__ = ["Calling"]

_TICK = 0.05  # real seconds
_TRIES = 10
_PAUSE = 5.0  # simulated seconds before a second try; then twice as long each time
_log = logging.getLogger(__name__)


class Calling:
    """A task that makes the calls that are due; what was answered is in the database."""

    def __init__(
        self,
        upstreams: Iterable[Upstream],
        store: JobStore,
        database: Database,
        clock: Clock,
        client: Callable[[], httpx.AsyncClient],
    ) -> None:
        self._upstreams = {upstream.name: upstream for upstream in upstreams}
        self._store = store
        self._database = database
        self._clock = clock
        self._client = client()
        self._task: asyncio.Task[None] | None = None
        self._tries: dict[tuple[str, str], tuple[int, float]] = {}
        self._over = {(row["job_id"], row["event"]) for row in database.rows("SELECT * FROM calls")}

    def start(self) -> None:
        """Begin; call it inside the event loop."""
        self._task = asyncio.create_task(self._run(), name="callbacks")

    async def close(self) -> None:
        """Stop; what is not answered yet is sent after the next start."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._client.aclose()

    async def _run(self) -> None:
        while True:
            for job in self._store.all():
                upstream = self._upstreams.get(job.api)
                address = job.details.get("callback")
                if upstream is None or not address:
                    continue
                for call in upstream.calls(job, upstream.state(job)):
                    await self._make(job, str(address), call)
            await asyncio.sleep(_TICK)

    async def _make(self, job: Job, address: str, call: Call) -> None:
        name = (job.id, call.event)
        tries, due = self._tries.get(name, (0, 0.0))
        if name in self._over or self._clock.sim() < due:
            return
        try:
            answer = await self._client.post(address, content=call.body, headers=dict(call.headers))
            answered = answer.is_success
        except httpx.HTTPError as error:
            _log.info("callback of %s failed: %s", job.id, type(error).__name__)
            answered = False
        if answered or tries + 1 >= _TRIES:
            self._over.add(name)
            self._database.write("INSERT OR IGNORE INTO calls VALUES (?, ?)", *name)
        else:
            self._tries[name] = (tries + 1, self._clock.sim() + _PAUSE * 2**tries)
