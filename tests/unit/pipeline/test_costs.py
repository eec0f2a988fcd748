"""What a video costs that did not become one: what its provider charges, or may."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from dailies.engine import Step
from dailies.pipeline.archive import archive_video
from dailies.pipeline.check import check_video
from dailies.pipeline.finish import finish_video
from dailies.pipeline.submit import submit_video
from dailies.pipeline.sweep import sweep
from dailies.providers.outcomes import JobStatus, Kind, Outcome, UpstreamJob
from dailies.video.basics import Phase, Size
from dailies.video.record import VideoRecord
from dailies.video.request import VideoRequest
from tests.unit.pipeline.memory import no_point
from tests.unit.pipeline.provider import LOST, RESET, Behaviour
from tests.unit.pipeline.schedule import Crash
from tests.unit.pipeline.test_sweep import Hub
from tests.unit.pipeline.world import CATALOGUE, World, ref

PRICE = 0.4
SHARE = 0.25
_PRICED = CATALOGUE.replace(
    "        quota: {requests_per_minute: 2",
    f"        failed_share: {SHARE}\n        quota: {{requests_per_minute: 2",
)
_REFUSES = Outcome(Kind.REFUSED, code="not_cancellable", http_status=400)
_SILENT = Outcome(Kind.TRANSIENT, code="provider_error", http_status=503)
_REFUSED = Behaviour(False, Outcome(Kind.REFUSED, code="moderation_blocked"))


def _seen(status: JobStatus, usd: float | None = None) -> Outcome:
    return Outcome(Kind.ACCEPTED, job=UpstreamJob(id="job", status=status, cost_usd=usd))


RUNNING = _seen(JobStatus.RUNNING)


def _world(**settings: Any) -> World:
    return World(catalogue=_PRICED, **settings)


async def _to_the_end(world: World, video: VideoRecord) -> VideoRecord:
    """Every step in its order, as the orchestration calls them."""
    error: dict[str, str] | None = None
    for step in (submit_video, check_video, archive_video):
        last = await _until_over(world, step, video)
        if last["kind"] == "stop":
            error = last["error"]
            break
    await finish_video(world.services, ref(video, error=error))
    return await world.record(video.id)


async def _until_over(
    world: World, step: Callable[..., Any], video: VideoRecord, most: int = 2000
) -> Step:
    for _ in range(most):
        answer: Step = await step(world.services, ref(video))
        if answer["kind"] != "wait":
            return answer
        world.now += max(answer["seconds"], 1)
    raise AssertionError(f"{step.__name__} does not end")


async def _cancel(world: World, video: VideoRecord) -> None:
    await world.services.records.update(
        video.owner, video.id, lambda r: r.model_copy(update={"cancel_requested": True})
    )


async def _sent(world: World) -> VideoRecord:
    """A video whose job runs."""
    video = await world.accepted()
    await submit_video(world.services, ref(video))
    world.now += 60
    return video


@dataclass
class Case:
    """A way to end without a video.

    Attributes:
        cost: US dollars and whether that is an estimate.
        statuses: what the provider says of the job, the last of it for ever.
        cancels: what it says to being told to stop.
    """

    cost: tuple[float, bool]
    statuses: list[Outcome] = field(default_factory=lambda: [RUNNING])
    cancels: list[Outcome] = field(default_factory=list)


CANCELLED = {
    "the provider stops it": Case((PRICE * SHARE, False)),
    "the provider stops nothing": Case((PRICE, True), cancels=[_REFUSES] * 9),
    "the provider could not be told": Case((PRICE, True), cancels=[_SILENT] * 2000),
    "it was complete": Case((PRICE, False), [_seen(JobStatus.COMPLETED)]),
    "it had failed": Case((PRICE * SHARE, False), [_seen(JobStatus.FAILED)], [_REFUSES] * 9),
    "it was gone": Case((PRICE, True), [Outcome(Kind.MISSING)]),
    "nobody knows how it does": Case((PRICE, True), [_SILENT]),
    "the answer was lost and it is gone": Case(
        (PRICE * SHARE, False), [RUNNING, Outcome(Kind.MISSING)], [_SILENT]
    ),
    # What a provider says of the cost goes before all prices.
    "it is charged though it is stopped": Case((0.3, False), [_seen(JobStatus.RUNNING, 0.3)]),
    "it is charged, and the answer was lost": Case(
        (0.3, False), [_seen(JobStatus.RUNNING, 0.3), Outcome(Kind.MISSING)], [_SILENT]
    ),
    "it would be charged, but goes on": Case(
        (PRICE, True), [_seen(JobStatus.RUNNING, 0.3)], [_REFUSES] * 9
    ),
    "it would be charged, and could not be told": Case(
        (0.3, True), [_seen(JobStatus.RUNNING, 0.3)], [_SILENT] * 2000
    ),
    "it had failed, and told its cost": Case((0.2, False), [_seen(JobStatus.FAILED, 0.2)]),
}


@pytest.mark.parametrize("why", CANCELLED)
async def test_a_cancelled_video_costs_what_becomes_of_its_job(why: str) -> None:
    case, world = CANCELLED[why], _world()
    video = await _sent(world)
    world.provider.statuses["*"] = list(case.statuses)
    world.provider.cancel_answers = list(case.cancels)
    await _cancel(world, video)
    ended = await _to_the_end(world, video)
    assert ended.error is not None
    assert ended.error.code == "cancelled"
    assert (ended.cost_usd, ended.cost_is_estimate) == case.cost


@pytest.mark.parametrize(
    ("status", "code", "cost"),
    [
        (_seen(JobStatus.FAILED), "job_failed", (PRICE * SHARE, False)),
        (_seen(JobStatus.EXPIRED), "job_expired", (PRICE * SHARE, False)),
        (Outcome(Kind.MISSING), "job_vanished", (PRICE, True)),
        (Outcome(Kind.RETIRED), "model_retired", (PRICE, True)),
    ],
)
async def test_a_job_that_ends_by_itself_costs_what_its_provider_says(
    status: Outcome, code: str, cost: tuple[float, bool]
) -> None:
    world = _world()
    video = await _sent(world)
    world.provider.statuses["*"] = [status]
    ended = await _to_the_end(world, video)
    assert ended.error is not None
    assert ended.error.code == code
    assert (ended.cost_usd, ended.cost_is_estimate) == cost


@pytest.mark.parametrize(
    ("cancels", "cost"), [([], (PRICE * SHARE, False)), ([_REFUSES], (PRICE, True))]
)
async def test_a_job_that_took_too_long_is_paid_for_unless_it_is_stopped(
    cancels: list[Outcome], cost: tuple[float, bool]
) -> None:
    world = _world()
    video = await _sent(world)
    world.provider.statuses["*"] = [RUNNING]
    world.provider.cancel_answers = cancels
    ended = await _to_the_end(world, video)
    assert ended.error is not None
    assert ended.error.code == "timeout"
    assert (ended.cost_usd, ended.cost_is_estimate) == cost


async def test_a_render_that_could_not_be_fetched_was_charged() -> None:
    world = _world()
    video = await _sent(world)
    for variant in ("video", "thumbnail", "spritesheet"):
        world.provider.files[variant] = Outcome(Kind.REFUSED, code="gone")  # type: ignore[index] # a StrEnum's value
    ended = await _to_the_end(world, video)
    assert (ended.cost_usd, ended.cost_is_estimate) == (PRICE, False)


@pytest.mark.parametrize("behaviour", [_REFUSED, RESET])
async def test_without_a_job_nothing_is_charged(behaviour: Behaviour) -> None:
    world = _world()
    world.provider.behaviours = [behaviour]
    video = await world.accepted()
    await submit_video(world.services, ref(video))
    await _cancel(world, video)
    ended = await _to_the_end(world, video)
    assert (ended.cost_usd, ended.cost_is_estimate) == (0.0, False)


async def test_a_request_that_nobody_knows_the_end_of_may_be_charged() -> None:
    world = _world(DAILIES_UNRESOLVED_SUBMIT="fail")
    world.provider.behaviours = [RESET]
    ended = await _to_the_end(world, await world.accepted())
    assert ended.error is not None
    assert ended.error.code == "submit_unresolved"
    assert (ended.cost_usd, ended.cost_is_estimate) == (PRICE, True)


async def test_a_job_that_was_lost_and_found_is_stopped() -> None:
    world = _world()
    world.provider.behaviours = [LOST]
    world.provider.statuses["*"] = [RUNNING]
    video = await world.accepted()
    await submit_video(world.services, ref(video))
    await _cancel(world, video)
    ended = await _to_the_end(world, video)
    assert world.provider.cancelled == list(world.provider.jobs)
    assert (ended.cost_usd, ended.cost_is_estimate) == (PRICE * SHARE, False)


async def test_a_crash_at_any_call_leaves_the_cost_of_a_stopped_job() -> None:
    place = 0
    while True:
        place += 1
        world = _world()
        video = await _sent(world)
        world.provider.statuses["*"] = [RUNNING]
        await _cancel(world, video)
        passed = 0

        async def crash(name: str, place: int = place, world: World = world) -> None:
            nonlocal passed
            if name == "cancel ended":
                world.provider.statuses["*"] = [Outcome(Kind.MISSING)]
            passed += 1
            if passed == place:
                raise Crash

        world.go_wrong(crash)
        crashed = False
        try:
            ended = await _to_the_end(world, video)
        except Crash:
            crashed = True
            ended = await _to_the_end(world, video)
        assert (ended.cost_usd, ended.cost_is_estimate) == (PRICE * SHARE, False), place
        if not crashed:
            break
    assert place > 8


# -- afterwards


async def _reminders(world: World) -> list[str]:
    return [video.id async for video in world.services.records.open.reminders()]


async def _still_running(world: World) -> VideoRecord:
    """A video that was cancelled though its provider goes on."""
    video = await _sent(world)
    world.provider.statuses["*"] = [RUNNING]
    world.provider.cancel_answers = [_REFUSES] * 99
    await _cancel(world, video)
    await _to_the_end(world, video)
    return video


@pytest.mark.parametrize(
    ("status", "usd"), [(JobStatus.COMPLETED, PRICE), (JobStatus.FAILED, PRICE * SHARE)]
)
async def test_an_estimate_is_settled_when_the_job_has_ended(status: JobStatus, usd: float) -> None:
    world, hub = _world(), Hub()
    video = await _still_running(world)
    assert await _reminders(world) == [video.id]
    opened = [other.id async for other in world.services.records.open.videos()]
    assert opened == [video.id]  # for its own events
    await sweep(world.services, hub)
    assert (await world.record(video.id)).cost_is_estimate
    world.provider.statuses["*"] = [_seen(status)]
    world.now += 300
    assert (await sweep(world.services, hub))["settled"] == 1
    settled = await world.record(video.id)
    assert (settled.cost_usd, settled.cost_is_estimate) == (usd, False)
    assert await _reminders(world) == []


async def test_a_job_that_goes_on_is_told_again_to_stop() -> None:
    world, hub = _world(), Hub()
    video = await _still_running(world)
    world.provider.cancel_answers = []
    world.now += 300
    await sweep(world.services, hub)
    settled = await world.record(video.id)
    assert (settled.cost_usd, settled.cost_is_estimate) == (PRICE * SHARE, False)


async def test_a_crash_at_any_call_settles_an_estimate_all_the_same() -> None:
    place = 0
    while True:
        place += 1
        world, hub = _world(), Hub()
        video = await _still_running(world)
        world.provider.cancel_answers = []
        passed = 0

        async def crash(name: str, place: int = place) -> None:
            nonlocal passed
            passed += 1
            if passed == place:
                raise Crash

        world.go_wrong(crash)
        crashed = False
        for _ in range(3):
            try:
                await sweep(world.services, hub)
            except Crash:
                crashed = True
        world.go_wrong(no_point)
        settled = await world.record(video.id)
        assert (settled.cost_usd, settled.cost_is_estimate) == (PRICE * SHARE, False), place
        assert await _reminders(world) == []
        if not crashed and passed < place:
            break
    assert place > 8


async def test_a_job_without_a_price_is_stopped_afterwards_too() -> None:
    world, hub = (
        World(catalogue=CATALOGUE.replace("prices: {default: 0.10}", "prices: null")),
        Hub(),
    )
    video = await _still_running(world)
    ended = await world.record(video.id)
    assert (ended.cost_usd, ended.cost_is_estimate) == (None, False)
    world.provider.cancel_answers = []
    world.provider.cancelled.clear()
    assert (await sweep(world.services, hub))["settled"] == 1
    assert world.provider.cancelled == list(world.provider.jobs)


async def test_nobody_is_asked_about_a_job_for_longer_than_providers_keep_it() -> None:
    world, hub = _world(), Hub()
    video = await _still_running(world)
    world.now += 90_000
    assert (await sweep(world.services, hub))["settled"] == 1
    assert (await world.record(video.id)).cost_is_estimate
    assert await _reminders(world) == []


@pytest.mark.parametrize(("sound", "usd"), [(None, PRICE), (True, PRICE), (False, PRICE / 2)])
async def test_what_is_wanted_without_sound_costs_what_that_costs(
    sound: bool | None, usd: float
) -> None:
    quiet = _PRICED.replace(
        "        failed_share:",
        f"        sound: chosen\n        silent_prices: {{default: {PRICE / 8}}}\n"
        "        failed_share:",
    ).replace(
        "provider: azure-sora-2",
        "provider: openai-videos\n        options: {names: {sound: generate_audio}}",
    )
    world = World(catalogue=quiet)
    request = VideoRequest(
        model="sora-2", prompt="A pier at dawn", seconds=4, size=Size(720, 1280), sound=sound
    )
    ended = await _to_the_end(world, await world.accepted(request=request))
    assert ended.cost_usd == pytest.approx(usd)


@pytest.mark.parametrize("code", ["no_video", "no_generations"])
async def test_a_job_that_is_done_without_a_video_costs_its_whole_price(code: str) -> None:
    world = _world()
    video = await world.accepted()
    empty = UpstreamJob(id="job", status=JobStatus.FAILED, error_code=code)
    world.provider.statuses["*"] = [Outcome(Kind.ACCEPTED, job=empty)]
    ended = await _to_the_end(world, video)
    assert (ended.phase, ended.cost_usd) == (Phase.FAILED, PRICE)
