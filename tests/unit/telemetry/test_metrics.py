"""What is counted, and that it is counted once."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dailies.engine import VideoRef
from dailies.guards.base import Refused, Shown, Subject, Unsaid, Verdict
from dailies.guards.panel import About, Guards
from dailies.pipeline import metrics
from dailies.pipeline.archive import archive_video
from dailies.pipeline.check import check_video
from dailies.pipeline.finish import finish_video
from dailies.pipeline.submit import submit_video
from dailies.providers.outcomes import Kind, Outcome
from dailies.providers.video_object import parse_job
from dailies.video.guarding import GuardName, GuardRules
from entities import quota
from tests.orchestrations.wire import handle_of
from tests.unit.pipeline.provider import Behaviour
from tests.unit.pipeline.world import World, ref
from tests.unit.telemetry.conftest import Seen


def _attributes(point: Any) -> dict[str, Any]:
    return dict(point.attributes)


async def _until_done(world: World, step: Any, video: VideoRef) -> None:
    for _ in range(30):
        answer = await step(world.services, video)
        if answer["kind"] == "done":
            return
        assert answer["kind"] == "wait", answer
        world.now += max(answer["seconds"], 1)
    pytest.fail(f"{step.__name__} did not end")


async def test_a_finished_video_is_counted_once_with_time_cost_and_bytes(seen: Seen) -> None:
    world = World()
    record = await world.accepted()
    for step in (submit_video, check_video, archive_video, finish_video, finish_video):
        await _until_done(world, step, ref(record))
    done = await world.record(record.id)
    (videos,) = seen.points("dailies.videos")
    assert videos.value == 1
    assert _attributes(videos) == {"dailies.model": "sora-2", "dailies.outcome": "completed"}
    (duration,) = seen.points("dailies.video.duration")
    assert done.completed_at is not None
    assert (duration.count, duration.sum) == (1, done.completed_at - done.created_at)
    (cost,) = seen.points("dailies.cost")
    assert cost.value == pytest.approx(0.4)
    assert cost.attributes["dailies.cost.is_estimate"] is False
    archived = {p.attributes["dailies.variant"]: p.value for p in seen.points("dailies.archived")}
    assert archived == {variant.value: file.bytes for variant, file in done.files.items()}
    (queue,) = seen.points("dailies.queue.duration")
    assert queue.count == 1


async def test_a_failed_video_is_counted_by_its_code(seen: Seen) -> None:
    world = World()
    record = await world.accepted()
    error = {"code": "moderation_blocked", "message": "Blocked."}
    for _ in range(2):
        await finish_video(world.services, ref(record, error=error))
    (videos,) = seen.points("dailies.videos")
    assert videos.value == 1
    assert _attributes(videos) == {
        "dailies.model": "sora-2",
        "dailies.outcome": "failed",
        "error.type": "moderation_blocked",
    }
    assert seen.points("dailies.cost") == []


async def test_a_provider_that_puts_us_off_is_a_quota_wait(seen: Seen) -> None:
    world = World()
    record = await world.accepted()
    world.provider.behaviours = [Behaviour(False, Outcome(Kind.THROTTLED, retry_after=17))]
    await submit_video(world.services, ref(record))
    (wait,) = seen.points("dailies.quota.wait")
    assert (wait.count, wait.sum) == (1, 17)
    assert _attributes(wait) == {"dailies.deployment": "first", "dailies.quota": "provider"}


async def test_a_clock_that_is_behind_makes_no_negative_lag(seen: Seen) -> None:
    record = await World().accepted()
    metrics.render_detected(record, -3.0)
    metrics.render_detected(record, 2.0)
    (lag,) = seen.points("dailies.detection.lag")
    assert (lag.count, lag.sum) == (2, 2.0)


def test_the_provider_tells_when_a_render_was_done() -> None:
    document = {"id": "video_1", "status": "completed", "completed_at": 1_795_262_500}
    job = parse_job(json.loads(json.dumps(document)))
    assert job is not None
    assert job.completed_at == 1_795_262_500
    untold = parse_job({"id": "video_1", "status": "completed", "completed_at": None})
    assert untold is not None
    assert untold.completed_at is None


def test_counting_without_telemetry_does_nothing() -> None:
    metrics.put_off("first", 1.0, by="own")


# The SDK asks to be told the types of inputs, once in a process.
@pytest.mark.filterwarnings("ignore:azure.functions df_:DeprecationWarning")
def test_our_own_quota_that_puts_a_video_off_is_a_quota_wait(seen: Seen) -> None:
    question = {
        "deployment": "first",
        "per_window": 1,
        "window_seconds": 60,
        "concurrent": None,
        "typical_seconds": 75,
        "lease_seconds": 3600,
        "now": 1000.0,
    }
    operations = [
        {
            "name": "acquire",
            "input": json.dumps(json.dumps({**question, "video": video})),
            "isSignal": False,
        }
        for video in ("video_1", "video_2")
    ]
    request = {
        "self": {"name": "quota", "key": "first"},
        "exists": False,
        "state": None,
        "batch": operations,
    }
    answer = json.loads(handle_of(quota.quota)(json.dumps(request)))
    assert [result["isError"] for result in answer["results"]] == [False, False], answer["results"]
    (wait,) = seen.points("dailies.quota.wait")
    assert (wait.count, wait.sum) == (1, 60)
    assert _attributes(wait) == {"dailies.deployment": "first", "dailies.quota": "own"}


class _Guard:
    """A ``Guard`` that says what it is told to."""

    sees_pictures = False

    def __init__(self, name: GuardName, verdict: Verdict) -> None:
        self.name, self._verdict = name, verdict

    async def judge(self, subject: Subject, rules: GuardRules) -> Verdict:
        return self._verdict

    async def close(self) -> None:
        """Nothing to let go of."""


async def test_what_guards_say_is_counted_with_the_time_that_they_took(seen: Seen) -> None:
    refusing = _Guard(GuardName.CONTENT_SAFETY, Refused("violence", Shown.PROMPT))
    silent = _Guard(GuardName.WEBHOOK, Unsaid("it answered 500"))
    guards = Guards((refusing, silent))

    async def show(_: bool) -> Subject:
        return Subject("alice", "sora-2")

    for video_id in (None, "video_1"):
        about = About("alice", "sora-2", video_id)
        await guards.judge(guards.rules_for(None), show, about)
    points = [(_attributes(p), p.value) for p in seen.points("dailies.guard.verdicts")]
    for stage in ("request", "video"):
        refusal = {
            "dailies.guard": "content-safety",
            "dailies.guard.verdict": "refused",
            "dailies.guard.stage": stage,
            "dailies.guard.category": "violence",
        }
        silence = {
            "dailies.guard": "webhook",
            "dailies.guard.verdict": "unsaid",
            "dailies.guard.stage": stage,
        }
        assert (refusal, 1) in points
        assert (silence, 1) in points
    assert len(points) == 4
    assert {p.count for p in seen.points("dailies.guard.duration")} == {1}
