"""A video that waits for our own quota says so, and nothing else."""

from __future__ import annotations

import json
import logging

import pytest

from dailies.engine import Step
from dailies.pipeline.places import quota_of
from dailies.pipeline.submit import submit_video
from dailies.providers.outcomes import Kind, Outcome
from dailies.routing.lane import Acquire, LaneState, acquire, empty
from dailies.video.basics import Phase, Priority, new_id
from dailies.video.record import VideoRecord
from tests.unit.pipeline.provider import Behaviour
from tests.unit.pipeline.world import CATALOGUE, OWNER, World, ref

THROTTLED = Behaviour(False, Outcome(Kind.THROTTLED, retry_after=20, code="rate_limit"))
RETIRED = Behaviour(False, Outcome(Kind.RETIRED, code="model_retired"))
_QUOTA = "        quota: {requests_per_minute: 1}"


async def _told(world: World, video: VideoRecord) -> str:
    return (await submit_video(world.services, ref(video, waiting=True)))["kind"]


async def test_its_phase_is_waiting_and_nothing_is_sent() -> None:
    world = World()
    video = await world.accepted()
    assert await _told(world, video) == "wait"
    assert (await world.record(video.id)).phase is Phase.WAITING
    assert not world.provider.submissions
    await submit_video(world.services, ref(video))
    assert (await world.record(video.id)).phase is Phase.RENDERING


async def test_the_log_says_whose_quota_it_waits_for(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "dailies")
    world = World()
    video = await world.accepted()
    await _told(world, video)
    world.provider.behaviours.append(THROTTLED)
    await submit_video(world.services, ref(video))
    lines = [json.loads(record.getMessage()) for record in caplog.records]
    put_off = [line for line in lines if line["event"] == "video_put_off"]
    about = {"event": "video_put_off", "video_id": video.id, "deployment": "first"}
    assert put_off == [{**about, "quota": "own"}, {**about, "quota": "provider", "seconds": 20}]


@pytest.mark.parametrize("phase", sorted(set(Phase) - {Phase.ACCEPTED, Phase.WAITING}))
async def test_one_that_is_told_late_does_not_go_back(phase: Phase) -> None:
    world = World()
    video = await world.accepted(phase=phase)
    await _told(world, video)
    assert (await world.record(video.id)).phase is phase


async def test_one_that_was_cancelled_does_not_wait_any_longer() -> None:
    world = World()
    video = await world.accepted(cancel_requested=True)
    assert await _told(world, video) == "stop"


async def test_one_that_has_its_job_goes_on() -> None:
    world = World()
    video = await world.accepted()
    await submit_video(world.services, ref(video))
    assert await _told(world, video) == "done"
    assert len(world.provider.jobs) == 1


async def test_it_is_sent_only_where_it_has_a_place() -> None:
    world = World()
    video = await world.accepted()
    step = await submit_video(world.services, ref(video, place=None))
    assert (step["kind"], _place(step)) == ("wait", "first")
    assert not world.provider.submissions
    step = await submit_video(world.services, ref(video, place="first"))
    assert (step["kind"], step.get("deployment")) == ("done", "first")


async def test_after_its_model_was_retired_it_asks_for_a_place_at_the_next_deployment() -> None:
    world = World(catalogue=CATALOGUE.replace("{default: 0.20}", "{default: 0.20}\n" + _QUOTA))
    video = await world.accepted()
    world.provider.behaviours.append(RETIRED)
    step = await submit_video(world.services, ref(video, place="first"))
    assert (step["kind"], _place(step)) == ("wait", "second")
    # What it has at the first one is no place at the second.
    step = await submit_video(world.services, ref(video, place="first"))
    assert _place(step) == "second"
    assert len(world.provider.submissions) == 1
    step = await submit_video(world.services, ref(video, place="second"))
    assert (step["kind"], step.get("deployment")) == ("done", "second")


async def test_where_there_is_no_quota_it_needs_no_place() -> None:
    world = World()
    video = await world.accepted()
    world.provider.behaviours.append(RETIRED)
    step = await submit_video(world.services, ref(video, place="first"))
    assert step == {"kind": "wait", "seconds": 0.0, "place": None}
    step = await submit_video(world.services, ref(video, place=None))
    assert step["kind"] == "done"
    assert step.get("deployment") is None


async def test_to_wait_for_a_place_ends_no_video_however_long_it_takes() -> None:
    world = World()
    video = await world.accepted()
    world.now += 30 * 86_400
    assert await _told(world, video) == "wait"
    await submit_video(world.services, ref(video, place="first"))
    assert (await world.record(video.id)).phase is Phase.RENDERING


async def test_a_provider_that_takes_nothing_for_long_ends_it() -> None:
    world = World(DAILIES_SUBMIT_DEADLINE_SECONDS=3600)
    video = await world.accepted()
    world.now += 86_400
    world.provider.behaviours += [THROTTLED] * 2
    assert (await submit_video(world.services, ref(video)))["kind"] == "wait"
    world.now += 3500
    assert (await submit_video(world.services, ref(video)))["kind"] == "wait"
    world.now += 200
    step = await submit_video(world.services, ref(video))
    assert (step["kind"], step["error"]["code"]) == ("stop", "submit_timeout")
    assert len(world.provider.submissions) == 2


async def test_one_that_may_wait_no_longer_is_let_through_to_its_end() -> None:
    world = World()
    video = await world.accepted()
    video = await world.accepted(
        request=video.request.model_copy(update={"expires_after": 600}), id=new_id(world.now)
    )
    place = quota_of(world.services, video)
    assert place is not None
    state: LaneState = {**empty(), "sent": [world.now, world.now]}
    question: Acquire = {**place, "video": video.id, "now": world.now, "since": world.now}
    state, grant = acquire(state, question)
    assert not grant["granted"]
    for _ in range(40):
        # Others hold all places.
        state["sent"] = [question["now"], question["now"]]
        question["now"] += grant["wait_seconds"]
        state["sent"] = [question["now"], question["now"]]
        state, grant = acquire(state, question)
        if grant["granted"]:
            break
    assert question["now"] == pytest.approx(world.now + 600, abs=2)
    assert (state["leases"], state["queue"]) == ({}, {})
    world.now = question["now"]
    step = await submit_video(world.services, ref(video, place="first"))
    assert (step["kind"], step["error"]["code"]) == ("stop", "expired")
    assert "600 seconds" in step["error"]["message"]
    assert not world.provider.submissions


async def test_the_lane_is_asked_with_owner_and_priority() -> None:
    world = World()
    place = quota_of(world.services, await world.accepted(priority=Priority.HIGH))
    assert place is not None
    assert (place.get("owner"), place.get("priority")) == (OWNER, "high")
    assert "expires_at" not in place


@pytest.mark.parametrize(
    ("of_settings", "of_record", "weight"), [(1, 5, 5), (3, None, 3), (3, 2, 3)]
)
async def test_the_highest_share_that_a_key_gave_counts(
    of_settings: int, of_record: int | None, weight: int
) -> None:
    hashed = f"{OWNER}=sha256:{'0' * 64};weight={of_settings}"
    world = World(DAILIES_API_KEYS=hashed)
    place = quota_of(world.services, await world.accepted(weight=of_record))
    assert place is not None
    assert place["weight"] == weight


def _place(step: Step) -> str | None:
    place = step.get("place")
    return None if place is None else place["deployment"]
