"""Requests that are not brought to the worker, and an app that does not wait for them."""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.local.integration.host.harness import (
    APPS,
    NEVER_BROUGHT,
    LocalHost,
    eventually,
    running_host,
)


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalHost]:
    settings = {"PYTHON_ENABLE_INIT_INDEXING": "1"}
    with running_host(APPS / "guarded", tmp_path_factory.mktemp("host"), **settings) as shared:
        yield shared


def connect(host: LocalHost, header: bytes) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", host.port), timeout=30)
    lines = (b"GET /kept HTTP/1.1", b"Host: x", b"Connection: close", header, b"", b"")
    connection.sendall(b"\r\n".join(lines))
    return connection


def answer_to(host: LocalHost, header: bytes) -> bytes:
    with connect(host, header) as connection:
        return connection.makefile("rb").read()


def test_each_is_answered_and_the_worker_lives_and_keeps_nothing(host: LocalHost) -> None:
    worker = host.status()["worker_pid"]
    kinds = [header for header in NEVER_BROUGHT.values() for _ in range(5)]
    with ThreadPoolExecutor(len(kinds)) as pool:
        answers = list(pool.map(lambda header: answer_to(host, header), kinds))
    statuses = [answer.split(b" ")[1] for answer in answers]
    assert statuses == [b"500"] * 15 + [b"503"] * 5
    assert b"not_invoked" in answers[-1]
    assert b"x-request-id" in answers[-1]
    nothing_is_left(host)
    assert host.status()["worker_pid"] == worker
    assert host.log().count('"request_never_came"') == 20


@pytest.mark.parametrize("reset", [True, False], ids=["reset", "closed"])
def test_callers_that_leave_at_once_leave_nothing(host: LocalHost, reset: bool) -> None:
    for _ in range(50):
        with connect(host, b"X: y") as connection:
            if reset:
                linger = struct.pack("ii", 1, 0)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    nothing_is_left(host)


def test_a_worker_that_is_not_known_is_served_and_the_first_invocation_says_so(
    make_host: Callable[..., LocalHost],
) -> None:
    host = make_host(APPS / "strange", PYTHON_ENABLE_INIT_INDEXING="1")
    host.start()
    # The host drops what is logged before the first invocation.
    assert "arrivals_unguarded" not in host.log()
    for _ in range(2):
        answer = host.http.get("/health")
        assert answer.json()["error"]["code"] == "configuration_error"
    (line,) = [line for line in host.log().splitlines() if "arrivals_unguarded" in line]
    assert "get_http_request_async" in line


def nothing_is_left(host: LocalHost) -> None:
    """Wait until no invocation runs and the worker keeps nothing of those that did."""
    eventually(lambda: host.invocations() == [])
    eventually(lambda: host.http.get("/kept").json() == 1)
