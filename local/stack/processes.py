"""One part of the stack as an operating-system process: started, probed, ended."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from local.stack import die_with_parent
from local.stack.errors import PartFailed
from local.stack.files import tail

__all__ = ["Part", "Process", "describe_exit"]

_TICK = 0.05  # seconds between looks at a process
_LOG_LIMIT = 10 * 1024**2  # bytes; a longer log is set aside when its part starts


async def _no_action() -> None:
    return None


@dataclass(frozen=True)
class Part:
    """What to run, and how to see that it is up.

    Attributes:
        name: as in the ready file.
        command: program and arguments.
        environment: the whole environment of the process.
        cwd: its working directory.
        log: where its standard output and error go.
        probe: whether the process with the given id serves; raises ``PartFailed`` when it says
            that it never will.
        prepare: what has to be done each time that the part has come up.
        ready_within: seconds from start to ready.
        stop_within: seconds from SIGTERM to SIGKILL.
    """

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    cwd: Path
    log: Path
    probe: Callable[[int], Awaitable[bool]]
    prepare: Callable[[], Awaitable[None]] = field(default=_no_action)
    ready_within: float = 60.0
    stop_within: float = 10.0


class Process:
    """One run of a part, in a process group of its own, that dies with this process."""

    def __init__(self, part: Part) -> None:
        """Start the part.

        Raises:
            PartFailed: when the program can't be run.
        """
        self.part = part
        part.log.parent.mkdir(parents=True, exist_ok=True)
        if part.log.exists() and part.log.stat().st_size > _LOG_LIMIT:
            part.log.replace(part.log.with_suffix(".log.1"))
        with part.log.open("ab") as log:
            self._log_start = log.tell()
            try:
                self._popen = subprocess.Popen(
                    _dying_with_us(part.command),
                    env=dict(part.environment),
                    cwd=part.cwd,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    process_group=0,
                )
            except OSError as error:
                raise PartFailed(f"{part.name}: can't run {part.command[0]}: {error}") from None

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def returncode(self) -> int | None:
        """As ``subprocess.Popen.returncode``; None while the process runs."""
        return self._popen.poll()

    async def ready(self) -> None:
        """Wait until the part serves, and prepare it.

        Raises:
            PartFailed: when it ends before, says that it can't, or takes too long.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self.part.ready_within
        while not await self.part.probe(self.pid):
            if (status := self.returncode) is not None:
                raise PartFailed(self.story(f"ended before it was ready ({describe_exit(status)})"))
            if loop.time() > deadline:
                raise PartFailed(self.story(f"not ready after {self.part.ready_within:g} s"))
            await asyncio.sleep(_TICK)
        await self.part.prepare()

    async def ended(self) -> int:
        """Wait for the end of the process; its exit status, negative for a signal."""
        while (status := self.returncode) is None:  # noqa: ASYNC110 - no portable event tells
            await asyncio.sleep(_TICK)
        self._sweep()
        return status

    async def stop(self) -> None:
        """End the process and its group: SIGTERM, then SIGKILL when ``stop_within`` has passed."""
        if self.returncode is None:
            self._popen.terminate()
            loop = asyncio.get_running_loop()
            deadline = loop.time() + self.part.stop_within
            while self.returncode is None and loop.time() < deadline:  # noqa: ASYNC110 - as above
                await asyncio.sleep(_TICK)
        self.kill()

    def kill(self) -> None:
        """End the process and its group at once."""
        self._sweep()
        if self.returncode is None:
            self._popen.kill()
            self._popen.wait()

    def story(self, what: str) -> str:
        """``what`` happened to the part, with the last lines that it wrote."""
        written = tail(self.part.log, start=self._log_start)
        indented = "\n".join(f"    {line}" for line in written.splitlines())
        return f"{self.part.name}: {what}; log: {self.part.log}" + (indented and f"\n{indented}")

    def _sweep(self) -> None:
        """Kill whatever is left in the group, whose id is that of its first process."""
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):  # macOS answers so for a group of zombies
            return


def describe_exit(status: int) -> str:
    """An exit status in words: ``exit status 3`` or ``killed by SIGKILL``."""
    if status >= 0:
        return f"exit status {status}"
    try:
        return f"killed by {signal.Signals(-status).name}"
    except ValueError:
        return f"killed by signal {-status}"


def _dying_with_us(command: tuple[str, ...]) -> list[str]:
    return [sys.executable, "-I", "-S", die_with_parent.__file__, str(os.getpid()), *command]
