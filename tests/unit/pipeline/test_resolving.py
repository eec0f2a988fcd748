"""Of a video whose create had no clear answer an operator decides."""

from __future__ import annotations

import pytest

from dailies.pipeline.resolve import Decision, resolve_video
from dailies.providers.declaration import Recovery
from dailies.providers.outcomes import JobStatus, Kind, Outcome, UpstreamJob
from dailies.video.basics import Phase
from dailies.video.errors import Conflict, InvalidRequest, NotFound
from tests.unit.pipeline.provider import ACCEPT, LOST, RESET
from tests.unit.pipeline.recovering import Engine, step_of, until, world_of
from tests.unit.pipeline.test_never_pay_twice import submit_to_the_end


async def test_an_operator_is_asked_once_and_the_video_is_held_meanwhile() -> None:
    world = world_of(Recovery.NONE, LOST, DAILIES_UNRESOLVED_HOLD_SECONDS=86_400)
    video = await world.accepted()
    await until(world, video, Phase.UNRESOLVED)
    held = world.now
    for _ in range(5):
        step = await step_of(world, video)
        assert step == {"kind": "wait", "seconds": 3600.0, "place": None}
        world.now += step["seconds"]
    assert world.events.ids == [f"{video.id}.accepted", f"{video.id}.unresolved"]
    assert (await world.record(video.id)).status == "queued"
    world.now = held + 86_400
    step = await step_of(world, video)
    assert (step["kind"], step["error"]["code"]) == ("stop", "submit_unresolved")


async def test_the_job_that_an_operator_names_is_the_videos() -> None:
    world = world_of(Recovery.NONE, LOST)
    video = await world.accepted()
    await until(world, video, Phase.UNRESOLVED)
    engine = Engine()
    for wrong in (None, "job_nobody_knows"):
        with pytest.raises(InvalidRequest) as caught:
            await resolve_video(world.services, engine, video.id, Decision.ADOPT, wrong)
        assert caught.value.param == "job_id"
    (job_id,) = world.provider.jobs
    record = await resolve_video(world.services, engine, video.id, Decision.ADOPT, job_id)
    assert (record.phase, record.submit.job_id) == (Phase.RENDERING, job_id)
    assert video.id in engine.woken
    assert (await step_of(world, video, woken=True))["kind"] == "done"
    with pytest.raises(Conflict):
        await resolve_video(world.services, engine, video.id, Decision.RESEND)
    assert len(world.provider.submissions) == 1


async def test_a_job_of_another_video_is_not_adopted() -> None:
    world = world_of(Recovery.NONE)
    other = await world.accepted()
    await submit_to_the_end(world, other, restart_after=1)
    world.provider.behaviours = [LOST]
    video = await world.accepted()
    await until(world, video, Phase.UNRESOLVED)
    (taken,) = await world.jobs_of([other])
    with pytest.raises(Conflict, match="another"):
        await resolve_video(world.services, Engine(), video.id, Decision.ADOPT, taken)


async def test_an_operator_may_allow_another_create() -> None:
    world = world_of(Recovery.NONE, RESET)
    video = await world.accepted()
    await until(world, video, Phase.UNRESOLVED)
    await resolve_video(world.services, Engine(), video.id, Decision.RESEND)
    # Whoever is woken has no place: one is asked for before anything is sent.
    assert (await step_of(world, video, woken=True))["kind"] == "wait"
    assert len(world.provider.submissions) == 1
    assert (await step_of(world, video))["kind"] == "done"
    assert len(world.provider.jobs) == 1
    assert len(world.provider.submissions) == 2


async def test_an_operator_may_end_the_video() -> None:
    world = world_of(Recovery.NONE, LOST)
    video = await world.accepted()
    await until(world, video, Phase.UNRESOLVED)
    await resolve_video(world.services, Engine(), video.id, Decision.END)
    step = await step_of(world, video, woken=True)
    assert (step["kind"], step["error"]["code"]) == ("stop", "submit_unresolved")


async def test_of_two_decisions_the_first_is_carried_out() -> None:
    world = world_of(Recovery.NONE, LOST)
    video = await world.accepted()
    await until(world, video, Phase.UNRESOLVED)
    (job_id,) = world.provider.jobs
    await resolve_video(world.services, Engine(), video.id, Decision.END)
    for decision, job in ((Decision.ADOPT, job_id), (Decision.RESEND, None), (Decision.END, None)):
        with pytest.raises(Conflict):
            await resolve_video(world.services, Engine(), video.id, decision, job)
    step = await step_of(world, video, woken=True)
    assert (step["kind"], step["error"]["code"]) == ("stop", "submit_unresolved")


async def test_a_job_is_adopted_by_the_name_that_its_provider_gives_it() -> None:
    world = world_of(Recovery.NONE, ACCEPT, LOST)
    other = await world.accepted()
    await submit_to_the_end(world, other, restart_after=1)
    video = await world.accepted()
    await until(world, video, Phase.UNRESOLVED)
    (taken,) = await world.jobs_of([other])
    assert taken is not None
    alias = UpstreamJob("alias", JobStatus.RUNNING, named=taken)
    world.provider.statuses["alias"] = [Outcome(Kind.ACCEPTED, job=alias)]
    with pytest.raises(Conflict, match="another"):
        await resolve_video(world.services, Engine(), video.id, Decision.ADOPT, "alias")


@pytest.mark.parametrize("decision", [Decision.RESEND, Decision.END])
async def test_a_job_that_is_named_in_vain_is_not_passed_over(decision: Decision) -> None:
    world = world_of(Recovery.NONE, LOST)
    video = await world.accepted()
    await until(world, video, Phase.UNRESOLVED)
    with pytest.raises(InvalidRequest) as caught:
        await resolve_video(world.services, Engine(), video.id, decision, "job_1")
    assert caught.value.param == "job_id"
    with pytest.raises(InvalidRequest) as caught:
        await resolve_video(world.services, Engine(), video.id, Decision.ADOPT, "j" * 100_000)
    assert caught.value.param == "job_id"


async def test_only_a_video_that_waits_for_a_decision_is_decided() -> None:
    world = world_of(Recovery.NONE)
    video = await world.accepted()
    with pytest.raises(Conflict):
        await resolve_video(world.services, Engine(), video.id, Decision.END)
    with pytest.raises(NotFound):
        await resolve_video(world.services, Engine(), "video_" + "0" * 32, Decision.END)
    with pytest.raises(NotFound):
        await resolve_video(world.services, Engine(), "'; drop", Decision.END)


async def test_a_held_video_can_be_cancelled() -> None:
    world = world_of(Recovery.NONE, LOST)
    video = await world.accepted()
    await until(world, video, Phase.UNRESOLVED)
    await world.services.records.update(
        video.owner, video.id, lambda r: r.model_copy(update={"cancel_requested": True})
    )
    step = await step_of(world, video, woken=True)
    assert (step["kind"], step["error"]["code"]) == ("stop", "cancelled")
