"""What the queries answer to an operator who looks into the night."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.infra.project import read_infra
from tests.queries.night import NOW, Night, query

_DAY = timedelta(days=1)
_ALL = {name.removesuffix(".kql") for name in read_infra().queries}


def ask(night: Night, name: str, text: str | None = None) -> list[dict[str, Any]]:
    return night.ask(text or query(name), _DAY)


def one(night: Night, name: str, text: str | None = None) -> dict[str, Any]:
    (row,) = ask(night, name, text)
    return row


def at(ago: float) -> datetime:
    return (NOW - timedelta(minutes=ago)).replace(tzinfo=None)


@pytest.fixture
def night() -> Night:
    return Night()


def test_money_that_was_paid_twice_or_is_an_estimate_is_told(night: Night) -> None:
    night.video("settled", cost_usd=0.8, cost_is_estimate=True, phase="cancelled")
    night.line(4, "cost_settled", video_id="settled", owner="alice", model="sora-2", cost_usd=0.4)
    night.video("estimate", cost_usd=0.6, cost_is_estimate=True, phase="failed")
    night.end(3, "estimate", cost_usd=0.6, cost_is_estimate=True, phase="failed")  # told twice
    night.video("twice", cost_usd=1.0)
    night.line(2, "job_left_over", video_id="twice", deployment="azure-sora-2", job_id="other")
    spent = one(night, "spend")
    # 0.8 of the quiet video, 0.4, 0.6 and twice 1.0.
    assert spent["usd"] == pytest.approx(3.8)
    assert spent["estimated_usd"] == pytest.approx(0.6)
    assert spent["twice_usd"] == pytest.approx(1.0)
    assert (spent["model"], spent["videos"], spent["without_price"]) == ("sora-2", 4, 0)


def test_videos_without_a_price_are_counted(night: Night) -> None:
    night.line(5, "video_ended", video_id="v", model="sora", phase="done", seconds_taken=60)
    (row,) = (row for row in ask(night, "spend") if row["model"] == "sora")
    assert (row["usd"] or 0, row["videos"], row["without_price"]) == (0, 1, 1)


def test_each_job_is_paid_for_once_whoever_tells_of_it(night: Night) -> None:
    night.line(9, "job_adopted", video_id="found", deployment="d", job_id="j1")
    night.line(8, "submit_answered", video_id="v", deployment="d", outcome="accepted", job_id="j2")
    night.line(7, "job_adopted", video_id="v", deployment="d", job_id="j2")
    night.line(6, "video_resolved", video_id="w", deployment="d", decision="adopt", job_id="j3")
    night.line(6, "video_resolved", video_id="x", deployment="d", decision="end")
    night.line(6, "submit_answered", video_id="y", deployment="d", outcome="throttled")
    night.line(5, "job_left_over", video_id="v", deployment="d", job_id="j4")
    jobs = {row["job_id"]: row["video_id"] for row in ask(night, "paid-jobs")}
    assert jobs == {"job_quiet": "quiet", "j1": "found", "j2": "v", "j3": "w", "j4": "v"}


def test_a_second_job_is_told_with_the_first(night: Night) -> None:
    night.video("v")
    night.line(5, "job_left_over", video_id="v", deployment="azure-sora-2", job_id="other")
    row = one(night, "paid-twice")
    assert row["video_id"] == "v"
    assert set(json.loads(row["job_ids"])) == {"other", "job_v"}


def test_of_a_stuck_video_its_owner_and_last_words_are_told(night: Night) -> None:
    night.video("v", ago=180, ended=False)
    night.line(
        20,
        "job_checked",
        video_id="v",
        deployment="azure-sora-2",
        outcome="unauthorised",
        code="missing_role",
        message="Access denied.",
    )
    night.line(1, "request", video_id="v", route="/videos/{video_id}", status=200)
    night.line(180, "video_accepted", video_id="w", owner="bob")
    night.line(170, "job_adopted", video_id="w", deployment="first", job_id="j")
    night.line(2, "function_fault", video_id="w", fault="KeyError", fault_at="dailies.x:3 y")
    v, w = sorted(ask(night, "stuck-videos"), key=lambda row: str(row["video_id"]))
    assert (v["owner"], v["last_line"], v["why"]) == ("alice", "job_checked", "Access denied.")
    assert (v["accepted"], v["last_at"]) == (at(180), at(20))
    assert (w["owner"], w["last_line"], w["why"]) == ("bob", "function_fault", "KeyError")
    assert (w["paid"], w["fault_at"]) == (at(170), "dailies.x:3 y")


def test_waits_for_ones_own_quota_and_for_the_providers_are_told_apart(night: Night) -> None:
    night.metric(5, "dailies.quota.wait", (10, 20), deployment="first", quota="own")
    night.metric(4, "dailies.quota.wait", (60,), deployment="first", quota="provider")
    rows = {row["quota"]: row for row in ask(night, "quota-waits")}
    assert [(r["waits"], r["seconds"], r["longest"]) for r in (rows["own"], rows["provider"])] == [
        (2, 30, 20),
        (1, 60, 60),
    ]


def test_what_providers_answered_is_counted(night: Night) -> None:
    for outcome, code in (("throttled", "too_many"), ("throttled", "too_many"), ("unknown", "x")):
        night.line(5, "submit_answered", video_id="v", deployment="d", outcome=outcome, code=code)
    rows = {(r["outcome"], r["code"]): r["requests"] for r in ask(night, "submit-outcomes")}
    assert rows == {("accepted", ""): 1, ("throttled", "too_many"): 2, ("unknown", "x"): 1}


def test_a_refusal_names_what_is_missing(night: Night) -> None:
    night.line(
        5,
        "submit_answered",
        video_id="v",
        deployment="d",
        outcome="unauthorised",
        code="missing_role",
        message="Access denied.",
        remedy="Give the identity the role.",
        provider_request_id="r-1",
    )
    row = one(night, "refused-submits")
    assert (row["code"], row["remedy"]) == ("missing_role", "Give the identity the role.")
    assert (row["why"], row["provider_request_id"]) == ("Access denied.", "r-1")


def test_outcomes_and_times_count_a_video_once(night: Night) -> None:
    night.video("v", seconds_taken=100.0)
    night.end(5, "v", seconds_taken=900.0)
    night.video("w", phase="failed", code="provider_error", reason="It broke.")
    outcomes = {(r["phase"], r["code"]): r["videos"] for r in ask(night, "outcomes")}
    assert outcomes == {("done", ""): 2, ("failed", "provider_error"): 1}
    times = one(night, "time-to-completion")
    assert (times["p50"], times["p99"]) == (66.0, 100.0)
    failed = one(night, "failed-videos")
    assert (failed["video_id"], failed["model"], failed["reason"]) == ("w", "sora-2", "It broke.")


def test_an_event_is_unpublished_until_it_is_published(night: Night) -> None:
    for ago in (9, 8, 7):
        night.line(
            ago,
            "publish_failed",
            video_id="v",
            type="failed",
            fault="HttpResponseError",
            fault_status=403,
            fault_code="AuthorizationFailed",
        )
    night.line(9, "publish_failed", video_id="v", type="accepted")
    night.published(8, "v", "accepted")
    row = one(night, "unpublished-events")
    assert (row["type"], row["attempts"]) == ("failed", 3)
    assert (row["fault"], row["status"], row["code"]) == (
        "HttpResponseError",
        403,
        "AuthorizationFailed",
    )


def test_an_error_of_ours_is_told_with_our_line(night: Night) -> None:
    request = night.request(5, "http_api", "503", success=True)
    night.line(
        5,
        "request",
        parent=request,
        route="/videos",
        code="storage_unavailable",
        owner="alice",
        request_id="r-1",
    )
    night.request(4, "http_api", "500", success=False)
    night.request(3, "http_api", "200", success=True)
    ours, nobodys = ask(night, "server-errors")
    assert (ours["resultCode"], ours["route"], ours["owner"]) == ("503", "/videos", "alice")
    assert (ours["code"], ours["request_id"]) == ("storage_unavailable", "r-1")
    assert (nobodys["resultCode"], nobodys["code"] or "") == ("500", "")


def test_faults_are_told_by_type_and_place(night: Night) -> None:
    for ago in (9, 5):
        night.line(
            ago,
            "function_fault",
            function="check_video",
            video_id=f"v{ago}",
            fault="KeyError",
            fault_at="dailies.pipeline.check:30 check_video",
        )
    night.line(3, "storage_unavailable", fault="ServiceRequestError", fault_status=503)
    rows = {row["fault"]: row for row in ask(night, "faults")}
    assert (rows["KeyError"]["times"], rows["KeyError"]["video_id"]) == (2, "v5")
    assert rows["KeyError"]["function"] == "check_video"
    assert rows["ServiceRequestError"]["status"] == 503


def test_steps_and_calls_are_told_with_their_times(night: Night) -> None:
    for milliseconds in (100, 200, 900):
        night.span(5, "check_video", milliseconds, "op")
        night.span(5, "POST /openai/v1/videos", milliseconds, "op", resultCode="201", target="t")
    (step,) = (row for row in ask(night, "slow-steps") if row["name"] == "check_video")
    assert (step["calls"], step["failed"], step["p50"]) == (3, 0, 200)
    call = one(night, "provider-calls")
    assert (call["call"], call["calls"], call["resultCode"]) == ("create", 3, "201")


def test_lags_are_told(night: Night) -> None:
    night.metric(5, "dailies.detection.lag", (2, 6), deployment="first")
    night.metric(5, "dailies.loop.lag", (0.01, 0.4))
    lag = one(night, "detection-lag")
    assert (lag["deployment"], lag["average"], lag["most"]) == ("first", 4, 6)
    assert one(night, "loop-lag")["most"] == 0.4


def test_one_videos_lines_and_trace_are_found_by_its_id(night: Night) -> None:
    lines = [row["event"] for row in ask(night, "video", _with_video("video", "quiet"))]
    assert lines[0] == "video_accepted"
    assert "video_ended" in lines
    about = {"dailies.video.id": "quiet"}
    night = Night()
    night.span(40, "submit_video", 100, "quiet", properties=about)  # in the trace of its lines
    night.span(39, "POST /openai/v1/videos", 50, "quiet", resultCode="201")
    night.span(39, "check_video", 50, "of another", properties={"dailies.video.id": "other"})
    rows = ask(night, "trace", _with_video("trace", "quiet"))
    assert {row["name"] for row in rows if row["itemType"] == "dependency"} == {
        "submit_video",
        "POST /openai/v1/videos",
    }
    assert sum("video_ended" in (row["message"] or "") for row in rows) == 1


def _with_video(name: str, video: str) -> str:
    text = query(name)
    example = "video_00000000000000000000000000000000"
    assert text.count(example) == 1
    return text.replace(example, video)


@pytest.mark.parametrize(
    ("name", "happens", "told"),
    [
        (
            "wrong-settings",
            lambda night: night.line(5, "setting_wrong", problem="X: wrong"),
            {"problem": "X: wrong", "times": 1},
        ),
        (
            "doubtful-settings",
            lambda night: night.line(5, "setting_doubtful", problem="X: none"),
            {"problem": "X: none", "times": 1},
        ),
        (
            "unresolved-videos",
            lambda night: night.line(5, "video_unresolved", video_id="v", remedy="Look."),
            {"video_id": "v", "remedy": "Look."},
        ),
        (
            "failed-executions",
            lambda night: night.request(5, "activity:check_video", "500", success=False),
            {"name": "activity:check_video", "resultCode": "500"},
        ),
        (
            "stalled-drops",
            lambda night: night.line(0, "drop_sweep_done", stalled=2, oldest="a.png"),
            {"stalled": 2, "oldest": "a.png"},
        ),
        (
            "poison-messages",
            lambda night: night.text(
                5,
                "Microsoft.Azure.WebJobs.Host.Queues.QueueProcessor",
                "Moving message to queue 'webjobs-blobtrigger-poison'.",
            ),
            {"message": "Moving message to queue 'webjobs-blobtrigger-poison'."},
        ),
    ],
)
def test_what_an_alert_tells(name: str, happens: Any, told: dict[str, Any]) -> None:
    night = Night()
    happens(night)
    row = one(night, name)
    assert {key: row[key] for key in told} == told


def test_of_a_sweep_that_stopped_the_last_one_is_told() -> None:
    rows = ask(Night(swept=20), "no-sweep")
    assert {row["name"]: row["last_success"] for row in rows} == {
        "sweep": at(20),
        "sweep_references": at(20),
    }


def test_a_receiver_of_webhooks_that_is_down_is_told_of_before_one_that_is_back(
    night: Night,
) -> None:
    for ago, host, state, status in (
        (9, "down.example", "pending", 500),
        (5, "down.example", "failed", 503),
        (8, "back.example", "pending", 500),
        (4, "back.example", "delivered", 204),
        (3, "well.example", "delivered", 200),
    ):
        night.line(
            ago,
            "webhook_attempted",
            owner="alice",
            host=host,
            state=state,
            http_status=status,
            delivery="d",
            video_id="v",
        )
    down, back = ask(night, "failing-webhooks")
    assert (down["host"], down["attempts"], down["given_up"]) == ("down.example", 2, 1)
    assert (down["standing"], down["status"]) == ("failed", 503)
    assert (back["host"], back["delivered"], back["standing"]) == ("back.example", 1, "delivered")


def test_every_query_is_asked_here() -> None:
    text = Path(__file__).read_text(encoding="utf-8")
    assert {name for name in _ALL if f'"{name}"' not in text} == set()
