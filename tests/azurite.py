"""Azurite alone, for tests of what stands on storage."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local.stack.azurite import azurite_part
from local.stack.certificates import Certificates
from local.stack.environment import Wiring, app_settings, connection_string
from local.stack.keys import Keys
from local.stack.layout import StateDir
from local.stack.options import StackOptions
from local.stack.ports import Ports
from local.stack.resources import ensure
from tests.patience import PATIENCE

__all__ = ["running_azurite"]


@contextmanager
def running_azurite(directory: Path, *, within: float = PATIENCE) -> Iterator[str]:
    """Start Azurite with the app's containers and tables; gives the connection string."""
    state = StateDir(directory)
    state.create()
    wiring = Wiring(
        keys=Keys.load_or_create(state.keys),
        ports=Ports.assign(state.ports, host_port=0),
        certificates=Certificates.load_or_create(state.tls),
    )
    part = azurite_part(state, wiring, app_settings(StackOptions(), wiring, {}), os.environ)
    with part.log.open("wb") as log:
        process = subprocess.Popen(
            part.command, env=dict(part.environment), cwd=part.cwd, stdout=log, stderr=log
        )
    try:
        ports = wiring.ports
        _wait_for(process, (ports.azurite_blob, ports.azurite_queue, ports.azurite_table), within)
        connection = connection_string(wiring)
        asyncio.run(ensure(connection))
        yield connection
    finally:
        process.kill()
        process.wait()


def _wait_for(process: subprocess.Popen[bytes], ports: tuple[int, ...], within: float) -> None:
    deadline = time.monotonic() + within
    for port in ports:
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert process.poll() is None, "Azurite ended"
            assert time.monotonic() < deadline, "Azurite does not listen"
            time.sleep(0.05)
