"""The life of a video, driven through the Durable SDK's replay code."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest

from dailies.engine import Doing, QuotaRequest, ask, done, hold, wait
from tests.orchestrations.replay import Call, Engine, OrchestrationFailed
from tests.orchestrations.scripts import (
    FAULT,
    QUOTA,
    VIDEO,
    engine,
    fill,
    generate,
    life,
    rendered,
    rendering,
    script,
)
from tests.orchestrations.wire import Kind, replay

ERROR = {"code": "moderation_blocked", "message": "Change the prompt."}
OTHER: QuotaRequest = {**QUOTA, "deployment": "spare"}
_ENTITY = "@quota@azure-sora-2"


def calls(hub: Engine) -> list[Call]:
    """The calls of the one activity; there is no other."""
    assert {call.name for call in hub.calls} == {"advance_video"}
    return hub.calls


def _pauses(called: list[Call]) -> list[int]:
    """Seconds between the calls."""
    return [round(later.at - earlier.at) for earlier, later in itertools.pairwise(called)]


def payloads(hub: Engine, name: str) -> list[Any]:
    return [call.payload.get(name) for call in calls(hub)]


def assert_replays(hub: Engine) -> None:
    for generation in hub.generations:
        for recorded, now in replay(generation):
            assert recorded == now


def longest(hub: Engine) -> int:
    return max(len(generation.history) for generation in hub.generations)


def leases(hub: Engine, deployment: str = QUOTA["deployment"]) -> list[str]:
    state = json.loads(hub.entity_states.get(f"@quota@{deployment}", '{"leases": {}}'))
    return list(state["leases"])


def test_a_video_lives_in_one_instance_until_it_is_over() -> None:
    hub = life(rendering(20), rendering(10, 1))
    assert generate(hub) == {"id": VIDEO, "error": None}
    assert {generation.instance_id for generation in hub.generations} == {VIDEO}
    assert len(calls(hub)) == 3
    assert_replays(hub)


def test_the_error_that_ends_it_is_the_output() -> None:
    hub = life(rendering(20), {**done(), "error": ERROR})
    assert generate(hub) == {"id": VIDEO, "error": ERROR}


def test_three_looks_at_a_job_under_a_quota_take_six_calls_and_45_events() -> None:
    image = {**ask(QUOTA), "doing": Doing.SUBMITTING, "attempt": 0}
    hub = life(image, rendering(20), rendering(10, 1), rendering(5, 2), rendered())
    generate(hub, has_reference=True, quota=QUOTA)
    assert len(calls(hub)) == 6
    (generation,) = hub.generations
    assert len(generation.history) <= 45


def test_what_is_done_is_shown_as_custom_status() -> None:
    archiving = {**wait(5), "doing": Doing.ARCHIVING, "attempt": 1}
    finishing = {**wait(5), "doing": Doing.FINISHING, "attempt": 1}
    submitting = {**wait(5), "doing": Doing.SUBMITTING, "attempt": 1}
    hub = life(submitting, rendering(5), archiving, finishing)
    generate(hub, has_reference=True)
    assert hub.statuses == ["preparing", "submitting", "rendering", "archiving", "finishing"]


def test_the_activity_is_told_the_video_and_how_often_it_was_tried() -> None:
    hub = life(rendering(5), rendering(5, 1), FAULT, rendering(5, 3), rendered())
    generate(hub)
    assert set(payloads(hub, "id")) == {VIDEO}
    assert set(payloads(hub, "owner")) == {"alice"}
    assert payloads(hub, "doing") == ["submitting", *["rendering"] * 4, "archiving"]
    assert payloads(hub, "attempt") == [0, 0, 1, 2, 3, 0]


def test_pauses_are_durable_timers_of_the_asked_length() -> None:
    hub = life(rendering(10), rendering(2.5, 1))
    generate(hub)
    first, second, third = (call.at for call in calls(hub))
    assert second - first == pytest.approx(10, abs=0.2)
    assert third - second == pytest.approx(2.5, abs=0.2)


def test_a_wake_cuts_a_pause_short_and_leaves_no_timer_open() -> None:
    hub = life(rendering(3000))
    hub.raise_event(VIDEO, "wake", at=hub.now + 30)
    start = hub.now
    generate(hub)
    assert hub.now - start < 40
    assert payloads(hub, "woken") == [False, True]
    assert_replays(hub)


def test_a_wake_that_comes_before_the_first_pause_cuts_that_one_short_and_no_other() -> None:
    hub = life(rendering(3000), rendering(100, 1), rendering(100, 2))
    hub.raise_event(VIDEO, "wake", at=hub.now + 0.02)
    generate(hub)
    assert _pauses(calls(hub)) == [0, 100, 100]
    assert payloads(hub, "woken") == [False, True, False, False]
    assert_replays(hub)


def test_a_wake_during_a_later_call_is_not_lost() -> None:
    """The call may have read the record before what it was woken for."""
    hub = life(rendering(10), rendering(3000, 1), rendering(100, 2))
    hub.raise_event(VIDEO, "wake", at=hub.now + 10.07)
    generate(hub)
    assert _pauses(calls(hub)) == [10, 0, 100]
    assert payloads(hub, "woken") == [False, False, True, False]
    assert_replays(hub)


def test_a_render_of_hours_keeps_every_history_under_a_hundred_events() -> None:
    hub = life(*[rendering(20)] * 200)
    assert generate(hub)["error"] is None
    assert len(calls(hub)) == 201
    assert longest(hub) <= 100
    assert len(hub.generations) < 25
    assert_replays(hub)


@pytest.mark.parametrize("apart", [1, 7, 40])
def test_the_worst_way_keeps_every_history_under_a_hundred_events(apart: int) -> None:
    """Faults, questions without end, moves, and somebody who wakes the video all the time."""
    trouble = [FAULT, wait(1), FAULT, ask(OTHER), hold(1), wait(30), FAULT, ask(QUOTA)]
    hub = life(*trouble * 8, *[FAULT, rendering(20)] * 20, rendered())
    for second in range(0, 3000, apart):
        hub.raise_event(VIDEO, "wake", at=hub.now + second)
    fill(hub, QUOTA)
    assert generate(hub, has_reference=True, quota=QUOTA)["error"] is None
    assert longest(hub) <= 100
    assert_replays(hub)


def test_faults_are_tried_again_with_pauses_that_double() -> None:
    hub = life(rendering(1), *[FAULT] * 8, rendering(1))
    assert generate(hub)["error"] is None
    pauses = _pauses(calls(hub)[1:-1])
    assert pauses == [5, 10, 20, 40, 80, 160, 300, 300]


def test_a_success_in_between_starts_the_count_of_faults_anew() -> None:
    hub = life(*([FAULT] * 15 + [rendering(1)]) * 3)
    assert generate(hub)["error"] is None


def test_faults_without_end_fail_the_instance_after_about_an_hour() -> None:
    hub = engine({"advance_video": script(rendering(1), FAULT)})
    start = hub.now
    # Nothing is said to have ended: the sweeper starts the video again.
    with pytest.raises(OrchestrationFailed, match="storage did not answer"):
        generate(hub)
    assert len(calls(hub)) == 20
    assert 3000 < hub.now - start < 5000
    assert longest(hub) <= 100


def test_the_quota_is_asked_before_the_request_and_told_how_long_the_job_took() -> None:
    hub = life(rendering(20), rendered(took=61.5))
    generate(hub, quota=QUOTA)
    assert payloads(hub, "place") == ["azure-sora-2", "azure-sora-2", None]
    assert hub.signals == [(_ENTITY, "release", {"video": VIDEO, "took": 61.5})]
    assert leases(hub) == []
    assert_replays(hub)


def test_a_place_is_given_back_before_the_files_are_fetched() -> None:
    held: list[list[str]] = []

    def seen(answer: Any) -> Any:
        def answered(_: Any) -> Any:
            held.append(leases(hub))
            return answer

        return answered

    archiving = {**wait(9000), "doing": Doing.ARCHIVING, "attempt": 1}
    hub = life(seen(rendering(5)), seen(rendered()), seen(archiving), seen(done()))
    generate(hub, quota=QUOTA)
    assert held == [[VIDEO], [VIDEO], [], []]
    assert len(hub.signals) == 1
    assert_replays(hub)


def test_a_video_that_ends_without_a_job_gives_its_place_back() -> None:
    hub = life({**done(), "error": ERROR})
    generate(hub, quota=QUOTA)
    assert hub.signals == [(_ENTITY, "release", {"video": VIDEO, "took": None})]


def test_a_place_is_given_back_before_the_provider_is_waited_for() -> None:
    hub = life({**wait(9000), "doing": Doing.SUBMITTING, "attempt": 1}, rendering(5), rendered())
    generate(hub, quota=QUOTA)
    assert payloads(hub, "place")[:2] == ["azure-sora-2", "azure-sora-2"]
    assert len(hub.signals) == 2
    kinds = [event["EventType"] for event in hub.generations[0].history]
    # The question, and then the release, before the pause begins.
    assert kinds[: kinds.index(Kind.TIMER_CREATED)].count(Kind.EVENT_SENT) == 2
    assert_replays(hub)


def test_a_request_that_is_reconciled_or_failed_with_a_fault_takes_no_second_place() -> None:
    hub = life(FAULT, hold(15), FAULT, hold(15), rendering(1), rendered())
    generate(hub, quota=QUOTA)
    assert len(json.loads(hub.entity_states[_ENTITY])["sent"]) == 1


def test_a_request_that_is_sent_again_asks_again() -> None:
    hub = life(hold(1), wait(0), rendering(1), rendered())
    generate(hub, quota=QUOTA)
    assert len(json.loads(hub.entity_states[_ENTITY])["sent"]) == 2


def test_an_image_is_looked_at_before_a_place_is_asked_for() -> None:
    hub = life({**ask(QUOTA), "doing": Doing.SUBMITTING, "attempt": 0}, rendering(1), rendered())
    generate(hub, has_reference=True, quota=QUOTA)
    assert payloads(hub, "doing")[:2] == ["preparing", "submitting"]
    assert payloads(hub, "place")[:2] == [None, "azure-sora-2"]
    assert len(hub.signals) == 1


def _sends(payload: Any) -> Any:
    return {
        "submitting": wait(0) if payload.get("waiting") else rendering(1),
        "rendering": rendered(),
        "archiving": done(),
    }[payload["doing"]]


def test_videos_beyond_the_quota_wait_for_it() -> None:
    hub = engine({"advance_video": _sends})
    quota: QuotaRequest = {**QUOTA, "concurrent": None}
    for number in range(5):
        generate(hub, video_id=f"video_{number:032x}", quota=quota)
    submitting = [call for call in calls(hub) if call.payload["doing"] == "submitting"]
    sent = [call.at for call in submitting if call.payload["place"] is not None]
    assert len(sent) == 5
    for first, third in zip(sent, sent[2:], strict=False):
        assert third - first >= 60
    assert_replays(hub)


def test_a_video_that_waits_for_the_quota_is_told_so_once() -> None:
    hub = engine({"advance_video": _sends})
    quota: QuotaRequest = {**QUOTA, "window_seconds": 600.0}
    fill(hub, quota)
    generate(hub, quota=quota)
    assert payloads(hub, "waiting") == [True, None, None, None]
    told, sent, *_ = calls(hub)
    assert sent.at - told.at > 590
    assert_replays(hub)


def test_a_fault_while_it_is_told_holds_nothing_up_and_it_is_told_again() -> None:
    hub = life(FAULT, wait(0), rendering(1), rendered())
    quota: QuotaRequest = {**QUOTA, "per_window": 1, "window_seconds": 600.0}
    fill(hub, quota)
    busy = json.loads(hub.entity_states[_ENTITY])
    busy["queue"] = [["another", 0.0, hub.now + 1400]]
    hub.entity_states[_ENTITY] = json.dumps(busy)
    assert generate(hub, quota=quota)["error"] is None
    assert payloads(hub, "waiting")[:3] == [True, True, None]
    assert_replays(hub)


@pytest.mark.parametrize("answer", [done(), {**done(), "error": ERROR}, rendering(1)])
def test_a_video_with_nothing_to_wait_for_leaves_the_queue(answer: Any) -> None:
    """It was cancelled, or its job was found meanwhile."""
    hub = life(answer)
    fill(hub, QUOTA)
    start = hub.now
    generate(hub, quota=QUOTA)
    assert hub.now - start < 5
    assert json.loads(hub.entity_states[_ENTITY])["queue"] == {}
    assert_replays(hub)


def test_a_cancelled_video_does_not_wait_for_its_place() -> None:
    hub = life(wait(0), {**done(), "error": ERROR})
    fill(hub, {**QUOTA, "window_seconds": 3000.0})
    start = hub.now
    hub.raise_event(VIDEO, "wake", at=hub.now + 20)
    generate(hub, quota={**QUOTA, "window_seconds": 3000.0})
    assert hub.now - start < 25
    assert payloads(hub, "woken") == [False, True]
    assert json.loads(hub.entity_states[_ENTITY])["queue"] == {}


def test_a_video_whose_request_has_left_needs_no_place() -> None:
    """Its orchestration was started anew."""
    hub = life(rendering(1))
    fill(hub, QUOTA)
    start = hub.now
    generate(hub, quota=QUOTA, sent=True, restarts=1)
    assert hub.now - start < 5


def test_a_video_that_was_put_off_is_not_sent_to_the_end_of_the_queue() -> None:
    quota: QuotaRequest = {**QUOTA, "concurrent": 1, "per_window": None}
    hub = life(wait(30), rendering(1), rendered())
    later = hub.now + 90
    state = {"sent": [], "leases": {}, "queue": [["later", later, later + 300]]}
    hub.entity_states[_ENTITY] = json.dumps(state)
    generate(hub, quota=quota)
    first, second, *_ = calls(hub)
    assert second.at - first.at < 32


def test_a_video_that_moves_asks_the_quota_of_where_it_goes() -> None:
    hub = life(ask(OTHER), rendering(1), rendered("spare"))
    generate(hub, quota=QUOTA)
    assert payloads(hub, "place") == ["azure-sora-2", "spare", "spare", None]
    assert [signal[0] for signal in hub.signals] == [_ENTITY, "@quota@spare"]
    assert leases(hub) == leases(hub, "spare") == []
    assert_replays(hub)


def test_a_video_that_moves_waits_in_the_queue_of_where_it_goes() -> None:
    def advance(payload: Any) -> Any:
        if payload["doing"] == "submitting" and not payload.get("waiting"):
            return rendering(1) if payload["place"] == "spare" else ask(OTHER)
        return rendered("spare") if payload["doing"] == "rendering" else _sends(payload)

    hub = engine({"advance_video": advance})
    fill(hub, OTHER)
    generate(hub, quota=QUOTA)
    moved, told, sent, *_ = calls(hub)
    assert told.payload["waiting"]
    assert sent.at - moved.at > 55
    assert leases(hub) == leases(hub, "spare") == []
    assert_replays(hub)


def test_a_video_that_moves_to_where_there_is_no_quota_goes_on_at_once() -> None:
    hub = life(ask(None), rendering(1))
    start = hub.now
    generate(hub, quota=QUOTA)
    assert payloads(hub, "place") == ["azure-sora-2", None, None]
    assert hub.now - start < 5
    assert leases(hub) == []
    assert_replays(hub)


def test_inputs_and_histories_hold_no_prompt() -> None:
    hub = life(rendering(1), rendered())
    generate(hub, has_reference=True, quota=QUOTA)
    assert "prompt" not in str([generation.document() for generation in hub.generations])
