"""From what happens to a video to its webhooks: nothing is lost, whatever dies, and whoever is
down delays only itself."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from standardwebhooks import Webhook as Standard

from dailies.announce.webhooks import FINAL_EVENTS
from dailies.engine import Step
from dailies.net.posting import Posted
from dailies.owners.deliveries import Delivery, DeliveryState
from dailies.owners.webhooks import OwnerWebhook
from dailies.pipeline.courier import deliver_due, forget_deliveries
from dailies.pipeline.finish import finish_video
from dailies.pipeline.publish import publish_events
from dailies.pipeline.remove import remove_video
from dailies.stores.tombstones import Removal
from dailies.video.basics import Size
from dailies.video.errors import Conflict
from dailies.video.record import VideoRecord, VideoRequest
from dailies.video.request import Webhook
from tests.unit.pipeline.receiver import DEAD
from tests.unit.pipeline.schedule import Crash
from tests.unit.pipeline.test_never_pay_twice import CrashAt
from tests.unit.pipeline.world import OWNER, World, ref

URL = "https://hooks.example/videos?token=secret"
OTHER = "https://other.example/videos"
CANCELLED = {"code": "cancelled", "message": "The video was cancelled on request."}
FAILED = {"code": "moderation_blocked", "message": "It was blocked."}
DAY = 86_400


async def _video(world: World, url: str | None = URL, **webhook: Any) -> VideoRecord:
    events = webhook.get("events", FINAL_EVENTS)
    request = VideoRequest(
        model="sora-2",
        prompt="A pier at dawn",
        seconds=4,
        size=Size(720, 1280),
        webhook=None if url is None else Webhook(url=url, events=events),
    )
    world.now += 0.0012345  # ids are in time order; rows tell whole milliseconds
    return await world.accepted(request=request)


async def _ended(world: World, url: str | None = URL, **webhook: Any) -> VideoRecord:
    """A video whose end is announced."""
    video = await _video(world, url, **webhook)
    await finish_video(world.services, ref(video, error=FAILED))
    await publish_events(world.services, ref(video))
    return video


async def _deliver(world: World) -> Step:
    return await deliver_due(world.services, draw=lambda: 0.5)


async def _until_done(world: World, most: float = 3 * DAY) -> None:
    """As the orchestration does: deliver, wait, until nothing is left."""
    until = world.now + most
    while world.now < until:
        step = await _deliver(world)
        if step["kind"] == "done":
            return
        world.now += max(step.get("seconds", 0.0), 0.001)
    raise AssertionError("it does not end")


async def _deliveries(world: World) -> Sequence[Delivery]:
    return (await world.services.deliveries.list(OWNER, limit=10_000)).deliveries


async def test_a_webhook_is_told_how_its_video_ended_once_and_signed() -> None:
    world = World()
    video = await _ended(world)
    assert world.services.doorbell.heard()
    await publish_events(world.services, ref(video))
    await _until_done(world)
    (call,) = world.receivers.calls
    assert (call.url, call.id) == (URL, f"{video.id}.failed")
    sent = world.events.taken[-1]
    assert call.event["data"] == sent.data
    assert (call.event["specversion"], call.event["type"]) == ("1.0", "dailies.video.failed")
    assert (call.event["source"], call.event["subject"]) == (sent.source, sent.subject)
    secrets = await world.services.webhooks.secrets(OWNER, world.now)
    at = datetime.fromtimestamp(int(call.headers["webhook-timestamp"]), UTC)
    assert call.headers["webhook-signature"] == Standard(secrets.current).sign(
        call.id, at, call.body
    )
    (delivery,) = await _deliveries(world)
    assert (delivery.state, delivery.video_id) == (DeliveryState.DELIVERED, video.id)
    assert [attempt.status for attempt in delivery.attempts] == [200]


async def test_a_webhook_is_told_what_it_wants_to_be_told() -> None:
    world = World()
    wanted = ("dailies.video.accepted", "dailies.video.deleted")
    video = await _ended(world, events=wanted)
    await remove_video(world.services, OWNER, video.id, Removal.DELETED)
    await _until_done(world)
    assert sorted(world.receivers.ids(URL)) == [f"{video.id}.accepted", f"{video.id}.deleted"]


async def test_an_owners_webhook_is_told_of_all_videos() -> None:
    world = World()
    hook = OwnerWebhook(
        url=OTHER, events=FINAL_EVENTS, name="main", owner=OWNER, created_at=world.now
    )
    await world.services.webhooks.put(hook)
    ended = [await _ended(world, None), await _ended(world)]
    await _until_done(world)
    assert set(world.receivers.ids(OTHER)) == {f"{video.id}.failed" for video in ended}
    assert world.receivers.ids(URL) == [f"{ended[1].id}.failed"]


async def test_a_topic_that_is_down_keeps_nothing_from_a_webhook() -> None:
    from azure.core.exceptions import ServiceRequestError

    world = World()
    video = await _video(world)
    await finish_video(world.services, ref(video, error=FAILED))
    world.events.failures = [ServiceRequestError("no route")] * 3
    for attempt in range(3):
        step = await publish_events(world.services, ref(video, attempt=attempt))
        assert step["kind"] == "wait"
    await _until_done(world)
    assert world.receivers.ids(URL) == [f"{video.id}.failed"]
    await publish_events(world.services, ref(video))
    await _until_done(world)
    assert len(world.receivers.calls) == 1
    assert world.events.ids == [f"{video.id}.accepted", f"{video.id}.failed"]


async def _announce(world: World, video: VideoRecord) -> None:
    """Until it is done, as its orchestration and the sweeper do."""
    for _ in range(40):
        try:
            if (await publish_events(world.services, ref(video)))["kind"] == "done":
                return
        except Crash:
            world.now += 5
    raise AssertionError("it does not end")


async def _everything(place: int | None) -> tuple[World, VideoRecord, int]:
    """A video announced and its webhook told, with one crash at that call."""
    world = World()
    video = await _video(world)
    await finish_video(world.services, ref(video, error=FAILED))
    point = CrashAt(*(() if place is None else (place,)))
    world.go_wrong(point)
    await _announce(world, video)
    for _ in range(40):
        try:
            await _until_done(world)
            break
        except Crash:
            world.now += 5
    return world, video, point.passed


async def test_a_crash_at_any_call_loses_no_delivery_and_makes_no_second_one() -> None:
    _, _, places = await _everything(None)
    assert places > 30
    for place in range(1, places + 1):
        world, video, _ = await _everything(place)
        assert set(world.receivers.ids(URL)) == {f"{video.id}.failed"}, place
        assert len(world.receivers.calls) <= 2, place
        (delivery,) = await _deliveries(world)
        assert delivery.state is DeliveryState.DELIVERED, place
        # Nothing is left in the queues, whatever they held.
        rows = world.tables.tables["webhooks"].rows
        assert not [key for key, _ in rows if key.startswith((":", "q:"))], place


async def test_a_receiver_that_fails_is_tried_again_with_longer_pauses_for_a_day() -> None:
    world = World()
    video = await _ended(world)
    world.receivers.answers[URL] = Posted(0.1, status=500)
    begun = world.now
    await _until_done(world)
    assert set(world.receivers.ids(URL)) == {f"{video.id}.failed"}
    at = [call.at - begun for call in world.receivers.calls]
    pauses = [round(b - a) for a, b in itertools.pairwise(at)]
    assert pauses[:9] == [5, 30, 120, 600, 1800, 3600, 7200, 14_400, 21_600]
    assert DAY - 1 <= at[-1] <= DAY + 1
    (delivery,) = await _deliveries(world)
    assert delivery.state is DeliveryState.FAILED
    assert len(delivery.attempts) == len(at)


@pytest.mark.parametrize(
    ("asked", "pause"), [(None, 15), (2, 15), (90, 90), (10**9, 21_600), (0, 15)]
)
async def test_a_receiver_may_say_when_to_come_again_within_bounds(
    asked: float | None, pause: float
) -> None:
    world = World()
    await _ended(world)
    world.receivers.answers[URL] = Posted(0.1, status=429, retry_after=asked)
    await _deliver(world)
    world.receivers.answers.clear()
    await _until_done(world)
    first, second = world.receivers.calls
    assert second.at - first.at == pytest.approx(pause, abs=1)


async def test_a_receiver_that_is_gone_is_not_asked_again() -> None:
    world = World()
    hook = OwnerWebhook(
        url=OTHER, events=FINAL_EVENTS, name="main", owner=OWNER, created_at=world.now
    )
    await world.services.webhooks.put(hook)
    world.receivers.answers[OTHER] = Posted(0.1, status=410)
    await _ended(world, None)
    await _until_done(world)
    await _ended(world, None)
    await _until_done(world)
    assert len(world.receivers.calls) == 1
    (delivery,) = await _deliveries(world)
    assert delivery.state is DeliveryState.FAILED
    (known,) = await world.services.webhooks.list(OWNER)
    assert known.gone_at is not None


async def test_ten_dead_receivers_delay_nobody_and_are_left_alone() -> None:
    world = World()
    dead = [f"https://dead-{number}.example/hook" for number in range(10)]
    for url in dead:
        world.receivers.answers[url] = DEAD
        for _ in range(20):
            await _ended(world, url)
    alive = await _ended(world)
    await _deliver(world)
    assert world.receivers.ids(URL) == [f"{alive.id}.failed"]
    # A few of each were tried, the rest waits.
    assert len(world.receivers.calls) == 1 + 10 * 8
    begun = len(world.receivers.calls)
    until = world.now + 6 * 3600
    while world.now < until:
        step = await _deliver(world)
        assert step["kind"] == "wait"
        world.now += step["seconds"]
    # Then one each time, ever less often: once in ten minutes in the end.
    assert len(world.receivers.calls) - begun < 10 * (6 * 6 + 6)
    for url in dead:
        world.receivers.answers.pop(url)
    world.now += 600
    await _until_done(world)
    for url in dead:
        assert len(set(world.receivers.ids(url))) == 20
    assert {d.state for d in await _deliveries(world)} == {DeliveryState.DELIVERED}


async def test_what_nobody_took_in_a_day_is_given_up() -> None:
    world = World()
    world.receivers.answers[URL] = DEAD
    for _ in range(100):
        await _ended(world)
    await _until_done(world, most=2 * DAY)
    assert {d.state for d in await _deliveries(world)} == {DeliveryState.FAILED}
    assert len(world.receivers.calls) < 300


async def test_one_delivery_that_is_refused_holds_no_other_up() -> None:
    world = World()
    world.receivers.answers[URL] = Posted(0.1, status=400)
    for _ in range(20):
        await _ended(world)
    fine = "https://hooks.example/other"
    await _ended(world, fine)
    await _deliver(world)
    assert len(world.receivers.ids(fine)) == 1
    assert len(world.receivers.ids(URL)) == 20


async def test_a_new_secret_signs_beside_the_one_before_for_a_day() -> None:
    world = World()
    before = await world.services.webhooks.secrets(OWNER, world.now)
    after = await world.services.webhooks.rotate(OWNER, world.now, overlap=DAY)
    for seconds in (0, DAY + 1):
        world.now += seconds
        await _ended(world)
        await _until_done(world)
    first, second = (call.headers["webhook-signature"].split(" ") for call in world.receivers.calls)
    assert (len(first), len(second)) == (2, 1)
    for call, secrets in zip(world.receivers.calls, ((after, before), (after,)), strict=True):
        at = datetime.fromtimestamp(int(call.headers["webhook-timestamp"]), UTC)
        wanted = [Standard(each.current).sign(call.id, at, call.body) for each in secrets]
        assert call.headers["webhook-signature"] == " ".join(wanted)


async def test_the_log_names_neither_address_nor_body(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "dailies")
    world = World()
    world.receivers.answers[URL] = Posted(0.1, status=500)
    await _ended(world)
    await _until_done(world)
    text = "\n".join(record.getMessage() for record in caplog.records)
    assert '"webhook_attempted"' in text
    assert '"host": "hooks.example"' in text
    assert "secret" not in text
    assert "whsec_" not in text


async def test_deliveries_are_listed_until_they_have_ended_days_ago() -> None:
    world = World()
    dead = "https://dead.example/hook"
    world.receivers.answers[dead] = DEAD
    done, pending = await _ended(world), await _ended(world, dead)
    await _deliver(world)
    world.now += 1
    later = await _ended(world)
    await _deliver(world)
    assert await forget_deliveries(world.services, world.now - 0.5) == 1
    assert {each.video_id for each in await _deliveries(world)} == {pending.id, later.id}
    assert not await world.services.deliveries.of_video(OWNER, done.id, limit=10)
    assert await forget_deliveries(world.services, world.now - 0.5) == 0


async def test_to_forget_many_deliveries_ends_before_the_host_ends_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World()
    for _ in range(30):
        await _ended(world)
    await _until_done(world)
    longest = "dailies.pipeline.courier._LONGEST_RUN"
    monkeypatch.setattr(longest, -1.0, raising=False)
    assert await forget_deliveries(world.services, world.now + 1) == 0, "its time is over"
    monkeypatch.setattr(longest, 60.0, raising=False)
    assert await forget_deliveries(world.services, world.now + 1) == 30


async def test_a_second_new_secret_takes_no_time_from_the_first_one() -> None:
    world = World()
    now = world.now
    first = await world.services.webhooks.secrets(OWNER, now)
    second = await world.services.webhooks.rotate(OWNER, now, overlap=DAY)
    third = await world.services.webhooks.rotate(OWNER, now + 60, overlap=DAY)
    in_turn = (third.current, second.current, first.current)
    assert third.signing(now + 61) == in_turn
    assert third.signing(now + DAY + 1) == in_turn[:2]
    assert third.signing(now + DAY + 61) == in_turn[:1]
    for number in range(2):
        many = await world.services.webhooks.rotate(OWNER, now + 61 + number, overlap=DAY)
    assert len(many.signing(now + 90)) == 5
    with pytest.raises(Conflict, match="ends in 1439 minutes") as refused:
        await world.services.webhooks.rotate(OWNER, now + 65, overlap=DAY)
    assert refused.value.code == "too_many_secrets"
    assert await world.services.webhooks.secrets(OWNER, now + 65) == many, "one was ended for it"
    leaked = await world.services.webhooks.rotate(OWNER, now + 90, overlap=0)
    assert leaked.signing(now + 90) == (leaked.current,)
