"""Small programs that stand in for the parts of a stack."""

from __future__ import annotations

import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from local.stack.processes import Part
from tests.patience import PATIENCE

# Writes its pid to argv[1], and a line whenever it is told to end.
SERVER = """
import os, signal, sys, time
from pathlib import Path
def end(*_):
    print("ending in order", flush=True)
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
Path(sys.argv[1]).write_text(str(os.getpid()))
print("serving", flush=True)
while True:
    time.sleep(60)
"""

# As SERVER, with a child of its own in the same group, whose pid goes to argv[2].
SERVER_WITH_CHILD = """
import os, subprocess, sys, time
from pathlib import Path
child = subprocess.Popen(["sleep", "60"])
Path(sys.argv[2]).write_text(str(child.pid))
Path(sys.argv[1]).write_text(str(os.getpid()))
time.sleep(60)
"""

STUBBORN = """
import os, signal, sys, time
from pathlib import Path
signal.signal(signal.SIGTERM, signal.SIG_IGN)
Path(sys.argv[1]).write_text(str(os.getpid()))
while True:
    time.sleep(60)
"""

CRASHING = """
import sys
print("no such table: videos", flush=True)
sys.exit(3)
"""


def wrote_its_pid(path: Path) -> Callable[[int], Awaitable[bool]]:
    """A probe: the process with this very id has written ``path``."""

    def written(pid: int) -> bool:
        return path.exists() and path.read_text() == str(pid)

    async def probe(pid: int) -> bool:
        return written(pid)

    return probe


def part(
    directory: Path,
    program: str,
    *arguments: object,
    name: str = "server",
    ready_within: float = PATIENCE,
    stop_within: float = 60,
) -> Part:
    """A part that runs ``program``, a Python text, with its pid file as the first argument."""
    pid_file = directory / f"{name}.pid"
    return Part(
        name=name,
        command=(sys.executable, "-c", program, str(pid_file), *map(str, arguments)),
        environment=dict(os.environ),
        cwd=directory,
        log=directory / f"{name}.log",
        probe=wrote_its_pid(pid_file),
        ready_within=ready_within,
        stop_within=stop_within,
    )


def alive(pid: int) -> bool:
    """Whether a process with this id exists and is not merely waiting to be reaped."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"
