"""Earlier versions of a video's life, which instances under way still live by.

All but one of the tests are of version 3: the others differ only in the quota.
"""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from dailies.engine import done, wait
from tests.orchestrations.drained import REFUSED, assert_replays, generate
from tests.orchestrations.replay import Engine, OrchestrationFailed
from tests.orchestrations.scripts import (
    FAULT,
    QUOTA,
    VIDEO,
    engine,
    fill,
    names,
    script,
)


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
    assert_replays(hub)


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
    assert_replays(hub)


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
    assert_replays(hub)


def test_a_wake_event_that_comes_before_the_pause_is_not_lost() -> None:
    hub = engine({"check_video": script(wait(3000), REFUSED)})
    # While the first look is under way: three activities of 0.05 s each came before.
    hub.raise_event(f"{VIDEO}-check_video-0", "wake", at=hub.now + 0.17)
    start = hub.now
    generate(hub)
    assert hub.now - start < 40
    assert_replays(hub)


def test_a_wake_of_the_whole_video_does_it_no_harm() -> None:
    """Later versions are woken there, and nobody knows which version a video lives by."""
    hub = engine({"check_video": script(wait(60), done())})
    for second in (0.02, 0.12, 30):
        hub.raise_event(VIDEO, "wake", at=hub.now + second)
    assert generate(hub, quota=QUOTA)["error"] is None
    assert len(hub.called("check_video")) == 2
    assert_replays(hub)


def test_a_render_of_hours_keeps_every_history_under_a_hundred_events() -> None:
    hub = engine({"check_video": script(*[wait(20)] * 200, done())})
    assert generate(hub)["error"] is None
    assert len(hub.called("check_video")) == 201
    assert _longest(hub) <= 100
    assert_replays(hub)


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
    assert_replays(hub)


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
    assert_replays(hub)


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
