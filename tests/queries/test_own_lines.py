"""The queries find what the pipeline itself has written, not what a test writes in its place."""

from __future__ import annotations

import json
import logging
from datetime import timedelta
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError

from dailies.net.posting import Posted
from dailies.pipeline.check import check_video
from dailies.pipeline.courier import deliver_due
from dailies.pipeline.finish import finish_video
from dailies.pipeline.publish import publish_events
from dailies.pipeline.submit import submit_video
from dailies.providers.declaration import Recovery
from dailies.providers.outcomes import Kind, Outcome
from dailies.video.record import VideoRecord
from dailies.video.request import Webhook
from tests.queries.night import Night, query
from tests.unit.pipeline.provider import ACCEPT, LOST, Behaviour
from tests.unit.pipeline.world import World, ref

THROTTLED = Behaviour(False, Outcome(Kind.THROTTLED, retry_after=20, code="rate_limit"))
DENIED = Behaviour(
    False, Outcome(Kind.UNAUTHORISED, code="missing_role", remedy="Give it the role.")
)
FAILED = {"code": "provider_error", "message": "It broke."}


class Recorder:
    """A world whose lines become those of a night, all of a few minutes ago."""

    def __init__(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.INFO, "dailies")
        self._caplog = caplog
        self.world = World()

    def ask(self, name: str) -> list[dict[str, Any]]:
        night = Night()
        lines = [json.loads(r.getMessage()) for r in self._caplog.records if r.name == "dailies"]
        for number, line in enumerate(lines):
            night.line(9 - number / 100, line.pop("event"), **line)
        rows = night.ask(query(name), timedelta(days=1))
        return [row for row in rows if row["video_id"] != "quiet"]

    async def submit(self, video: VideoRecord) -> None:
        for _ in range(20):
            step = await submit_video(self.world.services, ref(video))
            if step["kind"] != "wait":
                return
            self.world.now += step.get("seconds", 0.0)
            if (await self.world.record(video.id)).submit.unresolved_since is not None:
                return
        raise AssertionError("it does not end")


@pytest.fixture
def recorder(caplog: pytest.LogCaptureFixture) -> Recorder:
    return Recorder(caplog)


@pytest.mark.parametrize("behaviours", [[ACCEPT], [THROTTLED, ACCEPT], [LOST]])
async def test_each_paid_job_is_found_once(recorder: Recorder, behaviours: list[Behaviour]) -> None:
    world = recorder.world
    world.provider.behaviours = list(behaviours)
    video = await world.accepted()
    await recorder.submit(video)
    jobs = {row["job_id"]: row["video_id"] for row in recorder.ask("paid-jobs")}
    assert jobs == dict.fromkeys(world.provider.jobs, video.id)
    assert recorder.ask("paid-twice") == []


async def test_a_failed_videos_reason_is_found(recorder: Recorder) -> None:
    world = recorder.world
    video = await world.accepted()
    await recorder.submit(video)
    await check_video(world.services, ref(video))
    for _ in range(2):  # activities run at least once
        await finish_video(world.services, ref(video, error=FAILED))
    (row,) = recorder.ask("failed-videos")
    assert (row["video_id"], row["code"], row["reason"]) == (
        video.id,
        "provider_error",
        "It broke.",
    )


async def test_a_missing_role_is_found_with_its_remedy(recorder: Recorder) -> None:
    recorder.world.provider.behaviours = [DENIED]
    video = await recorder.world.accepted()
    await recorder.submit(video)
    (row,) = recorder.ask("refused-submits")
    assert (row["video_id"], row["deployment"], row["remedy"]) == (
        video.id,
        "first",
        "Give it the role.",
    )


async def test_a_provider_that_is_out_of_credit_is_found_though_another_one_serves(
    recorder: Recorder,
) -> None:
    outcome = Outcome(Kind.REFUSED, code="no_credit", remedy="Top it up.")
    recorder.world.provider.behaviours = [Behaviour(False, outcome)]
    video = await recorder.world.accepted()
    await recorder.submit(video)
    (row,) = recorder.ask("refused-submits")
    assert (row["deployment"], row["code"], row["remedy"]) == ("first", "no_credit", "Top it up.")
    assert (await recorder.world.record(video.id)).submit.deployment == "second"


async def test_an_unresolved_video_is_found(recorder: Recorder) -> None:
    world = recorder.world
    world.provider.grade = Recovery.NONE
    world.provider.behaviours = [LOST]
    video = await world.accepted()
    await recorder.submit(video)
    (row,) = recorder.ask("unresolved-videos")
    assert (row["video_id"], row["deployment"]) == (video.id, "first")
    assert "resolve" in row["remedy"]


async def test_an_event_that_the_topic_refuses_is_found_until_it_takes_it(
    recorder: Recorder,
) -> None:
    world = recorder.world
    denied = HttpResponseError(message="denied")
    denied.status_code = 403
    world.events.failures = [denied, denied]
    video = await world.accepted()
    for _ in range(2):
        await publish_events(world.services, ref(video))
    (row,) = recorder.ask("unpublished-events")
    assert (row["video_id"], row["attempts"], row["status"]) == (video.id, 2, 403)
    await publish_events(world.services, ref(video))
    assert recorder.ask("unpublished-events") == []


async def test_a_receiver_that_fails_is_found(recorder: Recorder) -> None:
    world = recorder.world
    hook = Webhook(url="https://hooks.example/a?token=secret", events=("dailies.video.accepted",))
    world.receivers.answers[hook.url] = Posted(0.1, status=500)
    video = await world.accepted()
    wanted = video.request.model_copy(update={"webhook": hook})
    await world.services.records.update(
        video.owner, video.id, lambda record: record.model_copy(update={"request": wanted})
    )
    await publish_events(world.services, ref(video))
    await deliver_due(world.services)
    (row,) = recorder.ask("failing-webhooks")
    assert (row["owner"], row["host"]) == (video.owner, "hooks.example")
    assert (row["attempts"], row["delivered"], row["given_up"]) == (1, 0, 0)
    assert (row["standing"], row["status"], row["video_id"]) == ("pending", 500, video.id)
