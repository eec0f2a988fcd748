"""The supervisor with small processes in place of the stack's parts."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from local.stack.errors import PartFailed
from local.stack.supervisor import Supervisor
from tests.local.integration.stack.fakes import (
    CRASHING,
    SERVER,
    SERVER_WITH_CHILD,
    STUBBORN,
    alive,
    part,
)
from tests.patience import PATIENCE


class Watched:
    """A supervisor, and what it told."""

    def __init__(self) -> None:
        self.messages: list[str] = []
        self.seen: list[dict[str, int]] = []
        self.supervisor = Supervisor(
            changed=lambda: self.seen.append(self.supervisor.pids), tell=self.messages.append
        )
        self.keeping: asyncio.Task[None] | None = None

    def keep_running(self) -> None:
        self.keeping = asyncio.create_task(self.supervisor.keep_running())

    async def end(self) -> None:
        if self.keeping is not None:
            self.keeping.cancel()
        await self.supervisor.stop()


@pytest.fixture
async def watched() -> AsyncIterator[Watched]:
    watched = Watched()
    yield watched
    await watched.end()


async def eventually(condition: Callable[[], bool], within: float = PATIENCE) -> None:
    """Wait until ``condition`` holds; fail after ``within`` seconds."""
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline, "it never came to hold"
        await asyncio.sleep(0.02)


async def test_start_returns_when_every_part_is_ready(watched: Watched, tmp_path: Path) -> None:
    await watched.supervisor.start(
        [part(tmp_path, SERVER, name="one"), part(tmp_path, SERVER, name="two")]
    )
    assert set(watched.supervisor.pids) == {"one", "two"}
    assert (tmp_path / "one.pid").read_text() == str(watched.supervisor.pids["one"])


async def test_a_part_that_ends_at_once_fails_the_start_with_its_log(
    watched: Watched, tmp_path: Path
) -> None:
    with pytest.raises(PartFailed) as failure:
        await watched.supervisor.start([part(tmp_path, CRASHING)])
    assert "exit status 3" in str(failure.value)
    assert "no such table: videos" in str(failure.value)


async def test_a_part_that_never_serves_fails_the_start(watched: Watched, tmp_path: Path) -> None:
    slow = part(tmp_path, "import time; time.sleep(60)", ready_within=0.3)
    with pytest.raises(PartFailed, match=r"not ready after 0\.3 s"):
        await watched.supervisor.start([slow])


async def test_a_program_that_is_missing_fails_the_start(watched: Watched, tmp_path: Path) -> None:
    missing = replace(part(tmp_path, SERVER), command=("/nonexistent/program",))
    with pytest.raises(PartFailed, match="/nonexistent/program"):
        await watched.supervisor.start([missing])


async def test_a_killed_part_is_started_again(watched: Watched, tmp_path: Path) -> None:
    await watched.supervisor.start([part(tmp_path, SERVER)])
    watched.keep_running()
    first = watched.supervisor.pids["server"]
    os.kill(first, signal.SIGKILL)
    await eventually(lambda: watched.supervisor.pids.get("server", first) != first)
    await eventually(lambda: "running again" in watched.messages[-1])
    told = "\n".join(watched.messages)
    assert "killed by SIGKILL" in told
    assert "serving" in told, "the log's tail is part of the message"
    assert {} in watched.seen, "that it was down is told"
    assert watched.seen[-1] == watched.supervisor.pids


async def test_a_part_that_keeps_failing_is_tried_again_with_pauses(
    watched: Watched, tmp_path: Path
) -> None:
    switch = tmp_path / "broken"
    program = f"import os, sys\nif os.path.exists({str(switch)!r}): sys.exit(4)\n{SERVER}"
    await watched.supervisor.start([part(tmp_path, program)])
    watched.keep_running()
    switch.touch()
    os.kill(watched.supervisor.pids["server"], signal.SIGKILL)
    await eventually(lambda: "attempt 2 failed, next attempt in 0.25 s" in watched.messages[-1])
    switch.unlink()
    await eventually(lambda: "running again" in watched.messages[-1])


async def test_stop_lets_a_part_end_in_order(watched: Watched, tmp_path: Path) -> None:
    await watched.supervisor.start([part(tmp_path, SERVER)])
    await watched.supervisor.stop()
    assert watched.supervisor.pids == {}
    assert "ending in order" in (tmp_path / "server.log").read_text()


async def test_stop_kills_what_does_not_end(watched: Watched, tmp_path: Path) -> None:
    await watched.supervisor.start([part(tmp_path, STUBBORN, stop_within=0.2)])
    await watched.supervisor.stop()
    assert watched.supervisor.pids == {}


async def test_stop_ends_what_a_part_started(watched: Watched, tmp_path: Path) -> None:
    child = tmp_path / "child.pid"
    await watched.supervisor.start([part(tmp_path, SERVER_WITH_CHILD, child)])
    pid = int(child.read_text())
    assert alive(pid)
    await watched.supervisor.stop()
    await eventually(lambda: not alive(pid))


@pytest.mark.skipif(sys.platform != "linux", reason="asks the Linux kernel to kill orphans")
async def test_parts_die_when_the_supervisor_is_killed(tmp_path: Path) -> None:
    program = f"""
import asyncio
from pathlib import Path
from local.stack.supervisor import Supervisor
from tests.local.integration.stack.fakes import SERVER, part
async def main():
    supervisor = Supervisor(changed=lambda: None, tell=print)
    await supervisor.start([part(Path({str(tmp_path)!r}), SERVER)])
    print("up", flush=True)
    await supervisor.keep_running()
asyncio.run(main())
"""
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert parent.stdout is not None
        while b"up" not in (line := await parent.stdout.readline()):
            assert line, "the supervisor did not start"
        pid = int((tmp_path / "server.pid").read_text())
        assert alive(pid)
    finally:
        parent.kill()
        await parent.wait()
    await eventually(lambda: not alive(pid))
