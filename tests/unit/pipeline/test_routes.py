"""Videos on their way through deployments of which some do not work."""

from __future__ import annotations

import dataclasses
import json
import logging
from typing import Any

import pytest
from azure.core.exceptions import ResourceNotFoundError

from dailies.catalogue import Deployment
from dailies.engine import Step
from dailies.pipeline.check import check_video
from dailies.pipeline.manifest import manifest_of
from dailies.pipeline.submit import submit_video
from dailies.providers.declaration import Recovery
from dailies.providers.outcomes import Kind, Outcome
from dailies.stores.health import State
from dailies.video.record import VideoRecord
from tests.unit.pipeline.provider import LOST, RESET, Behaviour, FakeProvider
from tests.unit.pipeline.world import CATALOGUE, World, ref

TRANSIENT = Behaviour(False, Outcome(Kind.TRANSIENT, code="connection_failed"))
SHUT_OUT = Behaviour(False, Outcome(Kind.UNAUTHORISED, code="missing_role", message="No."))
NO_CREDIT = Behaviour(False, Outcome(Kind.REFUSED, code="no_credit", message="No credit."))
RETIRED = Behaviour(False, Outcome(Kind.RETIRED, code="model_retired", message="Gone."))
MODERATED = Behaviour(False, Outcome(Kind.REFUSED, code="moderation_blocked", message="No."))
ALONE = CATALOGUE.replace("    fallbacks: [spare]\n", "")


class Both:
    """``Adapters`` of the deployments, each with a provider of its own."""

    def __init__(self, world: World) -> None:
        self.by_name = {name: FakeProvider(world.clock) for name in ("first", "second")}

    def adapter(self, deployment: Deployment) -> FakeProvider:
        return self.by_name[deployment.name]

    def recovery(self, deployment: Deployment) -> Recovery:
        return self.adapter(deployment).grade

    def calls_back(self, deployment: Deployment) -> bool:
        return False


class Route:
    """A world in which deployments differ."""

    def __init__(self, *, catalogue: str = CATALOGUE, **settings: Any) -> None:
        self.world = World(catalogue=catalogue, **settings)
        self.both = Both(self.world)
        self.services = dataclasses.replace(self.world.services, providers=self.both)

    def always(self, name: str, behaviour: Behaviour) -> None:
        """From now on the deployment answers so."""
        self.both.by_name[name].behaviours = [behaviour] * 500

    async def submit(self, video: VideoRecord, *, within: float = 7200) -> Step:
        """As the orchestration does, for at most so long."""
        until = self.world.now + within
        while True:
            step = await submit_video(self.services, ref(video))
            if step["kind"] != "wait" or self.world.now > until:
                return step
            self.world.now += step.get("seconds", 0.0)

    async def place(self, video: VideoRecord) -> str | None:
        return (await self.world.record(video.id)).submit.deployment

    @property
    def jobs(self) -> int:
        return sum(len(each.jobs) for each in self.both.by_name.values())

    def state(self, name: str = "first") -> State:
        known = self.services.health.known.get(name)
        return State.WELL if known is None else known.state


async def test_one_goes_bad_in_the_middle_and_the_rest_arrive_by_the_other() -> None:
    route = Route()
    videos = [await route.world.accepted(f"number {number}") for number in range(40)]
    for number, video in enumerate(videos):
        if number == 15:
            route.always("first", RESET)
        assert (await route.submit(video))["kind"] == "done"
    places = [await route.place(video) for video in videos]
    assert set(places[:15]) == {"first"}
    assert set(places[20:]) == {"second"}
    assert route.jobs == 40


@pytest.mark.parametrize("behaviour", [TRANSIENT, RESET], ids=["no connection", "unknown"])
async def test_a_video_on_which_one_deployment_fails_is_sent_to_another(
    behaviour: Behaviour,
) -> None:
    route = Route()
    route.always("first", behaviour)
    video = await route.world.accepted()
    assert (await route.submit(video))["kind"] == "done"
    assert await route.place(video) == "second"
    assert len(route.both.by_name["first"].submissions) == 3
    assert route.state() is State.WELL


@pytest.mark.parametrize("behaviour", [TRANSIENT, RESET], ids=["no connection", "unknown"])
async def test_it_comes_back_once_it_works_again(behaviour: Behaviour) -> None:
    route = Route()
    route.always("first", behaviour)
    for _ in range(8):
        await route.submit(await route.world.accepted())
    assert route.state() is State.RESTING
    sent = len(route.both.by_name["first"].submissions)
    assert sent < 10
    route.both.by_name["first"].behaviours = []
    route.world.now += 600
    video = await route.world.accepted()
    await route.submit(video)
    assert (await route.place(video), route.state()) == ("first", State.WELL)


async def test_with_one_deployment_it_waits_and_is_not_lost() -> None:
    route = Route(catalogue=ALONE)
    route.always("first", TRANSIENT)
    videos = [await route.world.accepted(f"number {number}") for number in range(6)]
    for video in videos:
        assert (await route.submit(video, within=600))["kind"] == "wait"
    route.both.by_name["first"].behaviours = []
    for video in videos:
        assert (await route.submit(video))["kind"] == "done"
    assert route.jobs == 6


async def test_only_one_tries_and_the_others_wait_for_it() -> None:
    route = Route(catalogue=ALONE)
    route.always("first", TRANSIENT)
    for _ in range(5):
        await submit_video(route.services, ref(await route.world.accepted()))
    assert route.state() is State.RESTING
    route.world.now += 31
    sent = len(route.both.by_name["first"].submissions)
    for _ in range(5):
        await submit_video(route.services, ref(await route.world.accepted()))
    assert len(route.both.by_name["first"].submissions) == sent + 1


@pytest.mark.parametrize("behaviour", [SHUT_OUT, NO_CREDIT], ids=["no role", "no credit"])
async def test_one_that_is_shut_is_left_for_the_other_and_operators_are_told(
    behaviour: Behaviour, caplog: pytest.LogCaptureFixture
) -> None:
    route = Route()
    route.always("first", behaviour)
    videos = [await route.world.accepted(f"number {number}") for number in range(5)]
    for video in videos:
        assert (await route.submit(video))["kind"] == "done"
    assert len(route.both.by_name["first"].submissions) == 1
    assert len(route.both.by_name["second"].jobs) == 5
    told = [r for r in caplog.records if "deployment_shut" in r.getMessage()]
    assert [record.levelno for record in told] == [logging.ERROR]


async def test_without_another_what_is_shut_says_so_to_each_and_works_once_it_is_mended() -> None:
    route = Route(catalogue=ALONE)
    route.always("first", SHUT_OUT)
    for _ in range(3):
        step = await route.submit(await route.world.accepted())
        assert (step["kind"], step.get("error", {}).get("code")) == ("stop", "missing_role")
    route.both.by_name["first"].behaviours = []
    assert (await route.submit(await route.world.accepted()))["kind"] == "done"
    assert route.state() is State.WELL


async def test_a_retired_one_is_asked_once_for_all_videos() -> None:
    route = Route()
    route.always("first", RETIRED)
    for _ in range(4):
        assert (await route.submit(await route.world.accepted()))["kind"] == "done"
        route.world.now += 86_400
    assert len(route.both.by_name["first"].submissions) == 1
    assert route.state() is State.GONE


async def test_without_another_a_retired_one_is_not_asked_again() -> None:
    route = Route(catalogue=ALONE)
    route.always("first", RETIRED)
    for _ in range(3):
        step = await route.submit(await route.world.accepted())
        assert (step["kind"], step.get("error", {}).get("code")) == ("stop", "model_retired")
    assert len(route.both.by_name["first"].submissions) == 1


async def test_a_refusal_goes_nowhere_else() -> None:
    route = Route()
    route.always("first", MODERATED)
    step = await route.submit(await route.world.accepted())
    assert (step["kind"], step.get("error", {}).get("code")) == ("stop", "moderation_blocked")
    assert not route.both.by_name["second"].submissions
    assert route.state() is State.WELL


@pytest.mark.parametrize("behaviour", [LOST, RESET], ids=["taken", "not taken"])
async def test_nothing_goes_elsewhere_while_a_job_may_exist(behaviour: Behaviour) -> None:
    route = Route()
    first, second = route.both.by_name["first"], route.both.by_name["second"]
    route.always("first", behaviour)
    unread = Outcome(Kind.TRANSIENT, code="provider_error")
    first.list_answers = [unread] * 1000
    videos = [await route.world.accepted(f"number {number}") for number in range(7)]
    for video in videos:
        await route.submit(video, within=1200)
    asked = [v for v in videos if await route.place(v) == "first"]
    assert len(asked) >= 5
    assert len(second.jobs) == 7 - len(asked)
    first.list_answers, first.behaviours = [], []
    for video in videos:
        assert (await route.submit(video))["kind"] == "done"
    assert route.jobs == 7


async def test_what_is_in_doubt_stays_where_it_was_sent() -> None:
    route = Route()
    first = route.both.by_name["first"]
    first.grade = Recovery.KEYED
    first.behaviours = [LOST]
    doubtful = await route.world.accepted("doubtful")
    await submit_video(route.services, ref(doubtful))
    first.behaviours = [RETIRED] + [TRANSIENT] * 20
    await route.submit(await route.world.accepted("finds it gone"))
    assert route.state() is State.GONE
    first.behaviours = []
    assert (await route.submit(doubtful))["kind"] == "done"
    assert await route.place(doubtful) == "first"
    assert len(first.jobs) == 1


async def test_polls_that_fail_open_it_and_polls_that_work_close_it() -> None:
    route = Route()
    videos = [await route.world.accepted(f"number {number}") for number in range(3)]
    for video in videos:
        await route.submit(video)
    first = route.both.by_name["first"]
    first.statuses["*"] = [Outcome(Kind.TRANSIENT, code="provider_error")]
    for _ in range(2):
        for video in videos:
            await check_video(route.services, ref(video))
    assert route.state() is State.RESTING
    late = await route.world.accepted("late")
    await route.submit(late)
    assert await route.place(late) == "second"
    first.statuses.clear()
    assert (await check_video(route.services, ref(videos[0])))["kind"] == "done"
    assert route.state() is State.WELL


async def test_a_deployment_that_works_costs_no_request_of_storage() -> None:
    route = Route()
    await route.submit(await route.world.accepted())
    calls: list[str] = []

    async def count(name: str) -> None:
        calls.append(name)

    route.world.go_wrong(count)
    for _ in range(5):
        video = await route.world.accepted()
        await route.submit(video)
        await check_video(route.services, ref(video))
    assert not [call for call in calls if call.startswith("deployments")]


async def test_the_manifest_tells_the_whole_way() -> None:
    route = Route()
    first = route.both.by_name["first"]
    first.behaviours = [TRANSIENT, TRANSIENT, SHUT_OUT]
    video = await route.world.accepted()
    began = route.world.now
    await route.submit(video)
    way = (await manifest_of(route.services, await route.world.record(video.id)))["way"]
    told = [(each["deployment"], each["outcome"], each["code"], each["times"]) for each in way]
    assert told == [
        ("first", "transient", "connection_failed", 2),
        ("first", "unauthorised", "missing_role", 1),
        ("second", "accepted", None, 1),
    ]
    assert way[0]["at"] == began
    assert {each["provider"] for each in way} == {"azure-sora-2"}


async def test_a_table_that_is_not_there_costs_no_video(caplog: pytest.LogCaptureFixture) -> None:
    route = Route()
    route.always("first", TRANSIENT)

    async def missing(name: str) -> None:
        if name.startswith("deployments"):
            raise ResourceNotFoundError("TableNotFound")

    route.world.go_wrong(missing)
    video = await route.world.accepted()
    await submit_video(route.services, ref(video))
    route.both.by_name["first"].behaviours = []
    assert (await route.submit(video))["kind"] == "done"
    events = {json.loads(record.getMessage())["event"] for record in caplog.records}
    assert "health_not_kept" in events


async def test_moderation_leads_on_where_the_model_says_so() -> None:
    asked = "    fallback_on: [moderation]\n    deployments:\n      - name: first"
    text = CATALOGUE.replace("    deployments:\n      - name: first", asked)
    route = Route(catalogue=text)
    route.always("first", MODERATED)
    video = await route.world.accepted()
    assert (await route.submit(video))["kind"] == "done"
    assert (await route.place(video), route.state()) == ("second", State.WELL)
    route.always("second", MODERATED)
    step = await route.submit(await route.world.accepted())
    assert (step["kind"], step.get("error", {}).get("code")) == ("stop", "moderation_blocked")


def _by_completion() -> str:
    """One model whose second deployment renders in half the time."""
    head, second = CATALOGUE.split("  spare:\n    deployments:\n")
    fast = second.rstrip() + "\n        typical_render_seconds: 30\n"
    both = head.replace("    fallbacks: [spare]\n", "    routing: completion\n") + fast
    return both.replace("quota: {requests_per_minute: 2, concurrent: 2}", "quota: {concurrent: 2}")


@pytest.mark.parametrize(
    ("lines", "place"),
    [({}, "second"), ({"second": 20.0}, "second"), ({"second": 40.0}, "first")],
    ids=["unknown", "short", "long"],
)
async def test_by_completion_a_line_counts_as_far_as_it_is_known(
    lines: dict[str, float], place: str
) -> None:
    route = Route(catalogue=_by_completion())
    for name, seconds in lines.items():
        route.services.waits.heard(name, seconds)
    video = await route.world.accepted()
    await route.submit(video)
    assert await route.place(video) == place


async def test_by_completion_who_has_a_place_keeps_it_though_another_line_is_shorter_now() -> None:
    route = Route(catalogue=_by_completion())
    video = await route.world.accepted()
    assert (await submit_video(route.services, ref(video, place="first")))["kind"] == "done"
    assert await route.place(video) == "first"
