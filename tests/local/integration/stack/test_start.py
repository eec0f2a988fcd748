"""The life of a stack: ready file, signals, and the ends that nobody wishes for."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from local.stack.layout import APP_DIR
from local.stack.ready import PART_NAMES, StackInfo
from tests.local.integration.stack.fakes import alive
from tests.patience import PATIENCE


class Running:
    """The supervisor's process, and what its ready file says."""

    def __init__(self, directory: Path) -> None:
        self.ready = directory / "ready.json"
        self._output = directory / "output"
        with self._output.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.local.integration.stack.fake_stack", str(directory)],
                cwd=APP_DIR,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    @property
    def output(self) -> str:
        return self._output.read_text()

    def info(self) -> StackInfo:
        info = StackInfo.read(self.ready)
        assert info is not None, self.output
        return info

    def pids(self) -> dict[str, int]:
        """The ids of all processes, once all run."""

        def complete() -> bool:
            info = StackInfo.read(self.ready)
            return info is not None and all(info.pids.get(name) for name in PART_NAMES)

        self.until(complete)
        return {name: int(pid) for name, pid in self.info().pids.items() if pid}

    def until(self, condition: Callable[[], bool], within: float = PATIENCE) -> None:
        deadline = time.monotonic() + within
        while not condition():
            assert time.monotonic() < deadline, self.output
            time.sleep(0.02)

    def signal(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    running = Running(tmp_path)
    try:
        yield running
    finally:
        running.process.kill()
        running.process.wait()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_every_process(running: Running, number: signal.Signals) -> None:
    pids = running.pids()
    assert all(alive(pid) for pid in pids.values())
    assert running.signal(number) == 0, running.output
    assert not any(alive(pid) for pid in pids.values())
    assert not running.ready.exists()


def test_the_ready_file_says_how_to_reach_the_stack(running: Running) -> None:
    running.pids()
    info = running.info()
    assert info.base_url.startswith("http://127.0.0.1:")
    assert info.simulator_url.startswith("http://127.0.0.1:")
    assert info.storage_connection_string.startswith("DefaultEndpointsProtocol=http;")
    assert info.api_key != info.admin_key
    running.until(lambda: info.base_url in running.output)
    assert f"export DAILIES_KEY={info.api_key}" in running.output


@pytest.mark.parametrize("name", PART_NAMES)
def test_a_part_that_is_killed_comes_back_with_a_new_id(running: Running, name: str) -> None:
    before = running.pids()
    os.kill(before[name], signal.SIGKILL)
    running.until(lambda: running.info().pids[name] not in (before[name], None))
    after = running.pids()
    unharmed = set(PART_NAMES) - {name} - ({"worker"} if name == "host" else set())
    assert {part: after[part] for part in unharmed} == {part: before[part] for part in unharmed}
    if name != "worker":  # which is the host's to restart
        assert f"{name}: ended (killed by SIGKILL)" in running.output


def test_nothing_outlives_a_supervisor_that_is_killed(running: Running) -> None:
    pids = running.pids()
    running.signal(signal.SIGKILL)
    # the worker is for its host to take along
    running.until(lambda: not any(alive(pids[name]) for name in PART_NAMES if name != "worker"))
    os.kill(pids["worker"], signal.SIGKILL)


def test_a_stack_starts_again_where_it_was_killed(running: Running, tmp_path: Path) -> None:
    os.kill(running.pids()["worker"], signal.SIGKILL)
    before = running.info()
    running.signal(signal.SIGKILL)
    again = Running(tmp_path)
    try:
        again.until(lambda: "Starting the stack" in again.output.partition("SIGKILL")[0])
        again.pids()
        after = again.info()
    finally:
        again.signal(signal.SIGTERM)
    assert (after.base_url, after.api_key) == (before.base_url, before.api_key)
    assert after.storage_connection_string == before.storage_connection_string


def test_warnings_of_the_parts_reach_the_terminal(running: Running) -> None:
    pids = running.pids()
    os.kill(pids["host"], signal.SIGKILL)  # the fake warns each time that it starts
    running.until(lambda: "host | WARNING: this host is a fake" in running.output)
