"""A batch's turns, driven through the Durable SDK's replay code."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from tests.orchestrations.replay import Activity, Engine
from tests.orchestrations.scripts import FAULT, script
from tests.orchestrations.wire import replay

INSTANCE = "batch_1"
INPUT = {"id": INSTANCE, "owner": "alice", "traceparent": None, "retry_seconds": 5.0}
REST = {"kind": "rest"}


def _wait(seconds: float) -> dict[str, Any]:
    return {"kind": "wait", "seconds": seconds}


def _run(activity: Activity, *, woken_after: float | None = None) -> Engine:
    hub = Engine({"tend_batch": activity})
    if woken_after is not None:
        hub.raise_event(INSTANCE, "wake", at=hub.now + woken_after)
    hub.run("run_batch_v1", INPUT, INSTANCE)
    for generation in hub.generations:
        assert len(generation.history) <= 100
        for recorded, now in replay(generation):
            assert recorded == now
    return hub


def test_turns_are_taken_until_the_batch_is_at_rest() -> None:
    hub = _run(script(_wait(0), _wait(30), REST))
    first, second, third = hub.calls
    assert second.at - first.at < 1
    assert third.at - second.at == pytest.approx(30, abs=0.2)
    assert first.payload == {"id": INSTANCE, "owner": "alice", "traceparent": None}


def test_the_history_stays_small_however_long_a_batch_takes() -> None:
    hub = _run(script(*[_wait(5)] * 40, REST))
    assert len(hub.calls) == 41
    assert len(hub.generations) == 5


def test_a_turn_that_fails_is_taken_again_after_pauses_that_double() -> None:
    hub = _run(script(FAULT, FAULT, FAULT, _wait(0), FAULT, REST))
    at = [call.at for call in hub.calls]
    pauses = [later - earlier for earlier, later in itertools.pairwise(at)]
    assert pauses == pytest.approx([5, 10, 20, 0, 5], abs=0.3)


@pytest.mark.parametrize("after", [0, 3])
def test_who_wakes_it_cuts_its_pause_short(after: float) -> None:
    hub = _run(script(_wait(30), REST), woken_after=after)
    first, second = hub.calls
    assert second.at - first.at == pytest.approx(after, abs=0.5)
