"""Earlier versions of a video's life, which instances under way still live by.

All but one of the tests are of version 3: the others differ only in the quota.
"""

from __future__ import annotations

import functools
import itertools
import json
from typing import Any

import pytest

from dailies.engine import QuotaRequest, ask, done, hold, stop, wait
from dailies.video.basics import VideoError
from tests.orchestrations import scripts
from tests.orchestrations.replay import Engine, OrchestrationFailed
from tests.orchestrations.scripts import (
    FAULT,
    QUOTA,
    VIDEO,
    engine,
    fill,
    names,
    script,
    submitted,
)
from tests.orchestrations.wire import Kind, replay

generate = functools.partial(scripts.generate, orchestrator="generate_video_v3")
REFUSED = stop(VideoError("moderation_blocked", "Change the prompt."))


def _assert_replays(hub: Engine) -> None:
    for generation in hub.generations:
        for recorded, now in replay(generation):
            assert recorded == now


def _longest(hub: Engine) -> int:
    return max(len(generation.history) for generation in hub.generations)


def test_every_step_runs_once_and_in_order() -> None:
    hub = engine()
    assert generate(hub, has_reference=True) == {"id": VIDEO, "error": None}
    assert names(hub.calls) == [
        "publish_events",
        "prepare_reference",
        "submit_video",
        "publish_events",
        "check_video",
        "archive_video",
        "finish_video",
        "publish_events",
    ]
    assert hub.statuses == ["preparing", "submitting", "rendering", "archiving", "finishing"]
    assert hub.called("finish_video")[0].payload["error"] is None
    _assert_replays(hub)


def test_a_video_without_a_reference_prepares_none() -> None:
    hub = engine()
    generate(hub)
    assert not hub.called("prepare_reference")


def test_every_activity_is_told_which_video_and_which_attempt() -> None:
    hub = engine({"check_video": script(wait(1), wait(1), done())})
    generate(hub)
    for call in hub.calls:
        assert (call.payload["id"], call.payload["owner"]) == (VIDEO, "alice")
    assert [call.payload["attempt"] for call in hub.called("check_video")] == [0, 1, 2]


@pytest.mark.parametrize(
    ("step", "skipped"),
    [
        ("prepare_reference", ["submit_video", "check_video", "archive_video"]),
        ("submit_video", ["check_video", "archive_video"]),
        ("check_video", ["archive_video"]),
        ("archive_video", []),
    ],
)
def test_a_stop_ends_the_video_with_its_error_and_says_so(step: str, skipped: list[str]) -> None:
    hub = engine({step: script(REFUSED)})
    answer = generate(hub, has_reference=True, quota=QUOTA)
    assert answer == {"id": VIDEO, "error": REFUSED["error"]}
    assert len(hub.called(step)) == 1
    assert not set(skipped) & set(names(hub.calls))
    (finish,) = hub.called("finish_video")
    assert finish.payload["error"] == REFUSED["error"]
    assert names(hub.calls)[-1] == "publish_events"
    _assert_replays(hub)


def test_a_stop_after_waiting_ends_the_video_too() -> None:
    hub = engine({"archive_video": script(wait(5), REFUSED)})
    assert generate(hub)["error"] == REFUSED["error"]


def test_pauses_are_durable_timers_of_the_asked_length() -> None:
    hub = engine({"check_video": script(wait(10), wait(2.5), done())})
    generate(hub)
    first, second, third = (call.at for call in hub.called("check_video"))
    assert second - first == pytest.approx(10, abs=0.2)
    assert third - second == pytest.approx(2.5, abs=0.2)


def test_the_first_look_at_a_job_comes_when_submit_said() -> None:
    hub = engine({"submit_video": script(done(20))})
    generate(hub)
    (sent,), (looked,) = hub.called("submit_video"), hub.called("check_video")
    assert looked.at - sent.at == pytest.approx(20, abs=0.3)


def test_an_archive_that_has_to_wait_is_repeated_until_it_is_done() -> None:
    hub = engine({"archive_video": script(wait(5), wait(10), done())})
    assert generate(hub)["error"] is None
    assert [call.payload["attempt"] for call in hub.called("archive_video")] == [0, 1, 2]


def test_a_wake_event_cuts_a_pause_short_and_leaves_no_timer_open() -> None:
    hub = engine({"check_video": script(wait(3000), REFUSED)})
    hub.raise_event(f"{VIDEO}-check_video-0", "wake", at=hub.now + 30)
    start = hub.now
    assert generate(hub)["error"] == REFUSED["error"]
    assert hub.now - start < 40
    _assert_replays(hub)


def test_a_wake_event_that_comes_before_the_pause_is_not_lost() -> None:
    hub = engine({"check_video": script(wait(3000), REFUSED)})
    # While the first look is under way: three activities of 0.05 s each came before.
    hub.raise_event(f"{VIDEO}-check_video-0", "wake", at=hub.now + 0.17)
    start = hub.now
    generate(hub)
    assert hub.now - start < 40
    _assert_replays(hub)


def test_a_render_of_hours_keeps_every_history_under_a_hundred_events() -> None:
    hub = engine({"check_video": script(*[wait(20)] * 200, done())})
    assert generate(hub)["error"] is None
    assert len(hub.called("check_video")) == 201
    assert _longest(hub) <= 100
    _assert_replays(hub)


def test_the_worst_way_keeps_every_history_under_a_hundred_events() -> None:
    """Faults in every step, waiting for quota, wakes in between, waits everywhere."""
    trouble = [FAULT, wait(1)] * 8
    hub = engine(
        {
            "publish_events": script(FAULT, FAULT, *[wait(1)] * 6, done()),
            "prepare_reference": script(*trouble, done()),
            "submit_video": script(*trouble, done()),
            "check_video": script(*trouble * 5, done()),
            "archive_video": script(*trouble, done()),
            "finish_video": script(*trouble, done()),
        }
    )
    for second in range(0, 3000, 40):
        for activity in ("submit_video", "check_video", "archive_video", "finish_video"):
            hub.raise_event(f"{VIDEO}-{activity}-0", "wake", at=hub.now + second)
    fill(hub, QUOTA)
    assert generate(hub, has_reference=True, quota=QUOTA)["error"] is None
    assert _longest(hub) <= 100
    _assert_replays(hub)


def test_faults_are_tried_again_with_pauses_that_double() -> None:
    hub = engine({"check_video": script(*[FAULT] * 8, done())})
    assert generate(hub)["error"] is None
    times = [call.at for call in hub.called("check_video")]
    pauses = [round(b - a) for a, b in itertools.pairwise(times)]
    assert pauses == [5, 10, 20, 40, 80, 160, 300, 300]


def test_a_success_in_between_starts_the_count_of_faults_anew() -> None:
    hub = engine({"check_video": script(*([FAULT] * 15 + [wait(1)]) * 3, done())})
    assert generate(hub)["error"] is None


def test_faults_without_end_fail_the_instance_after_about_an_hour() -> None:
    hub = engine({"check_video": script(FAULT)})
    start = hub.now
    with pytest.raises(OrchestrationFailed, match="storage did not answer"):
        generate(hub)
    assert len(hub.called("check_video")) == 19
    assert 3000 < hub.now - start < 5000
    # Nothing is said to have ended: the sweeper starts the video again.
    assert not hub.called("finish_video")
    assert _longest(hub) <= 100


def test_faults_before_and_inside_the_repetition_count_together() -> None:
    hub = engine({"finish_video": script(FAULT)})
    with pytest.raises(OrchestrationFailed):
        generate(hub)
    assert len(hub.called("finish_video")) == 19


def test_a_restarted_video_repeats_its_steps_in_instances_of_its_own() -> None:
    hub = engine({"check_video": script(wait(1), done())})
    generate(hub, restarts=3)
    children = {g.instance_id for g in hub.generations} - {VIDEO}
    assert children == {f"{VIDEO}-submit_video-3", f"{VIDEO}-check_video-3"}


@pytest.mark.parametrize("trouble", [FAULT, wait(300)])
def test_announcements_never_fail_or_hold_up_a_video(trouble: Any) -> None:
    hub = engine({"publish_events": script(trouble)})
    assert generate(hub) == {"id": VIDEO, "error": None}
    (finished,) = hub.called("finish_video")
    assert finished.at - hub.calls[0].at < 5
    # Two early ones and eight tries at the end; the sweeper does the rest.
    assert len(hub.called("publish_events")) == 10
    _assert_replays(hub)


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
    _assert_replays(hub)


def test_a_video_that_waits_for_the_quota_says_so_once() -> None:
    hub = engine({"submit_video": script(wait(0), done())})
    quota: QuotaRequest = {**QUOTA, "window_seconds": 600.0}
    fill(hub, quota)
    generate(hub, quota=quota)
    told, sent = hub.called("submit_video")
    assert told.payload["waiting"]
    assert "waiting" not in sent.payload
    assert sent.at - told.at > 590
    _assert_replays(hub)


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
    _assert_replays(hub)


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
    _assert_replays(hub)


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
    _assert_replays(hub)


def test_a_video_that_moves_asks_the_quota_of_where_it_goes() -> None:
    hub = engine({"submit_video": script(ask(OTHER), submitted(deployment="spare"))})
    generate(hub, quota=QUOTA)
    first, second = hub.called("submit_video")
    assert (first.payload["place"], second.payload["place"]) == ("azure-sora-2", "spare")
    assert [signal[0] for signal in hub.signals] == ["@quota@azure-sora-2", "@quota@spare"]
    assert _leases(hub, "azure-sora-2") == _leases(hub, "spare") == []
    _assert_replays(hub)


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
    _assert_replays(hub)


def test_a_video_that_moves_to_where_there_is_no_quota_goes_on_at_once() -> None:
    hub = engine({"submit_video": script(ask(None), done())})
    start = hub.now
    generate(hub, quota=QUOTA)
    assert [call.payload["place"] for call in hub.called("submit_video")] == ["azure-sora-2", None]
    assert hub.now - start < 5
    assert _leases(hub, "azure-sora-2") == []
    _assert_replays(hub)


@pytest.mark.parametrize("version", ["generate_video_v1", "generate_video_v2", "generate_video_v3"])
def test_every_version_brings_a_video_to_its_end(version: str) -> None:
    hub = engine({"submit_video": script(wait(5), done()), "check_video": script(wait(5), done())})
    assert generate(hub, orchestrator=version, quota=QUOTA) == {"id": VIDEO, "error": None}
    numbers = {generation.orchestrator.rpartition("_")[2] for generation in hub.generations}
    assert numbers == {version.rpartition("_")[2]}


def test_inputs_and_histories_hold_no_prompt() -> None:
    hub = engine()
    generate(hub, has_reference=True, quota=QUOTA)
    assert "prompt" not in str([generation.document() for generation in hub.generations])
