"""A stack whose parts are small programs; run as ``python -m``, it behaves as ``start`` does."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping
from pathlib import Path

from local.stack.console import Console
from local.stack.environment import Wiring
from local.stack.layout import StateDir
from local.stack.options import StackOptions
from local.stack.probes import reported_ready
from local.stack.processes import Part
from local.stack.start import Stack
from tests.local.integration.stack.fakes import SERVER, part

# Says of itself what the functions host does, and has a worker that it starts again.
HOST = """
import json, os, signal, subprocess, sys, time
from pathlib import Path
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
status = Path(sys.argv[2])
def report(state, worker):
    new = status.with_suffix(".new")
    values = {"state": state, "pid": os.getpid(), "worker_pid": worker, "port": 1, "error": None}
    new.write_text(json.dumps(values))
    new.replace(status)
print("WARNING: this host is a fake", flush=True)
while True:
    report("starting", None)
    worker = subprocess.Popen(["sleep", "600"])
    report("ready", worker.pid)
    worker.wait()
"""


def plan(
    _options: StackOptions,
    state: StateDir,
    _wiring: Wiring,
    settings: Mapping[str, str],
    _environ: Mapping[str, str],
) -> list[list[Part]]:
    """Two servers, then the host."""
    host = part(state.root, HOST, state.host_status, name="host")
    host = Part(**{**vars(host), "probe": reported_ready(state.host_status)})
    first = [part(state.root, SERVER, name=name) for name in ("azurite", "services")]
    return [first, [host]]


async def main(directory: Path) -> int:
    state = StateDir(directory)
    state.create()
    options = StackOptions(port=0, state_dir=directory)
    with state.locked():
        return await Stack(options, state, Console(), plan=plan).run()


if __name__ == "__main__":
    sys.exit(asyncio.run(main(Path(sys.argv[1]))))
