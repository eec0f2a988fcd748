"""A finished video is looked at before anybody gets it, where that is wanted."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from PIL import Image

from dailies.engine import Doing, done
from dailies.guards.base import Passed, Refused, Shown, Unsaid, Verdict
from dailies.guards.panel import Guards
from dailies.providers.outcomes import Kind, Outcome
from dailies.video.basics import Phase, Variant
from dailies.video.guarding import FrameCheck, GuardName, GuardRules
from dailies.video.record import VideoRecord
from tests.unit.pipeline.guard import Says
from tests.unit.pipeline.test_advance import Orchestrator
from tests.unit.pipeline.test_never_pay_twice import CrashAt
from tests.unit.pipeline.world import World

RULES = GuardRules(guards=(GuardName.CONTENT_SAFETY,), frames=3)
VIOLENT = Refused("violence", Shown.VIDEO)
SILENT = Unsaid("no answer")
DAY = 86_400


async def made(
    *verdicts: Verdict, fails_open: bool = False, sees_pictures: bool = True
) -> tuple[World, Says, VideoRecord]:
    """A world whose guard says these of a video that was accepted."""
    world = World(DAILIES_ENFORCE_QUOTA=False)
    guard = Says(*verdicts, sees_pictures=sees_pictures)
    world.services = replace(world.services, guards=Guards([guard], fails_open=fails_open))
    return world, guard, await world.accepted(frame_check=FrameCheck(rules=RULES))


def _types(world: World) -> list[str]:
    return [event.type.rpartition(".")[2] for event in world.events.taken]


async def test_one_that_passes_is_delivered_and_seen_as_often_as_wanted() -> None:
    world, guard, video = await made(Passed())
    assert await Orchestrator(world, video).to_the_end() == done()
    record = await world.record(video.id)
    assert (record.phase, Variant.VIDEO in record.files) == (Phase.DONE, True)
    assert record.frame_check is not None
    assert record.frame_check.passed_at is not None
    (subject,) = guard.seen
    assert (subject.video_id, subject.link, len(subject.pictures)) == (video.id, None, 3)
    for picture in subject.pictures:
        with Image.open(io.BytesIO(picture)) as image:
            assert (image.format, image.size) == ("JPEG", (64, 48))


async def test_one_that_is_flagged_is_withheld_and_paid_for() -> None:
    world, _, video = await made(VIOLENT)
    end = await Orchestrator(world, video).to_the_end()
    assert end["error"]["code"] == "content_filter"
    assert "violence" in end["error"]["message"]
    record = await world.record(video.id)
    assert (record.phase, record.files, record.generations) == (Phase.FAILED, {}, ())
    assert (record.cost_usd, record.cost_is_estimate) == (0.4, False)
    assert _types(world) == ["accepted", "submitted", "failed"]
    told = world.events.taken[-1].data
    assert told is not None
    assert told["files"] == {}
    # For the operator, until the video is deleted.
    assert f"{video.id}/video.mp4" in world.files.files


async def test_one_that_nobody_looks_at_is_not_asked_about() -> None:
    world, guard, _ = await made(VIOLENT)
    video = await world.accepted()
    assert await Orchestrator(world, video).to_the_end() == done()
    assert guard.seen == []


async def test_a_guard_that_can_t_say_is_asked_again_and_the_files_are_not_fetched_again() -> None:
    world, guard, video = await made(SILENT, SILENT, Passed())
    hub = Orchestrator(world, video)
    assert await hub.to_the_end() == done()
    waits = [step for step in hub.steps if step.get("doing") == Doing.JUDGING]
    assert [step["attempt"] for step in waits] == [1, 2]
    assert waits[0]["seconds"] < waits[1]["seconds"]
    assert len(guard.seen) == 3
    assert (await world.record(video.id)).phase is Phase.DONE


@pytest.mark.parametrize("fails_open", [False, True])
async def test_what_nobody_can_judge_for_a_day_is_as_the_operator_wants_it(
    *, fails_open: bool
) -> None:
    world, _, video = await made(SILENT, fails_open=fails_open)
    hub = Orchestrator(world, video)
    end = await hub.to_the_end(most_calls=1000)
    waited = world.now - video.created_at
    assert DAY < waited < DAY + 3600
    record = await world.record(video.id)
    if fails_open:
        assert (end, record.phase) == (done(), Phase.DONE)
    else:
        assert end["error"]["code"] == "guardrail_unavailable"
        assert (record.phase, record.files) == (Phase.FAILED, {})


async def test_a_refusal_counts_where_all_that_nobody_can_judge_passes() -> None:
    world, _, video = await made(SILENT, VIOLENT, fails_open=True)
    assert (await Orchestrator(world, video).to_the_end())["error"]["code"] == "content_filter"


async def test_a_guard_that_looks_at_no_pictures_is_given_a_link() -> None:
    world, guard, video = await made(Passed(), sees_pictures=False)
    await Orchestrator(world, video).to_the_end()
    (subject,) = guard.seen
    assert subject.pictures == []
    assert "video.mp4" in (subject.link or "")


async def test_a_guard_that_is_not_set_up_any_more_holds_nothing_up() -> None:
    world, _, video = await made(VIOLENT)
    world.services = replace(world.services, guards=Guards())
    assert await Orchestrator(world, video).to_the_end() == done()


async def test_a_video_that_is_cancelled_while_it_is_judged_ends_so() -> None:
    world, _, video = await made(SILENT)
    hub = Orchestrator(world, video)
    while (await hub.call()).get("doing") != Doing.JUDGING:
        pass
    await world.services.records.update(
        video.owner, video.id, lambda now: now.model_copy(update={"cancel_requested": True})
    )
    end = await hub.call(woken=True)
    assert (end["kind"], end["error"]["code"]) == ("done", "cancelled")
    assert not [name for name in world.files.files if name.startswith(video.id)]


@pytest.mark.parametrize("verdict", [Passed(), VIOLENT])
async def test_a_crash_at_any_call_neither_delivers_nor_withholds_a_wrong_video(
    verdict: Verdict,
) -> None:
    world, _, video = await made(verdict)
    world.go_wrong(counter := CrashAt())
    await Orchestrator(world, video).to_the_end()
    assert counter.passed > 20
    for place in range(1, counter.passed + 1):
        world, _, video = await made(verdict)
        world.go_wrong(CrashAt(place))
        end = await Orchestrator(world, video).to_the_end()
        record = await world.record(video.id)
        assert ("error" in end) == (verdict is VIOLENT), f"crash at {place}"
        assert (record.phase is Phase.DONE) == (verdict is not VIOLENT), f"crash at {place}"
        assert ("completed" in _types(world)) == (verdict is not VIOLENT), f"crash at {place}"
        assert len(world.provider.jobs) == 1


async def test_what_the_provider_does_not_give_is_not_judged() -> None:
    world, guard, video = await made(VIOLENT)
    world.provider.files[Variant.VIDEO] = Outcome(Kind.MISSING, code="not_found")
    end = await Orchestrator(world, video).to_the_end()
    assert (end["error"]["code"], guard.seen) == ("expired", [])
