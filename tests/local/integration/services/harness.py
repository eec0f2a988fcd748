"""The simulated services as a process, and the clients that talk to it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import httpx

from local.stack.certificates import Certificates
from tests.patience import PATIENCE

T = TypeVar("T")

SECRET = "identity-secret"
API_KEY = "sora-key"
_REPOSITORY = Path(__file__).resolve().parents[4]
_READY = re.compile(r"ready on (http://\S+) and (https://\S+)")


class ServicesProcess:
    """``python -m local.services`` on free ports; the ports stay the same over restarts."""

    def __init__(self, directory: Path, *arguments: str) -> None:
        self.state = directory / "state"
        self.certificates = Certificates.load_or_create(_made(directory / "tls"), {})
        self._arguments = arguments
        self._ports = ("0", "0")
        self._process: subprocess.Popen[str] | None = None
        self.url = ""
        self.tls_url = ""

    def start(self) -> None:
        """Start and wait until it serves."""
        command = [sys.executable, "-m", "local.services"]
        command += ["--port", self._ports[0], "--tls-port", self._ports[1]]
        command += ["--tls-cert", str(self.certificates.server)]
        command += ["--tls-key", str(self.certificates.server_key)]
        command += ["--state-dir", str(self.state), "--identity-header", SECRET]
        command += ["--sora-api-key", API_KEY, *self._arguments]
        self._process = subprocess.Popen(
            command,
            cwd=_REPOSITORY,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        match = _READY.search(line)
        assert match, f"the services did not start: {line!r}"
        self.url, self.tls_url = match.groups()
        self._ports = (self.url.rpartition(":")[2], self.tls_url.rpartition(":")[2])

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and wait for the end; returns the exit status."""
        process, self._process = self._process, None
        if process is None:
            return 0
        process.send_signal(number)
        try:
            return process.wait(PATIENCE)
        finally:
            process.kill()
            if process.stdout is not None:
                process.stdout.close()

    def client(self, *, timeout: float = 30) -> httpx.Client:
        """A client with the API key."""
        return httpx.Client(
            base_url=self.url, headers={"api-key": API_KEY}, timeout=timeout, trust_env=False
        )

    def fault(self, route: str, kind: str, **more: Any) -> None:
        """Order a fault."""
        with self.client() as client:
            order = {"route": route, "kind": kind, **more}
            client.post("/_inspect/faults", json=order).raise_for_status()

    def ask(self, path: str) -> Any:
        """The JSON that a path of ``/_inspect`` answers."""
        with self.client() as client:
            return client.get(f"/_inspect/{path}").raise_for_status().json()


def wait_until(look: Callable[[], T | None], within: float = PATIENCE) -> T:
    """Call ``look`` until it gives something true."""
    deadline = time.monotonic() + within
    while not (found := look()):
        assert time.monotonic() < deadline, f"nothing after {within:g} s"
        time.sleep(0.02)
    return found


def _made(directory: Path) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    return directory
