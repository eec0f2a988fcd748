"""The simulated services alone, outside any stack: another resource, with a key of its own."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from local.stack.certificates import Certificates
from local.stack.layout import APP_DIR, StateDir
from local.stack.ports import Ports
from tests.patience import PATIENCE

__all__ = ["running_simulator"]


@contextmanager
def running_simulator(directory: Path, key: str, *options: str) -> Iterator[str]:
    """Start the simulated services at 60 times real speed; their URL. They take only ``key``."""
    state = StateDir(directory)
    state.create()
    ports = Ports.assign(state.ports, host_port=0)
    files = Certificates.load_or_create(state.tls)
    command = [sys.executable, "-m", "local.services", "--port", str(ports.services)]
    command += ["--tls-port", str(ports.services_tls), "--speed", "60", "--unlimited"]
    command += ["--few-frames"]
    command += ["--tls-cert", str(files.server), "--tls-key", str(files.server_key)]
    command += ["--state-dir", str(state.services), "--identity-header", "nobody-knows"]
    url = f"http://127.0.0.1:{ports.services}"
    with subprocess.Popen([*command, "--sora-api-key", key, *options], cwd=APP_DIR) as server:
        try:
            _wait_for(f"{url}/_inspect/jobs")
            yield url
        finally:
            server.terminate()


def _wait_for(url: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            httpx.get(url, trust_env=False).raise_for_status()
        except httpx.TransportError:
            assert time.monotonic() < deadline, f"{url} does not answer"
            time.sleep(0.1)
        else:
            return
