"""What follows an unknown outcome of a create, by what the provider lets us know."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from dailies.engine import Step
from dailies.pipeline.callbacks import receive_callback
from dailies.pipeline.check import check_video
from dailies.pipeline.costs import cost_of
from dailies.pipeline.resolve import Decision, resolve_video
from dailies.pipeline.submit import submit_video
from dailies.providers.declaration import Recovery
from dailies.providers.outcomes import JobStatus, Kind, Outcome, UpstreamJob
from dailies.video.basics import Phase
from dailies.video.errors import Conflict, InvalidRequest, NotFound
from dailies.video.record import VideoRecord
from tests.unit.pipeline.provider import ACCEPT, LOST, RESET, Behaviour
from tests.unit.pipeline.test_never_pay_twice import CrashAt, submit_to_the_end
from tests.unit.pipeline.world import World, ref

URL = "https://dailies.example"
PROVIDER = "azure-sora-2"


class Engine:
    """``Orchestrations`` of which only the waking is used."""

    def __init__(self) -> None:
        self.woken: list[str] = []

    async def raise_event(self, instance_id: str, event: str) -> None:
        self.woken.append(instance_id)

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(name)


def _world(grade: Recovery, *behaviours: Behaviour, **settings: Any) -> World:
    world = World(DAILIES_PUBLIC_URL=URL, **settings)
    world.provider.grade = grade
    world.provider.behaviours = list(behaviours)
    return world


async def _step(world: World, video: VideoRecord, **extra: Any) -> Step:
    return await submit_video(world.services, ref(video, place="first", **extra))


async def _until(world: World, video: VideoRecord, phase: Phase) -> None:
    for _ in range(50):
        step = await _step(world, video)
        if (await world.record(video.id)).phase is phase:
            return
        assert step["kind"] == "wait"
        world.now += step.get("seconds", 0.0)
    raise AssertionError(f"it never gets to {phase}")


async def _call(world: World, video: VideoRecord, job_id: str, **changed: str) -> bool:
    token = (await world.record(video.id)).submit.callback_token
    given = {"provider": PROVIDER, "token": token or "", **changed}
    return await receive_callback(
        world.services, Engine(), given["provider"], given["token"], {}, job_id.encode()
    )


@pytest.mark.parametrize("behaviour", [LOST, RESET])
async def test_a_keyed_request_is_sent_again_with_its_key(behaviour: Behaviour) -> None:
    world = _world(Recovery.KEYED, behaviour)
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
    world = _world(Recovery.KEYED, LOST, THROTTLED, refusal, DAILIES_UNRESOLVED_HOLD_SECONDS=86_400)
    video = await world.accepted(model="sora-2")
    await _until(world, video, Phase.UNRESOLVED)
    # No other deployment was asked, and nothing is sent while an operator is.
    sent = len(world.provider.submissions)
    assert sent == 3
    for _ in range(3):
        step = await _step(world, video)
        assert step["kind"] == "wait"
        world.now += step["seconds"]
    assert len(world.provider.submissions) == sent
    (job_id,) = world.provider.jobs
    record = await resolve_video(world.services, Engine(), video.id, Decision.ADOPT, job_id)
    assert record.submit.job_id == job_id
    assert not record.submit.in_doubt
    assert (await _step(world, video, woken=True))["kind"] == "done"


async def test_a_second_sending_that_nobody_takes_in_time_is_not_a_failure() -> None:
    world = _world(Recovery.KEYED, LOST, *[BROKEN] * 500, DAILIES_UNRESOLVED_HOLD_SECONDS=86_400)
    video = await world.accepted()
    for _ in range(500):
        step = await _step(world, video)
        assert step["kind"] == "wait"
        if (await world.record(video.id)).phase is Phase.UNRESOLVED:
            break
        world.now += step.get("seconds", 0.0) + 600
    else:
        raise AssertionError("it is never held")
    world.now += 86_400
    step = await _step(world, video)
    assert (step["kind"], step["error"]["code"]) == ("stop", "submit_unresolved")
    record = await world.record(video.id)
    assert cost_of(world.services, record).usd != 0.0  # the job may be there, and be charged


async def test_an_operator_may_have_what_is_in_doubt_sent_anew() -> None:
    world = _world(Recovery.KEYED, RESET, REFUSED, REFUSED)
    video = await world.accepted()
    await _until(world, video, Phase.UNRESOLVED)
    await resolve_video(world.services, Engine(), video.id, Decision.RESEND)
    step = await _step(world, video)
    # Nothing is in doubt any more: a refusal is a refusal.
    assert (step["kind"], step["error"]["code"]) == ("stop", "moderation_blocked")


@pytest.mark.parametrize("grade", [Recovery.KEYED, Recovery.LISTED])
async def test_a_crash_at_any_call_leaves_one_job(grade: Recovery) -> None:
    place, crashed = 0, True
    while crashed:
        place += 1
        world = _world(grade, LOST)
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
        world = _world(grade, behaviour, DAILIES_UNRESOLVED_HOLD_SECONDS=600)
        video = await world.accepted()
        crash = CrashAt(place)
        world.go_wrong(crash)
        step = await submit_to_the_end(world, video, restart_after=40)
        crashed = crash.passed >= place
        assert len(world.provider.submissions) <= 1, place
        assert step["kind"] == "stop", place
        assert step["error"]["code"] == "submit_unresolved", place


async def test_an_operator_is_asked_once_and_the_video_is_held_meanwhile() -> None:
    world = _world(Recovery.NONE, LOST, DAILIES_UNRESOLVED_HOLD_SECONDS=86_400)
    video = await world.accepted()
    await _until(world, video, Phase.UNRESOLVED)
    held = world.now
    for _ in range(5):
        step = await _step(world, video)
        assert step == {"kind": "wait", "seconds": 3600.0, "place": None}
        world.now += step["seconds"]
    assert world.events.ids == [f"{video.id}.accepted", f"{video.id}.unresolved"]
    assert (await world.record(video.id)).status == "queued"
    world.now = held + 86_400
    step = await _step(world, video)
    assert (step["kind"], step["error"]["code"]) == ("stop", "submit_unresolved")


async def test_the_job_that_an_operator_names_is_the_videos() -> None:
    world = _world(Recovery.NONE, LOST)
    video = await world.accepted()
    await _until(world, video, Phase.UNRESOLVED)
    engine = Engine()
    for wrong in (None, "job_nobody_knows"):
        with pytest.raises(InvalidRequest) as caught:
            await resolve_video(world.services, engine, video.id, Decision.ADOPT, wrong)
        assert caught.value.param == "job_id"
    (job_id,) = world.provider.jobs
    record = await resolve_video(world.services, engine, video.id, Decision.ADOPT, job_id)
    assert (record.phase, record.submit.job_id) == (Phase.RENDERING, job_id)
    assert video.id in engine.woken
    assert (await _step(world, video, woken=True))["kind"] == "done"
    with pytest.raises(Conflict):
        await resolve_video(world.services, engine, video.id, Decision.RESEND)
    assert len(world.provider.submissions) == 1


async def test_a_job_of_another_video_is_not_adopted() -> None:
    world = _world(Recovery.NONE)
    other = await world.accepted()
    await submit_to_the_end(world, other, restart_after=1)
    world.provider.behaviours = [LOST]
    video = await world.accepted()
    await _until(world, video, Phase.UNRESOLVED)
    (taken,) = await world.jobs_of([other])
    with pytest.raises(Conflict, match="another"):
        await resolve_video(world.services, Engine(), video.id, Decision.ADOPT, taken)


async def test_an_operator_may_allow_another_create() -> None:
    world = _world(Recovery.NONE, RESET)
    video = await world.accepted()
    await _until(world, video, Phase.UNRESOLVED)
    await resolve_video(world.services, Engine(), video.id, Decision.RESEND)
    # Whoever is woken has no place: one is asked for before anything is sent.
    assert (await _step(world, video, woken=True))["kind"] == "wait"
    assert len(world.provider.submissions) == 1
    assert (await _step(world, video))["kind"] == "done"
    assert len(world.provider.jobs) == 1
    assert len(world.provider.submissions) == 2


async def test_an_operator_may_end_the_video() -> None:
    world = _world(Recovery.NONE, LOST)
    video = await world.accepted()
    await _until(world, video, Phase.UNRESOLVED)
    await resolve_video(world.services, Engine(), video.id, Decision.END)
    step = await _step(world, video, woken=True)
    assert (step["kind"], step["error"]["code"]) == ("stop", "submit_unresolved")


async def test_of_two_decisions_the_first_is_carried_out() -> None:
    world = _world(Recovery.NONE, LOST)
    video = await world.accepted()
    await _until(world, video, Phase.UNRESOLVED)
    (job_id,) = world.provider.jobs
    await resolve_video(world.services, Engine(), video.id, Decision.END)
    for decision, job in ((Decision.ADOPT, job_id), (Decision.RESEND, None), (Decision.END, None)):
        with pytest.raises(Conflict):
            await resolve_video(world.services, Engine(), video.id, decision, job)
    step = await _step(world, video, woken=True)
    assert (step["kind"], step["error"]["code"]) == ("stop", "submit_unresolved")


async def test_a_job_is_adopted_by_the_name_that_its_provider_gives_it() -> None:
    world = _world(Recovery.NONE, ACCEPT, LOST)
    other = await world.accepted()
    await submit_to_the_end(world, other, restart_after=1)
    video = await world.accepted()
    await _until(world, video, Phase.UNRESOLVED)
    (taken,) = await world.jobs_of([other])
    assert taken is not None
    alias = UpstreamJob("alias", JobStatus.RUNNING, named=taken)
    world.provider.statuses["alias"] = [Outcome(Kind.ACCEPTED, job=alias)]
    with pytest.raises(Conflict, match="another"):
        await resolve_video(world.services, Engine(), video.id, Decision.ADOPT, "alias")


@pytest.mark.parametrize("decision", [Decision.RESEND, Decision.END])
async def test_a_job_that_is_named_in_vain_is_not_passed_over(decision: Decision) -> None:
    world = _world(Recovery.NONE, LOST)
    video = await world.accepted()
    await _until(world, video, Phase.UNRESOLVED)
    with pytest.raises(InvalidRequest) as caught:
        await resolve_video(world.services, Engine(), video.id, decision, "job_1")
    assert caught.value.param == "job_id"
    with pytest.raises(InvalidRequest) as caught:
        await resolve_video(world.services, Engine(), video.id, Decision.ADOPT, "j" * 100_000)
    assert caught.value.param == "job_id"


async def test_only_a_video_that_waits_for_a_decision_is_decided() -> None:
    world = _world(Recovery.NONE)
    video = await world.accepted()
    with pytest.raises(Conflict):
        await resolve_video(world.services, Engine(), video.id, Decision.END)
    with pytest.raises(NotFound):
        await resolve_video(world.services, Engine(), "video_" + "0" * 32, Decision.END)
    with pytest.raises(NotFound):
        await resolve_video(world.services, Engine(), "'; drop", Decision.END)


async def test_a_held_video_can_be_cancelled() -> None:
    world = _world(Recovery.NONE, LOST)
    video = await world.accepted()
    await _until(world, video, Phase.UNRESOLVED)
    await world.services.records.update(
        video.owner, video.id, lambda r: r.model_copy(update={"cancel_requested": True})
    )
    step = await _step(world, video, woken=True)
    assert (step["kind"], step["error"]["code"]) == ("stop", "cancelled")


async def test_a_call_heals_a_lost_answer_and_wakes_the_video() -> None:
    world = _world(Recovery.CALLED_BACK, LOST)
    video = await world.accepted()
    await _step(world, video)
    (job_id,) = world.provider.jobs
    (submission,) = world.provider.submissions
    token = (await world.record(video.id)).submit.callback_token
    assert submission.callback_url == f"{URL}/callbacks/{PROVIDER}/{token}"
    engine = Engine()
    assert await receive_callback(
        world.services, engine, PROVIDER, token or "", {}, job_id.encode()
    )
    assert await world.jobs_of([video]) == [job_id]
    assert f"{video.id}-check_video-0" in engine.woken
    assert (await _step(world, video))["kind"] == "done"
    assert await _call(world, video, job_id)  # providers repeat themselves


async def test_a_call_heals_a_video_that_is_held_already() -> None:
    world = _world(Recovery.CALLED_BACK, LOST, DAILIES_CALLBACK_WAIT_SECONDS=600)
    video = await world.accepted()
    began = world.now
    await _until(world, video, Phase.UNRESOLVED)
    assert world.now - began >= 600
    (job_id,) = world.provider.jobs
    assert await _call(world, video, job_id)
    assert (await world.record(video.id)).submit.unresolved_since is None


async def test_a_call_about_a_second_job_of_the_video_is_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "dailies")
    world = _world(Recovery.CALLED_BACK, LOST, LOST, ACCEPT)
    other = await world.accepted()
    await _step(world, other)
    video = await world.accepted()
    await _step(world, video)
    theirs, first = world.provider.jobs
    await _call(world, other, theirs)
    await _until(world, video, Phase.UNRESOLVED)
    await resolve_video(world.services, Engine(), video.id, Decision.RESEND)
    await _step(world, video)
    second = (await world.record(video.id)).submit.job_id
    for job_id in (second, theirs, "job_nobody_knows"):
        await _call(world, video, job_id or "")
    assert "job_left_over" not in caplog.text
    await _call(world, video, first)
    assert f'"job_left_over", "video_id": "{video.id}"' in caplog.text
    assert f'"job_id": "{first}"' in caplog.records[-1].message


async def test_nothing_that_a_call_says_is_believed() -> None:
    world = _world(Recovery.CALLED_BACK, LOST, LOST)
    other = await world.accepted()
    await _step(world, other)
    video = await world.accepted()
    await _step(world, video)
    theirs, ours = world.provider.jobs
    await _call(world, other, theirs)
    token = (await world.record(video.id)).submit.callback_token or ""
    assert not await _call(world, video, "job_nobody_knows")
    assert not await _call(world, video, theirs)
    assert not await _call(world, video, "")
    for wrong in (token[:-1] + "x", token[:32], "", "\udcff", "0" * 32 + token[32:]):
        assert not await _call(world, video, ours, token=wrong)
    assert not await _call(world, video, ours, provider="fal")
    assert await _call(world, video, ours)
    assert await world.jobs_of([other, video]) == [theirs, ours]


async def test_without_an_address_of_its_own_the_app_is_not_called() -> None:
    world = World()
    world.provider.grade = Recovery.CALLED_BACK
    world.provider.behaviours = [LOST]
    video = await world.accepted()
    await _until(world, video, Phase.UNRESOLVED)
    assert [s.callback_url for s in world.provider.submissions] == [None]


async def test_where_we_are_called_few_looks_are_taken() -> None:
    world = _world(Recovery.CALLED_BACK)
    video = await world.accepted()
    step = await _step(world, video)
    looks, waited = 0, 0.0
    (job_id,) = world.provider.jobs
    world.provider.statuses[job_id] = [
        Outcome(Kind.ACCEPTED, job=UpstreamJob(job_id, JobStatus.RUNNING, progress=10))
    ]
    while waited + step["seconds"] < 300:
        waited += step["seconds"]
        world.now += step["seconds"]
        looks += 1
        step = await check_video(world.services, ref(video))
    assert looks + 1 <= 4


@pytest.mark.parametrize("status", [JobStatus.COMPLETED, JobStatus.FAILED])
async def test_what_the_provider_says_that_it_charges_is_the_cost(status: JobStatus) -> None:
    world = _world(Recovery.LISTED)
    video = await world.accepted()
    await _step(world, video)
    (job_id,) = world.provider.jobs
    world.provider.statuses[job_id] = [
        Outcome(Kind.ACCEPTED, job=UpstreamJob(job_id, status, cost_usd=0.123))
    ]
    await check_video(world.services, ref(video))
    assert (await world.record(video.id)).submit.charged_usd == 0.123
