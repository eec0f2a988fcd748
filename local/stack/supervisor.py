"""Keeps the parts running: notices a death, says so, starts the part again, ends all in order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import NoReturn

from local.stack.errors import PartFailed
from local.stack.processes import Part, Process, describe_exit

__all__ = ["Supervisor", "backoff"]

_LONGEST_PAUSE = 10.0


def backoff(failures: int) -> float:
    """Seconds to wait before a part is started again.

    Args:
        failures: how often in a row it ended without having been ready. A part that was ready is
            started again at once; so is one that failed for the first time.
    """
    return 0.0 if failures < 2 else min(0.25 * 2 ** (failures - 2), _LONGEST_PAUSE)


class Supervisor:
    """The processes of one stack.

    Args:
        changed: called whenever the ids of the processes may have changed.
        tell: called with a message for the user.
    """

    def __init__(self, *, changed: Callable[[], None], tell: Callable[[str], None]) -> None:
        self._changed = changed
        self._tell = tell
        self._processes: dict[str, Process] = {}
        self._order: list[str] = []

    @property
    def pids(self) -> dict[str, int]:
        """The ids of the processes that run, by the names of their parts."""
        return {
            name: process.pid
            for name, process in self._processes.items()
            if process.returncode is None
        }

    async def start(self, parts: Sequence[Part]) -> None:
        """Start ``parts`` side by side and wait until each is ready.

        Raises:
            PartFailed: when one of them is not; call ``stop`` then.
        """
        for part in parts:
            self._processes[part.name] = Process(part)
            self._order.append(part.name)
        try:
            async with asyncio.TaskGroup() as group:
                for part in parts:
                    group.create_task(self._await_ready(self._processes[part.name]))
        except* PartFailed as errors:
            raise errors.exceptions[0] from None

    async def keep_running(self) -> NoReturn:
        """Watch all started parts, and restart those that end, until cancelled."""
        async with asyncio.TaskGroup() as group:
            for name in self._order:
                group.create_task(self._keep(name))
        raise AssertionError("a part's watch ended by itself")

    async def stop(self) -> None:
        """End all parts: the last started first, as each uses those before it."""
        for name in reversed(self._order):
            await self._processes[name].stop()

    def kill(self) -> None:
        """End all parts at once."""
        for process in self._processes.values():
            process.kill()

    async def _await_ready(self, process: Process) -> None:
        loop = asyncio.get_running_loop()
        begun = loop.time()
        await process.ready()
        self._tell(f"{process.part.name}: ready after {loop.time() - begun:.1f} s")

    async def _keep(self, name: str) -> NoReturn:
        process = self._processes[name]
        while True:
            status = await process.ended()
            self._changed()
            self._tell(f"{process.story(f'ended ({describe_exit(status)})')}\n{name}: restarting")
            process = await self._restart(process.part)
            self._tell(f"{name}: running again (process {process.pid})")

    async def _restart(self, part: Part) -> Process:
        failures = 0
        while True:
            await asyncio.sleep(backoff(failures))
            try:
                process = self._processes[part.name] = Process(part)
                self._changed()
                await process.ready()
            except PartFailed as error:
                self._processes[part.name].kill()
                failures += 1
                pause = f", next attempt in {backoff(failures):g} s"
                self._tell(f"{error}\n{part.name}: attempt {failures} failed{pause}")
            else:
                self._changed()
                return process
