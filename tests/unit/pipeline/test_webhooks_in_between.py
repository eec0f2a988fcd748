"""Whoever delivers, and whoever has something to deliver, come between each other at any call."""

from __future__ import annotations

import contextlib

import pytest

from dailies.net.posting import Posted
from dailies.owners.deliveries import DeliveryState
from dailies.pipeline.courier import deliver_due, forget_deliveries
from dailies.pipeline.delivering import resend
from dailies.pipeline.finish import finish_video
from dailies.pipeline.publish import publish_events
from dailies.video.basics import Size
from dailies.video.record import VideoRecord, VideoRequest
from dailies.video.request import Webhook
from tests.unit.pipeline.between import Between, each_place
from tests.unit.pipeline.memory import no_point
from tests.unit.pipeline.schedule import Crash
from tests.unit.pipeline.test_never_pay_twice import CrashAt
from tests.unit.pipeline.world import OWNER, World, ref

URL = "https://hooks.example/videos"
FAILED = {"code": "moderation_blocked", "message": "It was blocked."}
_EVENTS = ("dailies.video.failed",)


async def failed_video(world: World) -> VideoRecord:
    """A video that has failed, which nobody was told yet."""
    request = VideoRequest(
        model="sora-2",
        prompt="A pier at dawn",
        seconds=4,
        size=Size(720, 1280),
        webhook=Webhook(url=URL, events=_EVENTS),
    )
    video = await world.accepted(request=request)
    await finish_video(world.services, ref(video, error=FAILED))
    return video


async def _deliver_all(world: World) -> None:
    """As the orchestration does, until nothing is left."""
    for _ in range(100):
        step = await deliver_due(world.services, draw=lambda: 0.5)
        if step["kind"] == "done":
            return
        world.now += max(step.get("seconds", 0.0), 0.001)
    raise AssertionError("it does not end")


async def test_a_courier_that_looks_while_something_is_handed_over_loses_nothing() -> None:
    async def play(place: int) -> Between:
        world = World()
        video = await failed_video(world)
        between = Between(world, place, lambda: deliver_due(world.services))
        await publish_events(world.services, ref(video))
        await _deliver_all(world)
        assert set(world.receivers.ids(URL)) == {f"{video.id}.failed"}, place
        return between

    assert len([place async for place in each_place(play)]) > 20


async def test_a_delivery_that_is_sent_again_is_in_no_couriers_way() -> None:
    async def play(place: int) -> Between:
        world = World()
        video = await failed_video(world)
        await publish_events(world.services, ref(video))
        await _deliver_all(world)
        (first,) = (await world.services.deliveries.list(OWNER, limit=2)).deliveries
        between = Between(world, place, lambda: deliver_due(world.services))
        await resend(world.services, OWNER, first.id)
        await _deliver_all(world)
        found = await world.services.deliveries.get(OWNER, first.id)
        assert found is not None
        assert found.delivery.state is DeliveryState.DELIVERED, place
        assert len(world.receivers.calls) >= 2, place
        return between

    assert len([place async for place in each_place(play)]) > 5


async def test_what_is_sent_again_at_once_does_not_wait_for_its_next_try() -> None:
    async def play(place: int) -> Between:
        world = World()
        video = await failed_video(world)
        await publish_events(world.services, ref(video))
        world.receivers.answers[URL] = Posted(0.1, status=500)
        await deliver_due(world.services, draw=lambda: 0.5)
        (first,) = (await world.services.deliveries.list(OWNER, limit=2)).deliveries
        assert first.next_at is not None
        assert first.next_at > world.now
        del world.receivers.answers[URL]
        between = Between(world, place, lambda: deliver_due(world.services))
        await resend(world.services, OWNER, first.id)
        await deliver_due(world.services, draw=lambda: 0.5)
        found = await world.services.deliveries.get(OWNER, first.id)
        assert found is not None
        assert found.delivery.state is DeliveryState.DELIVERED, place
        return between

    assert len([place async for place in each_place(play)]) > 5


async def test_a_second_courier_leaves_no_receiver_that_nobody_can_read() -> None:
    """Durable Functions may run an activity twice: one execution notes that a receiver is not
    there, which the other has given up, as nothing is left for it."""
    world = World()
    video = await failed_video(world)
    await publish_events(world.services, ref(video))
    (sink,) = [each async for each in world.services.deliveries.sinks()]
    await _deliver_all(world)
    await world.services.deliveries.rest(sink, faults=1, until=world.now + 15)
    assert [each async for each in world.services.deliveries.sinks()] == []


async def test_a_receiver_of_which_only_its_faults_are_known_holds_no_courier_up() -> None:
    world = World()
    video = await failed_video(world)
    await publish_events(world.services, ref(video))
    table = world.services.deliveries._table
    left = {"PartitionKey": ":sinks", "RowKey": "0", "Faults": 1, "RestsUntil": 0.0}
    await table.upsert_entity(left)
    await _deliver_all(world)
    assert world.receivers.ids(URL) == [f"{video.id}.failed"]


async def test_a_row_whose_delivery_was_never_written_is_looked_at_now_and_then() -> None:
    world = World()
    video = await failed_video(world)

    async def dies(name: str) -> None:
        if name == "webhooks.transaction begins":
            raise Crash(name)

    world.go_wrong(dies)
    with pytest.raises(Crash):
        await publish_events(world.services, ref(video))
    world.go_wrong(no_point)
    assert (await world.services.deliveries.list(OWNER, limit=2)).deliveries == []
    step = await deliver_due(world.services, work_seconds=0.5)
    assert step == {"kind": "wait", "seconds": 15.0}, "it was looked at again and again"


async def test_to_forget_a_delivery_leaves_nothing_whatever_dies() -> None:
    async def forgotten(place: int) -> CrashAt:
        world = World()
        video = await failed_video(world)
        await publish_events(world.services, ref(video))
        await _deliver_all(world)
        point = CrashAt(place)
        world.go_wrong(point)
        with contextlib.suppress(Crash):
            await forget_deliveries(world.services, world.now + 1)
        world.go_wrong(no_point)
        await forget_deliveries(world.services, world.now + 1)
        rows = world.tables.tables["webhooks"].rows
        assert [
            key for partition, key in rows if partition == OWNER and key[:2] in ("d:", "t:", "v:")
        ] == [], place
        return point

    for place in range(1, (await forgotten(0)).passed + 1):
        await forgotten(place)
