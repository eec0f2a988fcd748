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
from tests.ports import prefer_own_ports

__all__ = ["running_azurite"]

_ATTEMPTS = 4


@contextmanager
def running_azurite(directory: Path, *, within: float = PATIENCE) -> Iterator[str]:
    """Start Azurite with the app's containers and tables; gives the connection string."""
    state = StateDir(directory)
    state.create()
    prefer_own_ports(state.ports)
    for attempt in range(_ATTEMPTS):
        process, wiring = _start(state)
        try:
            if not _listens(process, wiring.ports, within):
                # Of two that start at once, one may have taken the other's port.
                assert attempt + 1 < _ATTEMPTS, "Azurite ended"
                continue
            connection = connection_string(wiring)
            asyncio.run(ensure(connection))
            yield connection
        finally:
            process.kill()
            process.wait()
        return


def _start(state: StateDir) -> tuple[subprocess.Popen[bytes], Wiring]:
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
    return process, wiring


def _listens(process: subprocess.Popen[bytes], ports: Ports, within: float) -> bool:
    """Wait until it listens at all of its ports; False when it has ended instead."""
    deadline = time.monotonic() + within
    for port in (ports.azurite_blob, ports.azurite_queue, ports.azurite_table):
        while True:
            if process.poll() is not None:
                return False
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert time.monotonic() < deadline, "Azurite does not listen"
            time.sleep(0.05)
    return process.poll() is None
