"""Worker and host are killed at random instants: nothing is lost, nothing counts twice."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable

from tests.local.integration.host.harness import LocalHost, eventually

ORCHESTRATIONS = 40
SEED = int(os.environ.get("CRASH_SEED", "20260101"))


def expected_output(number: int) -> int:
    return sum(number + step + 1 for step in range(3)) + 1 + 2


def test_every_orchestration_completes_once_whatever_is_killed(
    make_host: Callable[..., LocalHost],
) -> None:
    chance = random.Random(SEED)
    host = make_host()
    host.start()
    started = [host.begin("survives", n, f"s{n}")["id"] for n in range(ORCHESTRATIONS // 2)]
    for kill in range(6):
        time.sleep(chance.uniform(0.0, 0.25))
        if kill % 2:
            host.kill()
            host.start()
        else:
            host.kill_worker()
        if kill == 3:
            eventually(lambda: host.http.get("/echo/literal").status_code == 200)
            numbers = range(ORCHESTRATIONS // 2, ORCHESTRATIONS)
            started += [host.begin("survives", n, f"s{n}")["id"] for n in numbers]
    for number, instance_id in enumerate(started):
        state = host.finish(instance_id)
        assert (state["runtimeStatus"], state["output"]) == ("Completed", expected_output(number))
    eventually(lambda: host.manage("entity", "survivors").json() == [True, ORCHESTRATIONS])


def test_an_activity_whose_worker_dies_is_delivered_again_at_once(
    make_host: Callable[..., LocalHost],
) -> None:
    host = make_host()
    host.start()
    begun = host.begin("lasts", 1.0)
    notes = host.notes / "lasting"
    eventually(notes.exists)
    host.kill_worker()
    state = host.finish(begun["id"])
    assert state["output"] == "lasted"
    first, second = notes.read_text().splitlines()
    assert first != second


def test_a_timer_that_came_due_while_the_host_was_down_fires(
    make_host: Callable[..., LocalHost],
) -> None:
    host = make_host()
    host.start()
    begun = host.begin("timers", 2)
    eventually(lambda: host.state_of(begun["id"])["runtimeStatus"] == "Running")
    host.kill()
    time.sleep(1.2)
    host.start()
    assert host.finish(begun["id"])["output"] >= 1.2


def test_a_host_like_azure_finds_what_a_killed_one_had_taken_after_minutes(
    make_host: Callable[..., LocalHost],
) -> None:
    """Five of them, or five seconds at this speed; new work is not held up."""
    host = make_host(options=["--like-azure", "--speed", "60"])
    host.start()
    waiting = host.begin("timers", 2)["id"]
    taken = host.begin("lasts", 1.0)["id"]
    eventually(lambda: (host.notes / "lasting").exists())
    host.kill()
    host.start()
    began = time.monotonic()
    assert host.finish(host.begin("chain", 1)["id"])["output"] == 4
    assert time.monotonic() - began < 4
    assert host.state_of(taken)["runtimeStatus"] == "Running"
    assert host.finish(taken)["runtimeStatus"] == "Completed"
    assert host.finish(waiting)["output"] > 4
    assert time.monotonic() - began > 4
