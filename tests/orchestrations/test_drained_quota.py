"""Earlier versions of a video's life: its place in the quota of where it is made."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dailies.engine import QuotaRequest, ask, done, hold, wait
from tests.orchestrations.drained import REFUSED, assert_replays, generate
from tests.orchestrations.replay import Engine
from tests.orchestrations.scripts import (
    FAULT,
    QUOTA,
    VIDEO,
    engine,
    fill,
    script,
    submitted,
)
from tests.orchestrations.wire import Kind


def test_the_quota_is_asked_before_the_request_and_given_back_at_the_end() -> None:
    hub = engine()
    generate(hub, quota=QUOTA)
    assert hub.signals == [("@quota@azure-sora-2", "release", {"video": VIDEO})]
    assert '"leases": {}' in hub.entity_states["@quota@azure-sora-2"]


def test_a_request_that_is_reconciled_or_failed_with_a_fault_takes_no_second_place() -> None:
    hub = engine({"submit_video": script(FAULT, hold(15), FAULT, hold(15), done())})
    generate(hub, quota=QUOTA)
    assert len(json.loads(hub.entity_states["@quota@azure-sora-2"])["sent"]) == 1


def test_a_request_that_is_sent_again_asks_again() -> None:
    hub = engine({"submit_video": script(hold(1), wait(0), done())})
    generate(hub, quota=QUOTA)
    assert len(json.loads(hub.entity_states["@quota@azure-sora-2"])["sent"]) == 2


def test_a_refused_video_gives_its_quota_back() -> None:
    hub = engine({"submit_video": script(REFUSED)})
    generate(hub, quota=QUOTA)
    assert hub.signals == [("@quota@azure-sora-2", "release", {"video": VIDEO})]


def test_videos_beyond_the_quota_wait_for_it() -> None:
    hub = engine({"submit_video": lambda payload: wait(0) if payload.get("waiting") else done()})
    quota: QuotaRequest = {**QUOTA, "concurrent": None}
    for number in range(5):
        generate(hub, video_id=f"video_{number:032x}", quota=quota)
    sent = [call.at for call in hub.called("submit_video") if not call.payload.get("waiting")]
    assert len(sent) == 5
    for first, third in zip(sent, sent[2:], strict=False):
        assert third - first >= 60
    assert_replays(hub)


def test_a_video_that_waits_for_the_quota_says_so_once() -> None:
    hub = engine({"submit_video": script(wait(0), done())})
    quota: QuotaRequest = {**QUOTA, "window_seconds": 600.0}
    fill(hub, quota)
    generate(hub, quota=quota)
    told, sent = hub.called("submit_video")
    assert told.payload["waiting"]
    assert "waiting" not in sent.payload
    assert sent.at - told.at > 590
    assert_replays(hub)


def test_a_video_that_need_not_wait_is_not_said_to() -> None:
    hub = engine()
    generate(hub, quota=QUOTA)
    (sent,) = hub.called("submit_video")
    assert "waiting" not in sent.payload


def test_a_fault_while_it_is_said_holds_nothing_up_and_it_is_said_again() -> None:
    hub = engine({"submit_video": script(FAULT, wait(0), done())})
    quota: QuotaRequest = {**QUOTA, "per_window": 1, "window_seconds": 600.0}
    fill(hub, quota)
    busy = json.loads(hub.entity_states["@quota@azure-sora-2"])
    busy["queue"] = [["another", 0.0, hub.now + 1400]]
    hub.entity_states["@quota@azure-sora-2"] = json.dumps(busy)
    assert generate(hub, quota=quota)["error"] is None
    flags = [call.payload.get("waiting", False) for call in hub.called("submit_video")]
    assert flags == [True, True, False]
    assert_replays(hub)


@pytest.mark.parametrize("answer", [done(), REFUSED])
def test_a_video_with_nothing_to_wait_for_leaves_the_queue(answer: Any) -> None:
    """It was cancelled, or its job was found meanwhile."""
    hub = engine({"submit_video": script(answer)})
    fill(hub, QUOTA)
    start = hub.now
    generate(hub, quota=QUOTA)
    assert hub.now - start < 5
    assert json.loads(hub.entity_states["@quota@azure-sora-2"])["queue"] == {}


def test_a_video_whose_request_has_left_needs_no_place() -> None:
    """Its orchestration was started anew."""
    hub = engine()
    fill(hub, QUOTA)
    start = hub.now
    generate(hub, quota=QUOTA, sent=True, restarts=1)
    assert hub.now - start < 5


def test_a_video_that_was_put_off_is_not_sent_to_the_end_of_the_queue() -> None:
    quota: QuotaRequest = {**QUOTA, "concurrent": 1, "per_window": None}
    hub = engine({"submit_video": script(wait(30), done())})
    later = hub.now + 90
    state = {"sent": [], "leases": {}, "queue": [["later", later, later + 300]]}
    hub.entity_states["@quota@azure-sora-2"] = json.dumps(state)
    generate(hub, quota=quota)
    first, second = hub.called("submit_video")
    assert second.at - first.at < 32


OTHER: QuotaRequest = {**QUOTA, "deployment": "spare"}


def _leases(hub: Engine, deployment: str) -> list[str]:
    state = json.loads(hub.entity_states.get(f"@quota@{deployment}", '{"leases": {}}'))
    return list(state["leases"])


def test_a_place_is_given_back_when_the_job_has_ended_however_long_its_files_take() -> None:
    held: list[list[str]] = []

    def seen(answer: Any) -> Any:
        def answered(_: Any) -> Any:
            held.append(_leases(hub, QUOTA["deployment"]))
            return answer

        return answered

    hub = engine(
        {
            "check_video": script(seen(wait(5)), seen(done())),
            "archive_video": script(seen(wait(9000)), seen(done())),
        }
    )
    generate(hub, quota=QUOTA)
    assert held == [[VIDEO], [VIDEO], [], []]
    assert hub.signals == [("@quota@azure-sora-2", "release", {"video": VIDEO})]
    assert_replays(hub)


def test_a_place_is_given_back_before_the_provider_is_waited_for() -> None:
    hub = engine({"submit_video": script(wait(9000), submitted())})
    generate(hub, quota=QUOTA)
    first, second = hub.called("submit_video")
    assert first.payload["place"] == second.payload["place"] == "azure-sora-2"
    release = ("@quota@azure-sora-2", "release", {"video": VIDEO})
    assert hub.signals == [release, release]
    (sub,) = (g for g in hub.generations if g.instance_id.endswith("-submit_video-0"))
    kinds = [event["EventType"] for event in sub.history]
    # The question, and then the release, before the pause begins.
    assert kinds[: kinds.index(Kind.TIMER_CREATED)].count(Kind.EVENT_SENT) == 2
    assert_replays(hub)


def test_a_video_that_moves_asks_the_quota_of_where_it_goes() -> None:
    hub = engine({"submit_video": script(ask(OTHER), submitted(deployment="spare"))})
    generate(hub, quota=QUOTA)
    first, second = hub.called("submit_video")
    assert (first.payload["place"], second.payload["place"]) == ("azure-sora-2", "spare")
    assert [signal[0] for signal in hub.signals] == ["@quota@azure-sora-2", "@quota@spare"]
    assert _leases(hub, "azure-sora-2") == _leases(hub, "spare") == []
    assert_replays(hub)


def test_a_video_that_moves_waits_in_the_queue_of_where_it_goes() -> None:
    def submit(payload: Any) -> Any:
        if payload.get("waiting"):
            return wait(0)
        return submitted(deployment="spare") if payload["place"] == "spare" else ask(OTHER)

    hub = engine({"submit_video": submit})
    fill(hub, OTHER)
    generate(hub, quota=QUOTA)
    moved, told, sent = hub.called("submit_video")
    assert told.payload["waiting"]
    assert sent.at - moved.at > 55
    assert_replays(hub)


def test_a_video_that_moves_to_where_there_is_no_quota_goes_on_at_once() -> None:
    hub = engine({"submit_video": script(ask(None), done())})
    start = hub.now
    generate(hub, quota=QUOTA)
    assert [call.payload["place"] for call in hub.called("submit_video")] == ["azure-sora-2", None]
    assert hub.now - start < 5
    assert _leases(hub, "azure-sora-2") == []
    assert_replays(hub)
