"""What follows an unknown outcome of a create, by what the provider lets us know."""

from __future__ import annotations

import pytest

from dailies.pipeline.check import check_video
from dailies.pipeline.costs import cost_of
from dailies.pipeline.resolve import Decision, resolve_video
from dailies.providers.declaration import Recovery
from dailies.providers.outcomes import JobStatus, Kind, Outcome, UpstreamJob
from dailies.video.basics import Phase
from tests.unit.pipeline.provider import LOST, RESET, Behaviour
from tests.unit.pipeline.recovering import Engine, step_of, until, world_of
from tests.unit.pipeline.test_never_pay_twice import CrashAt, submit_to_the_end
from tests.unit.pipeline.world import ref


@pytest.mark.parametrize("behaviour", [LOST, RESET])
async def test_a_keyed_request_is_sent_again_with_its_key(behaviour: Behaviour) -> None:
    world = world_of(Recovery.KEYED, behaviour)
    video = await world.accepted()
    step = await submit_to_the_end(world, video, restart_after=1)
    assert step["kind"] == "done"
    assert list(world.provider.jobs) == await world.jobs_of([video])
    assert [s.video_id for s in world.provider.submissions] == [video.id] * 2


RETIRED = Behaviour(False, Outcome(Kind.RETIRED, code="model_retired", http_status=410))
REFUSED = Behaviour(False, Outcome(Kind.REFUSED, code="moderation_blocked", http_status=400))
UNAUTHORISED = Behaviour(False, Outcome(Kind.UNAUTHORISED, code="unauthorised", http_status=401))
MISSING = Behaviour(False, Outcome(Kind.MISSING, code="not_found", http_status=404))
THROTTLED = Behaviour(False, Outcome(Kind.THROTTLED, code="throttled", http_status=429))
BROKEN = Behaviour(False, Outcome(Kind.TRANSIENT, code="provider_error", http_status=503))


@pytest.mark.parametrize("refusal", [RETIRED, REFUSED, UNAUTHORISED, MISSING])
async def test_a_refusal_of_the_second_sending_says_nothing_of_the_first(
    refusal: Behaviour,
) -> None:
    world = world_of(
        Recovery.KEYED, LOST, THROTTLED, refusal, DAILIES_UNRESOLVED_HOLD_SECONDS=86_400
    )
    video = await world.accepted(model="sora-2")
    await until(world, video, Phase.UNRESOLVED)
    # No other deployment was asked, and nothing is sent while an operator is.
    sent = len(world.provider.submissions)
    assert sent == 3
    for _ in range(3):
        step = await step_of(world, video)
        assert step["kind"] == "wait"
        world.now += step["seconds"]
    assert len(world.provider.submissions) == sent
    (job_id,) = world.provider.jobs
    record = await resolve_video(world.services, Engine(), video.id, Decision.ADOPT, job_id)
    assert record.submit.job_id == job_id
    assert not record.submit.in_doubt
    assert (await step_of(world, video, woken=True))["kind"] == "done"


async def test_a_second_sending_that_nobody_takes_in_time_is_not_a_failure() -> None:
    world = world_of(Recovery.KEYED, LOST, *[BROKEN] * 500, DAILIES_UNRESOLVED_HOLD_SECONDS=86_400)
    video = await world.accepted()
    for _ in range(500):
        step = await step_of(world, video)
        assert step["kind"] == "wait"
        if (await world.record(video.id)).phase is Phase.UNRESOLVED:
            break
        world.now += step.get("seconds", 0.0) + 600
    else:
        raise AssertionError("it is never held")
    world.now += 86_400
    step = await step_of(world, video)
    assert (step["kind"], step["error"]["code"]) == ("stop", "submit_unresolved")
    record = await world.record(video.id)
    assert cost_of(world.services, record).usd != 0.0  # the job may be there, and be charged


async def test_an_operator_may_have_what_is_in_doubt_sent_anew() -> None:
    world = world_of(Recovery.KEYED, RESET, REFUSED, REFUSED)
    video = await world.accepted()
    await until(world, video, Phase.UNRESOLVED)
    await resolve_video(world.services, Engine(), video.id, Decision.RESEND)
    step = await step_of(world, video)
    # Nothing is in doubt any more: a refusal is a refusal.
    assert (step["kind"], step["error"]["code"]) == ("stop", "moderation_blocked")


@pytest.mark.parametrize("grade", [Recovery.KEYED, Recovery.LISTED])
async def test_a_crash_at_any_call_leaves_one_job(grade: Recovery) -> None:
    place, crashed = 0, True
    while crashed:
        place += 1
        world = world_of(grade, LOST)
        video = await world.accepted()
        crash = CrashAt(place)
        world.go_wrong(crash)
        step = await submit_to_the_end(world, video, restart_after=40)
        crashed = crash.passed >= place
        assert step["kind"] == "done", place
        assert list(world.provider.jobs) == await world.jobs_of([video]), place
    assert place > 8


@pytest.mark.parametrize("grade", [Recovery.NONE, Recovery.CALLED_BACK, Recovery.WHEN_COMPLETED])
@pytest.mark.parametrize("behaviour", [LOST, RESET])
async def test_on_a_weak_grade_nothing_is_ever_sent_again_by_itself(
    grade: Recovery, behaviour: Behaviour
) -> None:
    place, crashed = 0, True
    while crashed:
        place += 1
        world = world_of(grade, behaviour, DAILIES_UNRESOLVED_HOLD_SECONDS=600)
        video = await world.accepted()
        crash = CrashAt(place)
        world.go_wrong(crash)
        step = await submit_to_the_end(world, video, restart_after=40)
        crashed = crash.passed >= place
        assert len(world.provider.submissions) <= 1, place
        assert step["kind"] == "stop", place
        assert step["error"]["code"] == "submit_unresolved", place


@pytest.mark.parametrize("status", [JobStatus.COMPLETED, JobStatus.FAILED])
async def test_what_the_provider_says_that_it_charges_is_the_cost(status: JobStatus) -> None:
    world = world_of(Recovery.LISTED)
    video = await world.accepted()
    await step_of(world, video)
    (job_id,) = world.provider.jobs
    world.provider.statuses[job_id] = [
        Outcome(Kind.ACCEPTED, job=UpstreamJob(job_id, status, cost_usd=0.123))
    ]
    await check_video(world.services, ref(video))
    assert (await world.record(video.id)).submit.charged_usd == 0.123
