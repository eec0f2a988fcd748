"""The courier of webhooks, driven through the Durable SDK's replay code."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from tests.orchestrations.replay import Activity, Engine
from tests.orchestrations.scripts import FAULT, script
from tests.orchestrations.wire import replay

INSTANCE = "webhooks"
DONE = {"kind": "done", "seconds": 0.0}


def _wait(seconds: float) -> dict[str, Any]:
    return {"kind": "wait", "seconds": seconds}


def _run(activity: Activity, *, woken_after: float | None = None) -> Engine:
    hub = Engine({"deliver_webhooks": activity})
    if woken_after is not None:
        hub.raise_event(INSTANCE, "wake", at=hub.now + woken_after)
    hub.run("deliver_webhooks_v1", {}, INSTANCE)
    for generation in hub.generations:
        assert len(generation.history) <= 20
        for recorded, now in replay(generation):
            assert recorded == now
    return hub


def _pauses(hub: Engine) -> list[float]:
    return [later.at - earlier.at for earlier, later in itertools.pairwise(hub.calls)]


def test_it_delivers_what_is_due_and_looks_once_more_before_it_ends() -> None:
    hub = _run(script(_wait(0), _wait(30), DONE, DONE))
    assert _pauses(hub) == pytest.approx([0, 30, 60], abs=0.3)


@pytest.mark.parametrize("after", [0, 3])
def test_who_wakes_it_cuts_its_pause_short(after: float) -> None:
    hub = _run(script(_wait(300), DONE, DONE), woken_after=after)
    assert _pauses(hub) == pytest.approx([after, 60], abs=0.5)


def test_what_comes_while_it_lingers_is_delivered_at_once() -> None:
    hub = _run(script(DONE, DONE, DONE), woken_after=20)
    assert _pauses(hub) == pytest.approx([20, 60], abs=0.5)


def test_a_fault_is_tried_again_after_pauses_that_double_and_it_never_fails() -> None:
    hub = _run(script(*[FAULT] * 9, _wait(0), FAULT, DONE, DONE))
    pauses = [5, 10, 20, 40, 80, 160, 300, 300, 300, 0, 5, 60]
    assert _pauses(hub) == pytest.approx(pauses, abs=0.5)
    assert [call.payload["faults"] for call in hub.calls][:4] == [0, 1, 2, 3]
