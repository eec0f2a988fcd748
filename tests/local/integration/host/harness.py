"""Starts the functions host on a fixture app, and talks to it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.patience import PATIENCE

APPS = Path(__file__).parent / "apps"
ROOT = Path(__file__).resolve().parents[4]


NEVER_BROUGHT = {
    "not ASCII": b"X-Odd: caf\xc3\xa9",
    "vertical tab": b"X-Odd: a\x0bb",
    "form feed": b"X-Odd: a\x0cb",
    "another's invocation": b"x-ms-invocation-id: a",
}
"""Headers with which a request does not get from the host to its invocation in the worker."""


def eventually(probe: Callable[[], Any], patience_s: float = PATIENCE) -> Any:
    """Call `probe` until it gives something true, and return that."""
    deadline = time.monotonic() + patience_s
    while True:
        found = probe()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"nothing came of {probe} within {patience_s:g} s")
        time.sleep(0.02)


class LocalHost:
    """A host process with its own state directory."""

    def __init__(
        self, app: Path, state_dir: Path, options: Sequence[str] = (), **settings: str
    ) -> None:
        self._app = app
        self.state_dir = state_dir
        self.notes = state_dir / "notes"
        self.notes.mkdir(parents=True, exist_ok=True)
        self._status_file = state_dir / "status.json"
        self._settings = settings
        self._options = options
        self.log_file = state_dir / "host.log"
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0
        self.http = httpx.Client(timeout=30)

    def start(self, state: str = "ready") -> None:
        """Start the process and wait until the status file says `state`."""
        self._status_file.unlink(missing_ok=True)
        arguments = [
            f"--app-dir={self._app}",
            f"--port={self.port}",
            f"--state-dir={self.state_dir}",
            f"--status-file={self._status_file}",
            *self._options,
        ]
        environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith("PYTEST")},
            "NOTES_DIR": str(self.notes),
            **self._settings,
        }
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "local.host", *arguments],
                cwd=ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stderr=log,
                stdout=log,
            )
        self.wait_for(state)
        self.port = self.status()["port"]
        self.http.base_url = httpx.URL(f"http://127.0.0.1:{self.port}")

    @property
    def pid(self) -> int | None:
        """The host's own process id, while it runs."""
        return None if self._process is None else self._process.pid

    def wait_for(self, state: str) -> dict[str, Any]:
        """Wait until the status file says `state`; returns what it says."""

        def probe() -> dict[str, Any] | None:
            if self._process is not None and self._process.poll() is not None:
                raise AssertionError(f"the host ended:\n{self.log()}")
            status = self.status() if self._status_file.exists() else {}
            return status if status.get("state") == state else None

        found: dict[str, Any] = eventually(probe)
        return found

    def status(self) -> dict[str, Any]:
        """The content of the status file."""
        document: dict[str, Any] = json.loads(self._status_file.read_text())
        return document

    def log(self) -> str:
        """What the host and its worker have logged."""
        return self.log_file.read_text()

    def kill_worker(self) -> None:
        """SIGKILL the worker, if there is one at this moment."""
        pid = self.status()["worker_pid"]
        if pid is not None:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                return

    def kill(self) -> None:
        """SIGKILL the host."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def ends(self) -> int:
        """Wait until the host has ended by itself; its exit code."""
        assert self._process is not None
        return self._process.wait(PATIENCE)

    def stop(self) -> int:
        """SIGTERM the host; returns its exit code."""
        self.http.close()
        self.http = httpx.Client(timeout=30)
        if self._process is None:
            return 0
        self._process.terminate()
        code = self._process.wait(15)
        self._process = None
        return code

    # -- durable functions -----------------------------------------------------------------

    @property
    def keys(self) -> dict[str, Any]:
        """The content of keys.json."""
        document: dict[str, Any] = json.loads((self.state_dir / "keys.json").read_text())
        return document

    @property
    def master(self) -> dict[str, str]:
        """The header that opens everything."""
        return {"x-functions-key": self.keys["master"]}

    def invocations(self) -> list[dict[str, Any]]:
        """Those that have not ended."""
        answer = self.http.get("/admin/host/invocations", headers=self.master)
        listed: list[dict[str, Any]] = answer.raise_for_status().json()
        return listed

    def begin(self, name: str, argument: Any = None, instance_id: str | None = None) -> Any:
        """Start an orchestration through the app; returns its management payload."""
        query = {} if instance_id is None else {"id": instance_id}
        response = self.http.post(f"/start/{name}", json=argument, params=query)
        assert response.status_code == 202, response.text
        return response.json()

    def manage(self, operation: str, instance_id: str, argument: Any = None) -> httpx.Response:
        """Have the app carry out an operation with the SDK's client."""
        return self.http.post(f"/client/{operation}/{instance_id}", json=argument)

    def state_of(self, instance_id: str, **query: str) -> dict[str, Any]:
        """An instance's status, by the management API."""
        response = self.http.get(
            f"/runtime/webhooks/durabletask/instances/{instance_id}",
            params={"code": self.keys["systemKeys"]["durabletask_extension"], **query},
        )
        assert response.status_code in (200, 202), response.text
        document: dict[str, Any] = response.json()
        return document

    def finish(self, instance_id: str, patience_s: float = PATIENCE) -> dict[str, Any]:
        """Wait until an instance has ended; returns its status."""

        def probe() -> dict[str, Any] | None:
            state = self.state_of(instance_id)
            is_final = state["runtimeStatus"] in ("Completed", "Failed", "Terminated")
            return state if is_final else None

        found: dict[str, Any] = eventually(probe, patience_s)
        return found

    def run(self, name: str, argument: Any = None) -> dict[str, Any]:
        """Start an orchestration and wait for its end."""
        return self.finish(self.begin(name, argument)["id"])


@contextmanager
def running_host(app: Path, state_dir: Path, **settings: str) -> Iterator[LocalHost]:
    """A host on an app, ready, and ended afterwards."""
    host = LocalHost(app, state_dir, **settings)
    try:
        host.start()
        yield host
    finally:
        host.stop()
