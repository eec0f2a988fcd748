"""What needs an operator's eye: each kind is listed while it is so, and what is well is not."""

from __future__ import annotations

import datetime
import re
from dataclasses import replace
from typing import Any

import pytest

from dailies.drops import memory as drop_memory
from dailies.pipeline import attention
from dailies.providers.classify import Call
from dailies.providers.outcomes import Kind, Outcome
from dailies.routing import health
from dailies.routing.breaker import place_of
from dailies.stores.drops import REJECTED_SECONDS
from dailies.stores.health import Retirement
from dailies.stores.uploads import BlobState
from dailies.video.basics import Phase, VideoError
from dailies.video.record import JobEnd, SubmitState
from tests.integration.api.world import World


async def _create(world: World, **body: Any) -> str:
    answer = await world.alice.post("/v1/videos", json={"prompt": "a secret pier", **body})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["id"])


async def _list(world: World) -> dict[str, Any]:
    answer = await world.admin.get("/v1/admin/attention")
    assert answer.status_code == 200, answer.text
    assert "secret pier" not in answer.text
    listed: dict[str, Any] = answer.json()
    return listed


async def _of(world: World, about: str) -> list[dict[str, Any]]:
    """What is listed of it; other tests have videos in the same account."""
    return [each for each in (await _list(world))["data"] if each["about"] == about]


async def _is_well_until(world: World, video_id: str, seconds: float) -> dict[str, Any]:
    """The concern there is about a video when so many seconds are over, and none before."""
    world.now += seconds
    assert await _of(world, video_id) == []
    world.now += 2
    (concern,) = await _of(world, video_id)
    assert concern["owner"] == world.owners["alice"]
    return concern


async def test_an_unresolved_video_with_the_call_that_decides(world: World) -> None:
    video_id = await _create(world)
    assert await _of(world, video_id) == []
    submit = SubmitState(deployment="first", sending_since=1.0, unresolved_since=world.now)
    await world.change(video_id, phase=Phase.UNRESOLVED, submit=submit)
    (concern,) = await _of(world, video_id)
    assert (concern["kind"], concern["since"]) == ("unresolved", world.now)
    call = concern["call"].removeprefix("POST ")
    assert (await world.admin.post(call, json={"decision": "end"})).status_code == 200
    assert await _of(world, video_id) == []


async def test_a_render_that_takes_far_longer_than_usual(world: World) -> None:
    video_id = await _create(world)
    submit = SubmitState(deployment="first", job_id="job-1", submitted_at=world.now)
    record = await world.change(video_id, phase=Phase.RENDERING, submit=submit)
    deployment = world.services.catalogue.deployment("first")
    assert deployment is not None
    usual = deployment.typical_seconds(record.request.size, record.request.seconds)
    concern = await _is_well_until(world, video_id, 4 * usual - 1)
    assert concern["kind"] == "stuck"
    assert "renders for longer" in concern["why"]
    told = await world.admin.get(concern["call"].removeprefix("GET "))
    assert told.json()["id"] == video_id


async def test_files_that_are_not_stored(world: World) -> None:
    video_id = await _create(world)
    submit = SubmitState(deployment="first", job_id="job-1", submitted_at=world.now)
    await world.change(video_id, phase=Phase.ARCHIVING, submit=submit, rendered_at=world.now)
    concern = await _is_well_until(world, video_id, 1799)
    assert "not been stored" in concern["why"]


async def test_one_that_waits_long_and_then_too_long(world: World) -> None:
    video_id = await _create(world)
    settings = world.services.settings
    longest = settings.submit_deadline_seconds
    concern = await _is_well_until(world, video_id, longest / 2 - 1)
    assert concern["kind"] == "waits_long"
    world.now += longest / 2 + settings.sweep_grace_seconds
    assert [each["kind"] for each in await _of(world, video_id)] == ["stuck"]


async def test_one_whose_owner_lets_it_wait_only_so_long(world: World) -> None:
    video_id = await _create(world, expires_after=600)
    grace = world.services.settings.sweep_grace_seconds
    concern = await _is_well_until(world, video_id, 600 + grace - 1)
    assert concern["kind"] == "stuck"


async def test_one_that_was_started_again_and_again(world: World) -> None:
    video_id = await _create(world)
    await world.change(video_id, restarts=1)
    assert await _of(world, video_id) == []
    await world.change(video_id, restarts=2)
    assert "started again 2 times" in (await _of(world, video_id))[0]["why"]


async def test_one_that_its_owner_has_deleted_leads_nowhere(world: World) -> None:
    video_id = await _create(world)
    await world.change(video_id, restarts=2)
    assert (await world.alice.delete(f"/v1/videos/{video_id}")).status_code == 200
    assert [each["call"] for each in await _of(world, video_id)] == [None]


async def test_events_that_the_topic_does_not_take(world: World) -> None:
    video_id = await world.failed()
    await world.change(video_id, published=("accepted",))
    concern = await _is_well_until(world, video_id, 299)
    assert concern["kind"] == "unpublished"
    assert concern["why"].endswith("failed.")
    await world.services.records.open.close(video_id)
    assert await _of(world, video_id) == []


async def test_a_job_that_may_go_on_though_its_video_has_ended(world: World) -> None:
    video_id = await _create(world)
    submit = SubmitState(deployment="first", job_id="job-1", submitted_at=world.now)
    await world.change(
        video_id,
        phase=Phase.CANCELLED,
        error=VideoError("cancelled", "It was cancelled."),
        completed_at=world.now,
        published=("accepted", "submitted", "cancelled"),
        submit=submit,
    )
    await world.services.records.open.remind(video_id, world.owners["alice"])
    (concern,) = await _of(world, video_id)
    assert (concern["kind"], "job-1" in concern["why"]) == ("may_be_paid", True)
    stopped = submit.model_copy(update={"job_end": JobEnd.STOPPED})
    await world.change(video_id, submit=stopped)
    assert await _of(world, video_id) == []


async def test_a_deployment_that_is_not_well_with_the_call_that_resets_it(world: World) -> None:
    deployment = world.services.catalogue.deployment("first")
    assert deployment is not None
    refused = Outcome(Kind.UNAUTHORISED, code="missing_role", remedy="Give the role.")
    await health.saw(world.services, deployment, Call.CREATE, refused, "video")
    (concern,) = await _of(world, "first")
    assert (concern["kind"], concern["remedy"]) == ("deployment", "Give the role.")
    assert "missing_role" in concern["why"]
    assert (await world.admin.post(concern["call"].removeprefix("POST "))).status_code == 200
    assert await _of(world, "first") == []


@pytest.mark.parametrize(("days", "listed"), [(31, False), (30, True), (-1, True)])
async def test_a_deployment_that_retires_soon(world: World, days: int, listed: bool) -> None:
    deployment = world.services.catalogue.deployment("able")
    assert deployment is not None
    today = datetime.datetime.fromtimestamp(world.now, datetime.UTC).date()
    day = today + datetime.timedelta(days=days)
    await world.services.health.remember_retirement(
        "able", Retirement(place=place_of(deployment), read=day)
    )
    kinds = [(each["kind"], str(day) in each["why"]) for each in await _of(world, "able")]
    assert kinds == ([("retiring", True)] if listed else [])


async def _seen(world: World, blob: str, etag: str) -> None:
    await world.services.drops.open(blob, etag, world.now)
    state = BlobState(etag=etag, created=etag, bytes=1, md5=etag)
    assert await drop_memory.begin(world.services, blob, etag, state) is not None


async def test_a_dropped_image_that_nobody_answers(world: World) -> None:
    blob = f"{world.owners['alice']}/kite.png"
    await _seen(world, blob, "1")
    world.now += world.services.settings.sidecar_wait_seconds + 3599
    assert await _of(world, blob) == []
    world.now += 2
    assert [each["kind"] for each in await _of(world, blob)] == ["drop_stalled"]


async def test_a_dropped_image_that_was_rejected_until_it_is_mended(world: World) -> None:
    blob = f"{world.owners['alice']}/kite.png"
    await _seen(world, blob, "1")
    await drop_memory.answered(world.services, blob, "1", code="invalid_image")
    (concern,) = await _of(world, blob)
    assert (concern["kind"], concern["since"]) == ("drop_rejected", world.now)
    assert "invalid_image" in concern["why"]
    await _seen(world, blob, "2")
    await drop_memory.answered(world.services, blob, "2", video_id="video")
    assert await _of(world, blob) == []


async def test_a_rejection_is_news_for_a_week(world: World) -> None:
    blob = f"{world.owners['alice']}/kite.png"
    await _seen(world, blob, "1")
    await drop_memory.answered(world.services, blob, "1", code="invalid_image")
    at = world.now
    world.now += REJECTED_SECONDS + 1
    assert await _of(world, blob) == []
    await world.services.drops.forget_rejections(world.now - REJECTED_SECONDS)
    left = await world.services.drops.rejections(at - 1, most=1000)
    assert blob not in [rejected.blob for rejected in left]


async def test_odd_settings(world: World) -> None:
    world.doubts = ("DAILIES_TYPO: there is no such setting, so it does nothing",)
    (concern,) = await _of(world, "DAILIES_TYPO")
    assert (concern["kind"], concern["why"]) == (
        "setting",
        "there is no such setting, so it does nothing",
    )


async def test_what_is_left_out_of_the_catalogue(world: World) -> None:
    catalogue = replace(world.services.catalogue, left_out=("other: OTHER_ENDPOINT is not set",))
    world.services = replace(world.services, catalogue=catalogue)
    assert (await _list(world))["left_out"] == ["other: OTHER_ENDPOINT is not set"]


async def test_a_list_that_does_not_look_at_all_says_so(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(2):
        await _create(world)
    for most, complete in ((1, False), (10**6, True)):
        monkeypatch.setattr(attention, "MOST_VIDEOS", most)
        assert (await _list(world))["complete"] is complete


async def test_the_most_urgent_comes_first(world: World) -> None:
    video_id = await _create(world)
    await world.change(video_id, submit=SubmitState(deployment="first", unresolved_since=1.0))
    world.doubts = ("DAILIES_TYPO: nothing",)
    kinds = [each["kind"] for each in (await _list(world))["data"]]
    assert (kinds[0], kinds[-1]) == ("unresolved", "setting")
    assert all(re.fullmatch("[a-z_]+", kind) for kind in kinds)


async def test_it_is_for_operators(world: World) -> None:
    for client, status in ((world.alice, 403), (world.anonymous, 401)):
        assert (await client.get("/v1/admin/attention")).status_code == status
