"""The way of a dropped batch, driven through the Durable SDK's replay code."""

from __future__ import annotations

from typing import Any

import pytest

from tests.orchestrations.replay import Activity, Engine
from tests.orchestrations.scripts import FAULT, script
from tests.orchestrations.wire import replay

DROP = {"blob": "shoot/batch.jsonl", "etag": "0x1"}
ACCEPTED = {"kind": "accepted", "video_id": "batch_1"}
WAITING = {"kind": "waiting"}
REJECTION = {"code": "invalid_batch", "message": "Line 1: …", "where": "shoot/batch.jsonl"}
REJECTED = {"kind": "rejected", "rejection": REJECTION}


def _run(*answers: Any, **activities: Activity) -> tuple[Engine, Any]:
    hub = Engine({"accept_drop": script(*answers), "reject_drop": script(None), **activities})
    payload = {"drop": DROP, "wait_seconds": 3600.0, "retry_seconds": 5.0}
    answer = hub.run("accept_batch_v1", payload, "drop_1")
    for generation in hub.generations:
        assert len(generation.history) <= 100
        for recorded, now in replay(generation):
            assert recorded == now
    return hub, answer


def test_a_batch_is_looked_at_until_it_is_whole() -> None:
    hub, answer = _run(*[WAITING] * 25, ACCEPTED)
    assert answer == ACCEPTED
    assert len(hub.calls) == 26
    assert len(hub.generations) == 3
    first, second, *_ = hub.calls
    assert second.at - first.at == pytest.approx(15, abs=0.2)
    assert all("last_call" not in call.payload for call in hub.calls)


def test_what_does_not_come_within_an_hour_is_told() -> None:
    hub, answer = _run(*[WAITING] * 240, REJECTED)
    assert answer == REJECTED
    *_, last, told = hub.calls
    assert last.payload == {**DROP, "last_call": True}
    assert told.payload == {"drop": DROP, "rejection": REJECTION}


def test_a_fault_is_tried_again_after_pauses_that_double() -> None:
    hub, answer = _run(FAULT, FAULT, ACCEPTED)
    assert answer == ACCEPTED
    at = [call.at for call in hub.calls]
    assert [at[1] - at[0], at[2] - at[1]] == pytest.approx([5, 10], abs=0.3)
