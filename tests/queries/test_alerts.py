"""The first bad night: of each fault exactly those alerts tell that are meant to.

Each alert is asked as Azure asks it: its query over its window, more rows than its threshold.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import pytest

from tests.infra.snapshots import kept
from tests.queries.night import Night, query

_RULES = "Microsoft.Insights/scheduledQueryRules"
_DURATION = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?)?")


@dataclass(frozen=True)
class Alert:
    """As it is deployed."""

    query: str
    window: timedelta
    threshold: int

    def fires(self, night: Night) -> bool:
        return len(night.ask(query(self.query), self.window)) > self.threshold


@functools.cache
def alerts() -> dict[str, Alert]:
    """By name, of the deployment that has all defaults."""
    found = {}
    for rule in kept("default").of_type(_RULES):
        (criterion,) = rule.at("properties.criteria.allOf")
        assert (criterion["timeAggregation"], criterion["operator"]) == ("Count", "GreaterThan")
        text = str(criterion["query"])
        name = text.removeprefix("<queries/").removesuffix(".kql>")
        window = _duration(rule.at("properties.windowSize"))
        found[rule.id.rpartition("/")[2]] = Alert(name, window, int(criterion["threshold"]))
    return found


def _duration(text: str) -> timedelta:
    found = _DURATION.fullmatch(text)
    assert found is not None, text
    days, hours, minutes = (int(number) for number in found.groups("0"))
    return timedelta(days=days, hours=hours, minutes=minutes)


@dataclass(frozen=True)
class Fault:
    """What goes wrong in a night whose last sweep ended ``swept`` minutes ago; who tells of it."""

    happens: Callable[[Night], None]
    alerts: frozenset[str]
    swept: float


_FAULTS: list[Fault] = []


def tells(*names: str, swept: float = 1) -> Callable[[Callable[[Night], None]], None]:
    """The alerts that tell of a fault."""

    def note(happens: Callable[[Night], None]) -> None:
        _FAULTS.append(Fault(happens, frozenset(names), swept))

    return note


@tells()
def nothing_happens(night: Night) -> None:
    """A quiet night."""


@tells("wrong-settings")
def a_setting_is_wrong(night: Night) -> None:
    for ago in (1, 6):
        night.line(ago, "setting_wrong", problem="DAILIES_RETRY_SECONDS: not a number")


@tells("doubtful-settings")
def a_setting_is_misspelt(night: Night) -> None:
    night.line(300, "setting_doubtful", problem="DAILIES_RETRY: there is no such setting")


@tells("failed-videos")
def a_provider_fails(night: Night) -> None:
    for number in range(4):
        night.video(f"v{number}", phase="failed", code="provider_error", reason="It broke.")


@tells()
def three_videos_fail_and_each_is_told_twice(night: Night) -> None:
    for number in range(3):
        night.video(f"v{number}", phase="failed", code="provider_error")
        night.end(5, f"v{number}", phase="failed", code="provider_error")


@tells()
def moderation_refuses_much(night: Night) -> None:
    for number in range(20):
        night.video(f"v{number}", phase="failed", code="moderation_blocked")
        night.video(f"c{number}", phase="cancelled", code="cancelled")


@tells("stuck-videos")
def a_paid_video_does_not_end(night: Night) -> None:
    night.video("v", ago=3 * 60, ended=False)


@tells("stuck-videos")
def a_video_whose_job_was_found_does_not_end(night: Night) -> None:
    night.line(3 * 60, "job_adopted", video_id="v", job_id="j", deployment="azure-sora-2")


@tells("stuck-videos")
def a_video_waits_for_more_than_a_day(night: Night) -> None:
    night.line(26 * 60, "video_accepted", video_id="v", owner="alice")


@tells()
def videos_wait_and_are_deleted(night: Night) -> None:
    night.line(20 * 60, "video_accepted", video_id="waits", owner="alice")
    night.video("deleted", ago=3 * 60, ended=False)
    night.line(60, "video_removed", video_id="deleted", owner="alice", reason="deleted")


@tells("no-sweep", swept=22)
def sweeps_fail(night: Night) -> None:
    for ago in (2, 7, 12, 17):
        night.request(ago, "sweep_references", "0", success=True)
        night.request(ago, "sweep", "0", success=False)


@tells("no-sweep", swept=16)
def no_timer_fires(night: Night) -> None:
    """The app does not run, and nobody says so."""


@tells("server-errors")
def storage_is_down(night: Night) -> None:
    for ago in range(1, 7):
        request = night.request(ago, "http_api", "503", success=True)
        night.line(
            ago, "request", parent=request, route="/videos", code="storage_unavailable", status=503
        )


@tells("server-errors")
def the_worker_dies_under_requests(night: Night) -> None:
    for ago in range(1, 7):
        night.request(ago, "http_api", "500", success=False)


@tells()
def callers_hang_up_and_err(night: Night) -> None:
    for _ in range(40):
        night.request(5, "http_api", "499", success=False)
        night.request(5, "http_api", "404", success=True)


@tells("failed-executions")
def activities_fail(night: Night) -> None:
    for _ in range(21):
        night.request(5, "activity:check_video", "500", success=False)


@tells("refused-submits")
def a_role_is_missing(night: Night) -> None:
    night.line(
        5, "submit_answered", video_id="v", deployment="d", outcome="unauthorised", code="no_role"
    )


@tells("unresolved-videos")
def an_answer_is_lost_for_good(night: Night) -> None:
    night.line(5, "video_unresolved", video_id="v", deployment="d", reason="Nobody can tell.")


@tells("unpublished-events")
def the_topic_is_down(night: Night) -> None:
    for number in range(6):
        night.line(5, "publish_failed", video_id=f"v{number}", type="completed", fault_status=403)


@tells()
def the_topic_hiccups(night: Night) -> None:
    for ago in range(1, 11):  # two events, again and again
        for name in ("v1", "v2"):
            night.line(ago, "publish_failed", video_id=name, type="completed")
    for number in range(10):  # and ten that it took in the end
        night.line(10, "publish_failed", video_id=f"w{number}", type="completed")
        night.published(9, f"w{number}", "completed")


@tells("poison-messages")
def an_old_message_is_given_up(night: Night) -> None:
    night.text(
        5,
        "Microsoft.Azure.WebJobs.Host.Queues.QueueProcessor",
        "Message has reached MaxDequeueCount of 5. Moving message to queue "
        "'webjobs-blobtrigger-poison'.",
    )


@tells("stalled-drops")
def a_dropped_image_gets_no_answer(night: Night) -> None:
    night.line(0.5, "drop_sweep_done", open=3, stalled=1, oldest="a.png", oldest_seconds=9000)


@tells()
def a_dropped_image_got_its_answer(night: Night) -> None:
    night.line(10, "drop_sweep_done", open=3, stalled=1, oldest="a.png", oldest_seconds=9000)


@tells("paid-jobs")
def somebody_orders_a_thousand(night: Night) -> None:
    for number in range(250):
        night.video(f"v{number}", ago=100)
        night.line(100, "submit_answered", video_id=f"l{number}", deployment="d", outcome="unknown")
        night.line(99, "job_adopted", video_id=f"l{number}", deployment="d", job_id=f"l{number}")
        night.end(90, f"l{number}")


@tells()
def a_few_hundred_are_told_twice(night: Night) -> None:
    for number in range(300):
        night.video(f"v{number}", ago=100)
        job = {"deployment": "azure-sora-2", "job_id": f"job_v{number}"}
        night.line(98, "job_adopted", video_id=f"v{number}", **job)


@tells("paid-twice")
def a_request_that_was_taken_is_sent_again(night: Night) -> None:
    night.line(30, "video_resolved", video_id="v", deployment="d", decision="adopt", job_id="j1")
    night.line(20, "submit_answered", video_id="v", deployment="d", outcome="accepted", job_id="j2")
    night.end(10, "v")


@tells("paid-twice")
def a_second_job_shows_up(night: Night) -> None:
    night.video("v")
    night.line(5, "job_left_over", video_id="v", deployment="azure-sora-2", job_id="j2")


@tells()
def a_keyed_request_is_sent_again(night: Night) -> None:
    for ago in (20, 19):
        night.video("v", ago=ago)


@pytest.mark.parametrize("fault", _FAULTS, ids=lambda fault: fault.happens.__name__)
def test_exactly_these_alerts_tell_of(fault: Fault) -> None:
    night = Night(swept=fault.swept)
    fault.happens(night)
    assert {name for name, alert in alerts().items() if alert.fires(night)} == fault.alerts


def test_of_every_alert_there_is_a_fault() -> None:
    assert set(alerts()) == {name for fault in _FAULTS for name in fault.alerts}
