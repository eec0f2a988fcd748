"""Keys, ports, ready files and logs of a stack."""

from __future__ import annotations

import io
import json
import socket
from dataclasses import astuple, replace
from pathlib import Path

import pytest

from local.stack.console import Console, WarningTail
from local.stack.errors import StackError
from local.stack.files import tail, write_private
from local.stack.keys import Keys
from local.stack.ports import LOOPBACK, Ports
from local.stack.processes import describe_exit
from local.stack.ready import ReadyFile, StackInfo
from local.stack.supervisor import backoff

INFO = StackInfo(
    base_url="http://127.0.0.1:1",
    api_key="a",
    admin_key="b",
    storage_connection_string="c",
    simulator_url="d",
    pids={"host": 1, "worker": 2, "azurite": 3, "services": 4},
)


def test_keys_are_made_once_and_are_private(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    keys = Keys.load_or_create(path)
    assert Keys.load_or_create(path) == keys
    assert path.stat().st_mode & 0o077 == 0
    assert Keys.load_or_create(tmp_path / "other.json") != keys


def test_a_file_that_holds_no_keys_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    path.write_text("{}")
    with pytest.raises(StackError, match="remove it"):
        Keys.load_or_create(path)
    assert path.read_text() == "{}"


def test_ports_differ_and_stay_the_same(tmp_path: Path) -> None:
    path = tmp_path / "ports.json"
    ports = Ports.assign(path, host_port=0)
    assert len(set(astuple(ports))) == 6
    assert Ports.assign(path, host_port=0) == ports


def test_a_port_that_was_taken_meanwhile_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "ports.json"
    ports = Ports.assign(path, host_port=0)
    with socket.create_server((LOOPBACK, ports.azurite_blob)):
        again = Ports.assign(path, host_port=0)
    assert again.azurite_blob != ports.azurite_blob
    assert replace(again, azurite_blob=ports.azurite_blob) == ports


def test_a_chosen_port_that_is_taken_is_an_error_that_names_the_option(tmp_path: Path) -> None:
    with socket.create_server((LOOPBACK, 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(StackError, match=rf"port {port} .*--port"):
            Ports.assign(tmp_path / "ports.json", host_port=port)


def test_a_damaged_list_of_ports_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "ports.json"
    path.write_text("[not json")
    ports = Ports.assign(path, host_port=0)
    assert json.loads(path.read_text())["host"] == ports.host


def test_the_ready_file_is_written_only_when_something_changed(tmp_path: Path) -> None:
    path = tmp_path / "ready.json"
    ready = ReadyFile(path)
    ready.update(INFO)
    assert StackInfo.read(path) == INFO
    first = path.stat().st_ino
    ready.update(replace(INFO))
    assert path.stat().st_ino == first
    changed = replace(INFO, pids={**INFO.pids, "worker": None})
    ready.update(changed)
    assert StackInfo.read(path) == changed
    assert path.stat().st_mode & 0o077 == 0


def test_the_ready_file_goes_and_may_come_again(tmp_path: Path) -> None:
    path = tmp_path / "ready.json"
    ready = ReadyFile(path)
    ready.remove()
    ready.update(INFO)
    ready.remove()
    assert StackInfo.read(path) is None
    ready.update(INFO)
    assert StackInfo.read(path) == INFO


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_private(path, "old")
    with pytest.raises(UnicodeEncodeError):
        write_private(path, "\ud800")
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]
    assert path.read_text() == "old"


def test_tail_gives_the_last_lines_of_one_run(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("earlier run\none\ntwo\nthree\n")
    assert tail(log, start=len("earlier run\n"), lines=9) == "one\ntwo\nthree"
    assert tail(log, lines=2) == "two\nthree"
    assert tail(tmp_path / "none") == ""


def test_warnings_in_a_log_are_passed_on_once(tmp_path: Path) -> None:
    log = tmp_path / "host.log"
    log.write_text("ERROR from an earlier run\n")
    warnings = WarningTail("host", log)
    with log.open("a") as file:
        file.write("INFO fine\nWARNING disk nearly full\nERR")
        file.flush()
        assert warnings.read() == ["host | WARNING disk nearly full"]
        file.write("OR disk full\n")
        file.flush()
    assert warnings.read() == ["host | ERROR disk full"]
    assert warnings.read() == []


def test_warnings_are_found_in_a_log_that_was_begun_anew(tmp_path: Path) -> None:
    log = tmp_path / "host.log"
    log.write_text("x" * 1000)
    warnings = WarningTail("host", log)
    log.unlink()
    assert warnings.read() == []
    log.write_text("ERROR again\n")
    assert warnings.read() == ["host | ERROR again"]


def test_problems_go_to_standard_error() -> None:
    out, err = io.StringIO(), io.StringIO()
    console = Console(out, err)
    console.say("fine")
    console.warn("broken")
    assert (out.getvalue(), err.getvalue()) == ("fine\n", "broken\n")


def test_restarts_are_immediate_at_first_and_never_far_apart() -> None:
    pauses = [backoff(failures) for failures in range(20)]
    assert pauses[:5] == [0, 0, 0.25, 0.5, 1]
    assert pauses == sorted(pauses)
    assert pauses[-1] == 10


@pytest.mark.parametrize(
    ("status", "words"), [(0, "exit status 0"), (-9, "killed by SIGKILL"), (-99, "signal 99")]
)
def test_an_exit_is_described_in_words(status: int, words: str) -> None:
    assert words in describe_exit(status)
