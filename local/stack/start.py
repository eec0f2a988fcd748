"""``python -m local start``: the stack from its first process to its last."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from local.host.keys import load_keys
from local.stack.certificates import Certificates
from local.stack.console import Console, WarningTail, banner
from local.stack.environment import (
    Wiring,
    app_settings,
    connection_string,
    write_local_settings,
)
from local.stack.keys import Keys
from local.stack.layout import DEFAULT_STATE_DIR, StateDir
from local.stack.options import StackOptions
from local.stack.parts import Plan, plan_parts
from local.stack.ports import Ports
from local.stack.probes import HostStatus
from local.stack.ready import ReadyFile, StackInfo
from local.stack.supervisor import Supervisor

__all__ = ["Stack", "run"]

_LOOK = 0.1  # seconds between looks at status files and logs


def run(options: StackOptions, console: Console | None = None) -> int:
    """Run a stack until Ctrl-C, SIGTERM or SIGHUP; a second signal ends it without grace.

    Returns:
        0, the exit status after a clean end.

    Raises:
        StackError: when the stack can't start; nothing is left running.
    """
    console = console or Console()
    state = StateDir(options.state_dir.resolve())
    state.create()
    with state.locked():
        return asyncio.run(Stack(options, state, console).run())


class Stack:
    """One stack on a state directory that this process has locked."""

    def __init__(
        self,
        options: StackOptions,
        state: StateDir,
        console: Console,
        environ: Mapping[str, str] = os.environ,
        plan: Plan = plan_parts,
    ) -> None:
        self._options = options
        self._state = state
        self._console = console
        self._environ = environ
        self._plan = plan
        self._logs: list[WarningTail] = []
        paths = {state.ready, (options.ready_file or state.ready).resolve()}
        self._ready_file = ReadyFile(*paths)
        self._supervisor = Supervisor(changed=self._publish, tell=self._tell)
        self._ready = False
        self._stopping = asyncio.Event()

    async def run(self) -> int:
        """Start, keep running until told to stop, and stop.

        Raises:
            StackError: when a part can't start.
        """
        self._ready_file.remove()  # of a stack that was killed
        self._wiring = Wiring(
            keys=Keys.load_or_create(self._state.keys),
            ports=Ports.assign(self._state.ports, host_port=self._options.port),
            certificates=Certificates.load_or_create(self._state.tls, self._environ),
        )
        self._master_key = load_keys(self._state.host).master
        hurry = self._watch_signals()
        try:
            await self._until_stopped(self._start)
            if not self._stopping.is_set():
                self._announce()
                await self._until_stopped(self._keep)
        finally:
            self._ready = False
            self._ready_file.remove()
            await self._stop(hurry)
        self._console.say("All parts have ended.")
        return 0

    async def _start(self) -> None:
        options, state, wiring = self._options, self._state, self._wiring
        settings = app_settings(options, wiring, self._environ)
        self._write_settings(settings)
        self._console.say(f"Starting the stack in {state.root}")
        for stage in self._plan(options, state, wiring, settings, self._environ):
            self._logs += [WarningTail(part.name, part.log) for part in stage]
            await self._supervisor.start(stage)

    def _announce(self) -> None:
        self._ready = True
        self._publish()
        self._console.say(banner(self._options, self._state, self._wiring))

    async def _keep(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._supervisor.keep_running())
            group.create_task(self._follow())

    async def _follow(self) -> None:
        """Pass on what changes without a process of ours ending: the worker's id, warnings."""
        reported: str | None = None
        while True:
            for log in self._logs:
                for line in log.read():
                    self._console.warn(line)
            self._publish()
            status = HostStatus.read(self._state.host_status)
            error = status.error if status is not None and status.state == "error" else None
            if error and error != reported:
                self._tell(f"host: the app could not be loaded: {error}")
            reported = error
            await asyncio.sleep(_LOOK)

    async def _until_stopped(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Run ``work`` to its end or until a signal comes, whichever is first."""
        task = asyncio.create_task(work())
        signalled = asyncio.create_task(self._stopping.wait())
        await asyncio.wait({task, signalled}, return_when=asyncio.FIRST_COMPLETED)
        signalled.cancel()
        if task.done():
            task.result()
            return
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    async def _stop(self, hurry: asyncio.Event) -> None:
        stop = asyncio.create_task(self._supervisor.stop())
        hurried = asyncio.create_task(hurry.wait())
        await asyncio.wait({stop, hurried}, return_when=asyncio.FIRST_COMPLETED)
        hurried.cancel()
        if not stop.done():
            stop.cancel()
            self._supervisor.kill()

    def _watch_signals(self) -> asyncio.Event:
        """Make the first signal stop the stack; the event returned is set by the second."""
        hurry = asyncio.Event()

        def received(number: signal.Signals) -> None:
            if self._stopping.is_set():
                hurry.set()
                return
            self._console.say(f"\n{number.name}: ending all parts (once more to end them at once)")
            self._stopping.set()

        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, received, number)
        return hurry

    def _publish(self) -> None:
        if not self._ready:
            return
        running = self._supervisor.pids
        host = running.get("host")
        status = HostStatus.read(self._state.host_status)
        current = status is not None and status.pid == host
        wiring = self._wiring
        self._ready_file.update(
            StackInfo(
                base_url=wiring.base_url,
                api_key=wiring.keys.api_key,
                admin_key=wiring.keys.admin_key,
                master_key=self._master_key,
                storage_connection_string=connection_string(wiring),
                simulator_url=wiring.simulator_url,
                pids={
                    "host": host,
                    "worker": status.worker_pid if status is not None and current else None,
                    "azurite": running.get("azurite"),
                    "services": running.get("services"),
                },
            )
        )

    def _tell(self, message: str) -> None:
        self._console.say(f"  {message}" if not self._ready else message)

    def _write_settings(self, settings: Mapping[str, str]) -> None:
        """Core Tools look into the app's directory; only the default stack writes there."""
        write_local_settings(self._state.root / "local.settings.json", settings)
        if self._state.root != (self._options.app_dir / DEFAULT_STATE_DIR).resolve():
            return
        path: Path = self._options.app_dir / "local.settings.json"
        if not write_local_settings(path, settings):
            self._console.warn(f"{path} is your own and stays as it is; `func start` will read it")
