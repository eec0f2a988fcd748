"""The way of a dropped image, driven through the Durable SDK's replay code."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from tests.orchestrations.replay import Activity, Engine, OrchestrationFailed
from tests.orchestrations.scripts import FAULT, script
from tests.orchestrations.wire import replay

INSTANCE = "drop_1"
DROP = {"blob": "cats/a.png", "etag": "0x1"}
ACCEPTED = {"kind": "accepted", "video_id": "video_1"}
WAITING = {"kind": "waiting"}
REJECTION = {"code": "missing_prompt", "message": "Write one.", "where": "cats/a.png"}
REJECTED = {"kind": "rejected", "rejection": REJECTION}


def _hub(**activities: Activity) -> Engine:
    return Engine({"accept_drop": script(ACCEPTED), "reject_drop": script(None), **activities})


def _run(hub: Engine, wait_seconds: float = 60.0) -> Any:
    payload = {"drop": DROP, "wait_seconds": wait_seconds, "retry_seconds": 5.0}
    answer = hub.run("accept_drop_v2", payload, INSTANCE)
    for generation in hub.generations:
        assert len(generation.history) <= 100
        for recorded, now in replay(generation):
            assert recorded == now
    return answer


def test_an_image_with_its_parameters_is_accepted_at_once() -> None:
    hub = _hub()
    assert _run(hub) == ACCEPTED
    assert [call.payload for call in hub.calls] == [DROP]


def test_an_image_waits_for_its_sidecar_and_then_takes_what_is_there() -> None:
    hub = _hub(accept_drop=script(WAITING, ACCEPTED))
    assert _run(hub) == ACCEPTED
    first, second = hub.calls
    assert second.at - first.at == pytest.approx(60, abs=0.2)
    assert second.payload == {**DROP, "last_call": True}


def test_a_sidecar_that_comes_ends_the_wait() -> None:
    hub = _hub(accept_drop=script(WAITING, ACCEPTED))
    hub.raise_event(INSTANCE, "wake", at=hub.now + 3)
    start = hub.now
    assert _run(hub) == ACCEPTED
    assert hub.now - start < 4


def test_a_sidecar_that_comes_while_the_image_is_looked_at_ends_the_wait() -> None:
    hub = _hub(accept_drop=script(WAITING, ACCEPTED))
    hub.raise_event(INSTANCE, "wake", at=hub.now)
    start = hub.now
    assert _run(hub) == ACCEPTED
    assert hub.now - start < 4


def test_a_sidecar_that_says_nothing_yet_does_not_end_the_wait() -> None:
    hub = _hub(accept_drop=script(WAITING, WAITING, ACCEPTED))
    hub.raise_event(INSTANCE, "wake", at=hub.now + 3)
    start = hub.now
    assert _run(hub) == ACCEPTED
    assert hub.now - start == pytest.approx(60, abs=1)
    assert [call.payload.get("last_call", False) for call in hub.calls] == [False, False, True]


def test_sidecars_without_end_do_not_prolong_the_wait() -> None:
    hub = _hub(accept_drop=script(*[WAITING] * 5, REJECTED))
    for second in range(1, 12):
        hub.raise_event(INSTANCE, "wake", at=hub.now + second)
    start = hub.now
    assert _run(hub) == REJECTED
    assert hub.now - start < 60
    assert hub.calls[-2].payload["last_call"]


@pytest.mark.parametrize("before", [[], [WAITING]])
def test_what_cannot_be_used_is_answered(before: list[Any]) -> None:
    hub = _hub(accept_drop=script(*before, REJECTED))
    assert _run(hub) == REJECTED
    (said,) = hub.called("reject_drop")
    assert said.payload == {"drop": DROP, "rejection": REJECTION}


def test_an_image_that_is_gone_makes_nothing() -> None:
    hub = _hub(accept_drop=script({"kind": "gone"}))
    assert _run(hub) == {"kind": "gone"}
    assert len(hub.calls) == 1


@pytest.mark.parametrize("activity", ["accept_drop", "reject_drop"])
def test_faults_are_ridden_out_with_pauses_that_double(activity: str) -> None:
    last = REJECTED if activity == "accept_drop" else None
    hub = _hub(**{"accept_drop": script(REJECTED), activity: script(*[FAULT] * 7, last)})
    assert _run(hub) == REJECTED
    times = [call.at for call in hub.called(activity)]
    pauses = [round(b - a) for a, b in itertools.pairwise(times)]
    assert pauses == [5, 10, 20, 40, 80, 160, 300]


def test_an_outage_of_hours_does_not_lose_the_image() -> None:
    hub = _hub(accept_drop=script(*[FAULT] * 30, ACCEPTED))
    begun = hub.now
    assert _run(hub) == ACCEPTED
    assert hub.now - begun > 2700
    assert len(hub.generations) == 4
    assert all(len(generation.history) <= 100 for generation in hub.generations)


def test_faults_without_end_fail_the_instance_after_days() -> None:
    hub = _hub(accept_drop=script(FAULT))
    begun = hub.now
    with pytest.raises(OrchestrationFailed, match="storage did not answer"):
        _run(hub)
    assert hub.now - begun > 2 * 86_400


def test_the_worst_way_stays_under_a_hundred_events() -> None:
    hub = _hub(
        accept_drop=script(FAULT, FAULT, WAITING, FAULT, FAULT, REJECTED),
        reject_drop=script(FAULT, FAULT, FAULT, None),
    )
    assert _run(hub) == REJECTED


def test_faults_count_over_the_whole_way() -> None:
    hub = _hub(
        accept_drop=script(*[FAULT] * 4, WAITING, *[FAULT] * 4, ACCEPTED),
        reject_drop=script(None),
    )
    assert _run(hub) == ACCEPTED
    assert len(hub.generations) == 2
    assert len(hub.generations[0].history) <= 100
