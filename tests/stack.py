"""A running stack for tests, and what they do with it."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol, TypeVar

import httpx
import pytest
from azure.storage.blob import BlobServiceClient

from local.stack.errors import StackError
from local.stack.launch import StackProcess, without_settings
from local.stack.layout import StateDir
from local.stack.ready import PART_NAMES, StackInfo
from tests.patience import PATIENCE
from tests.ports import prefer_own_ports

__all__ = ["RunningStack", "attach_to", "attached_stack", "running_stack"]

T = TypeVar("T")
PartName = Literal["host", "worker", "azurite", "services"]
_TICK = 0.1
_LONGEST_TICK = 0.5


class StackHandle(Protocol):
    """What a ``RunningStack`` asks of whoever started it."""

    @property
    def state_dir(self) -> Path:
        """Everything that outlives the stack's processes."""

    @property
    def log(self) -> Path:
        """What the stack itself prints."""

    def info(self) -> StackInfo | None:
        """The ready file as it is now."""

    def tails(self) -> str:
        """The last lines of all logs."""


class AttachedStack:
    """A stack that somebody else has started: all that is read of theirs is the ready file."""

    def __init__(self, ready_file: Path) -> None:
        self._ready_file = ready_file
        info = self.info()
        self.tells_processes = info is not None and bool(info.pids.get("host"))
        """Not of a host that the stack has not started."""

    @property
    def state_dir(self) -> Path:
        """Not ours to read."""
        pytest.skip("the state of a stack that runs already is not read")

    @property
    def log(self) -> Path:
        """Not ours to read."""
        pytest.skip("the logs of a stack that runs already are not read")

    def info(self) -> StackInfo | None:
        """The ready file as it is now."""
        return StackInfo.read(self._ready_file)

    def tails(self) -> str:
        """Where to look."""
        return f"the logs are those of the stack of {self._ready_file}"


_attached: list[Path] = []


def attach_to(ready_file: Path) -> None:
    """Have the tests of this process use a stack that runs already (``--stack``)."""
    _attached[:] = [ready_file]


@contextmanager
def attached_stack(ready_file: Path) -> Iterator[RunningStack]:
    """A stack that runs already, which is left running.

    Raises:
        StackError: there is no such file.
    """
    handle = AttachedStack(ready_file)
    info = handle.info()
    if info is None:
        raise StackError(f"there is no {ready_file}: is the stack up?")
    stack = RunningStack(handle, info)
    try:
        yield stack
    finally:
        stack.close()


@contextmanager
def running_stack(
    state_dir: Path,
    *options: str,
    speed: float = 60,
    unlimited: bool = True,
    settings: dict[str, str] | None = None,
    own: bool = False,
    few_frames: bool = True,
) -> Iterator[RunningStack]:
    """Start a stack as a process and end it; it dies with the tests, also when they are killed.

    With ``--stack``, use that one in its place. What needs a stack of another kind is then skipped:
    one with options, with quotas, or with settings that this process does not have in its own
    environment, as the one who started the stack has given them to both.

    Args:
        options: further options of ``python -m local start``.
        settings: the app's settings (``DAILIES_…``) that differ from the stack's.
        few_frames: of a video that is made; tests of what is seen in all of them turn it off.
        own: what is done to it is for no other test: never that of ``--stack``.

    Raises:
        StackError: when it does not start, with the tail of its log.
    """
    if _attached:
        if own:
            pytest.skip("needs a stack of its own, for what it does to it")
        _skip_unless_alike(options, unlimited, settings or {})
        with attached_stack(_attached[0]) as stack:
            yield stack
        return
    arguments = ["--speed", f"{speed:g}", *(["--unlimited"] if unlimited else []), *options]
    arguments += ["--few-frames"] if few_frames else []
    environ = {**without_settings(os.environ), **(settings or {})}
    prefer_own_ports(StateDir(state_dir).ports)
    process = StackProcess(state_dir, arguments, environ=environ, start_within=PATIENCE)
    with process as info:
        stack = RunningStack(process, info)
        try:
            yield stack
        finally:
            stack.close()


def _skip_unless_alike(options: Sequence[str], unlimited: bool, settings: dict[str, str]) -> None:
    if options or not unlimited:
        pytest.skip(f"needs a stack of its own: {' '.join(options) or 'with quotas'}")
    missing = {name: value for name, value in settings.items() if os.environ.get(name) != value}
    if missing:
        wanted = " ".join(f"{name}={value}" for name, value in missing.items())
        pytest.skip(f"needs a stack with other settings (set them for both): {wanted}")


@dataclass(frozen=True)
class Faults:
    """The simulator's faults."""

    client: httpx.Client

    def add(self, route: str, kind: str, **fields: Any) -> None:
        """``POST /_inspect/faults``: e.g. ``add("create", "status", status=429, times=2)``."""
        body = {"route": route, "kind": kind, **fields}
        self.client.post("/_inspect/faults", json=body).raise_for_status()

    def clear(self) -> None:
        """``DELETE /_inspect/faults``."""
        self.client.delete("/_inspect/faults").raise_for_status()


class RunningStack:
    """A handle on a running stack.

    Attributes:
        api: an HTTP client of the app, as the owner ``local``.
        admin: the same with the admin key.
        anonymous: the same without a key.
        operator: the same with the host's master key, for ``/admin`` and ``/runtime``.
        simulator: an HTTP client of the simulated services.
        blobs: the storage account.
        faults: what the simulated services are told to do wrong.
    """

    def __init__(self, process: StackHandle, info: StackInfo) -> None:
        self.process = process
        self.base_url = info.base_url
        self.api_key = info.api_key
        self.admin_key = info.admin_key
        self.simulator_url = info.simulator_url
        self.storage_connection_string = info.storage_connection_string
        self.api = _client(info.base_url, info.api_key)
        self.admin = _client(info.base_url, info.admin_key)
        self.anonymous = _client(info.base_url)
        self.operator = _client(info.base_url)
        self.operator.headers["x-functions-key"] = info.master_key
        self.simulator = _client(info.simulator_url)
        self.faults = Faults(self.simulator)
        self.blobs = BlobServiceClient.from_connection_string(info.storage_connection_string)

    def close(self) -> None:
        """Close the clients; the process is ended by ``running_stack``."""
        for client in (self.api, self.admin, self.anonymous, self.operator, self.simulator):
            client.close()
        self.blobs.close()

    # -- processes

    def pids(self, *, within: float = PATIENCE) -> dict[str, int]:
        """The process ids of all parts, once all of them run.

        Skips the test where the ready file is of a stack whose host somebody else has started.
        """
        if isinstance(self.process, AttachedStack) and not self.process.tells_processes:
            pytest.skip("the ready file does not tell the processes of the host and its worker")

        def complete() -> dict[str, int] | None:
            info = self.process.info()
            if info is None or not all(info.pids.get(name) for name in PART_NAMES):
                return None
            return {name: int(pid) for name, pid in info.pids.items() if pid}

        return self.wait_until(complete, within=within, what="all parts run")

    def kill(self, part: PartName) -> int:
        """SIGKILL a part now, without waiting for its successor; the id that was killed."""
        pid = self.pids()[part]
        os.kill(pid, signal.SIGKILL)
        return pid

    def wait_restarted(self, part: PartName, killed: int, *, within: float = PATIENCE) -> int:
        """Wait until ``part`` runs with another id than ``killed`` and the app answers; its id."""

        def restarted() -> int | None:
            pid = self.pids(within=within)[part]
            return pid if pid != killed and self.healthy() else None

        return self.wait_until(restarted, within=within, what=f"{part} runs again")

    def healthy(self) -> bool:
        """Whether ``GET /health`` answers 200."""
        try:
            return self.anonymous.get("/health").status_code == httpx.codes.OK
        except httpx.TransportError:
            return False

    # -- videos

    def create(self, prompt: str, *, key: str | None = None, **fields: Any) -> dict[str, Any]:
        """``POST /v1/videos``; ``key`` is the ``Idempotency-Key``. Fails unless 2xx."""
        headers = {"Idempotency-Key": key} if key else {}
        body = {"model": "sora-2", "prompt": prompt, **fields}
        answer = self.api.post("/v1/videos", json=body, headers=headers)
        assert answer.is_success, f"{answer.status_code} {answer.text}"
        video: dict[str, Any] = answer.json()
        return video

    def video(self, video_id: str) -> dict[str, Any]:
        """``GET /v1/videos/{id}``. Fails unless 2xx."""
        answer = self.api.get(f"/v1/videos/{video_id}")
        assert answer.is_success, f"{answer.status_code} {answer.text}"
        video: dict[str, Any] = answer.json()
        return video

    def wait_for(self, video: str | dict[str, Any], *, within: float = PATIENCE) -> dict[str, Any]:
        """Wait until a video (or its id) is completed or failed; rides out a restarting host."""
        video_id = video if isinstance(video, str) else str(video["id"])

        def final() -> dict[str, Any] | None:
            try:
                answer = self.api.get(f"/v1/videos/{video_id}")
            except httpx.TransportError:
                return None
            if answer.status_code >= 500:
                return None
            assert answer.is_success, f"{answer.status_code} {answer.text}"
            found: dict[str, Any] = answer.json()
            return found if found["status"] in {"completed", "failed"} else None

        # It stays so: who looks less often, the longer it takes, misses nothing.
        return self.wait_until(final, within=within, what=f"{video_id} is final", growing=True)

    def drop(self, name: str, data: bytes, metadata: dict[str, str] | None = None) -> None:
        """Put a blob into the container ``references``."""
        blob = self.blobs.get_blob_client("references", name)
        blob.upload_blob(data, overwrite=True, metadata=metadata)

    # -- what the simulated services saw

    def jobs(self, prompt: str | None = None) -> list[dict[str, Any]]:
        """Every upstream job ever created, in order; only those of ``prompt`` when given."""
        answer = self.simulator.get("/_inspect/jobs").raise_for_status()
        jobs: list[dict[str, Any]] = answer.json()
        return [job for job in jobs if prompt is None or prompt in str(job.get("prompt"))]

    def events(self, video_id: str | None = None, kind: str | None = None) -> list[dict[str, Any]]:
        """CloudEvents that the topic took, in order; ``kind`` is e.g. ``completed``."""
        answer = self.simulator.get("/_inspect/events").raise_for_status()
        events: list[dict[str, Any]] = [entry["event"] for entry in answer.json()]
        return [
            event
            for event in events
            if (video_id is None or event.get("subject") == f"/videos/{video_id}")
            and (kind is None or event["type"] == f"dailies.video.{kind}")
        ]

    def wait_for_event(
        self, video_id: str, kind: str, *, within: float = PATIENCE
    ) -> dict[str, Any]:
        """Wait until the topic took an event of ``kind`` about the video; the first such."""
        return self.wait_until(
            lambda: self.events(video_id, kind), within=within, what=f"{kind} of {video_id}"
        )[0]

    def wait_until(
        self,
        look: Callable[[], T | None],
        *,
        within: float = PATIENCE,
        what: str,
        growing: bool = False,
    ) -> T:
        """Call ``look`` until it gives something; fail with all logs' tails after ``within`` s.

        Args:
            growing: look less and less often, each time after a tenth of what was waited so far.
        """
        begun = time.monotonic()
        deadline = begun + within
        while not (found := look()):
            assert time.monotonic() < deadline, (
                f"not so after {within:g} s: {what}\n{self.process.tails()}"
            )
            waited = time.monotonic() - begun
            time.sleep(min(max(_TICK, waited / 10), _LONGEST_TICK) if growing else _TICK)
        return found


def _client(base_url: str, key: str | None = None) -> httpx.Client:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    # No proxy of the user's: all of it is on this machine.
    return httpx.Client(base_url=base_url, headers=headers, timeout=60, trust_env=False)
