"""A request that its client sends again by itself is one video, in any order and whatever dies."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

from dailies.intake.accept import Acceptance, accept
from dailies.pipeline.finish import finish_video
from dailies.pipeline.publish import publish_events
from dailies.pipeline.remove import remove_video
from dailies.pipeline.sweep import sweep
from dailies.stores.resends import Sending
from dailies.stores.tombstones import Removal
from dailies.video.basics import Size, created_at
from dailies.video.errors import Conflict
from dailies.video.record import Source, VideoRecord, VideoRequest
from tests.unit.pipeline.memory import no_point
from tests.unit.pipeline.schedule import Crash, Scheduler
from tests.unit.pipeline.test_sweep import Hub
from tests.unit.pipeline.world import OWNER, World, ref


@dataclass
class Client:
    """One intended video, and what its sendings were answered."""

    answers: list[Acceptance] = field(default_factory=list)


async def _begin(world: World, number: int, owner: str = OWNER) -> Sending:
    """The request has arrived; its body has not."""
    return Sending(number, await world.services.records.epoch(owner))


async def _go_on(
    world: World, sending: Sending, *, prompt: str = "A pier", owner: str = OWNER
) -> Acceptance:
    """Its body is there."""
    request = VideoRequest(model="sora-2", prompt=prompt, seconds=4, size=Size(720, 1280))
    return await accept(
        world.services,
        owner=owner,
        request=request,
        source=Source(),
        idempotency_key=None,
        traceparent=None,
        sending=sending,
    )


async def _send(world: World, number: int, *, prompt: str = "A pier") -> Acceptance:
    return await _go_on(world, await _begin(world, number), prompt=prompt)


async def _videos(world: World) -> list[VideoRecord]:
    """The videos of what was asked in a test."""
    page = await world.services.records.list(OWNER, after=None, limit=100, ascending=True)
    return [video for video in page.records if video.request.prompt == "A pier"]


async def _with_history(history: tuple[int, ...]) -> World:
    """An owner who has sent other requests before, with these numbers."""
    world = World()
    for number in history:
        await _send(world, number, prompt="Something else")
    return world


HISTORIES = pytest.mark.parametrize("history", [(), (0,), (1,), (0, 1, 0)], ids=str)


@contextmanager
def _at(world: World, call: str) -> Iterator[list[object]]:
    """Lets what is put into the list happen when this call is made for the first time."""
    waiting: list[object] = []

    async def point(name: str) -> None:
        if name == call and waiting:
            world.go_wrong(no_point)
            await waiting.pop()  # type: ignore[misc] # a coroutine of the test's own
            world.go_wrong(point)

    world.go_wrong(point)
    yield waiting
    world.go_wrong(no_point)
    assert not waiting, f"{call} was never made"


# -- one after the other


async def test_a_resend_is_answered_with_the_first_video() -> None:
    world = World()
    first = await _send(world, 0)
    for number in (1, 2, 1, 7):
        again = await _send(world, number)
        assert again.replayed
        assert again.record.id == first.record.id
    assert [video.id for video in await _videos(world)] == [first.record.id]


async def test_equal_requests_that_are_no_resends_are_videos_of_their_own() -> None:
    world = World()
    made = {(await _send(world, 0)).record.id for _ in range(3)}
    assert len(made) == 3
    assert made == {video.id for video in await _videos(world)}


async def test_a_resend_whose_first_sending_never_came_makes_the_video() -> None:
    world = World()
    made = await _send(world, 1)
    assert not made.replayed
    assert (await _send(world, 2)).record.id == made.record.id
    # What is sent for the first time afterwards is another video.
    another = await _send(world, 0)
    assert not another.replayed
    assert another.record.id != made.record.id


async def test_another_body_or_another_owner_is_another_request() -> None:
    world = World()
    first = await _send(world, 0)
    other = await _send(world, 1, prompt="A dune")
    bobs = await _go_on(world, await _begin(world, 1, "bob"), owner="bob")
    assert len({first.record.id, other.record.id, bobs.record.id}) == 3


async def test_a_resend_that_comes_too_late_is_a_new_request() -> None:
    world = World()
    first = await _send(world, 0)
    world.now += 599
    assert (await _send(world, 1)).record.id == first.record.id
    world.now += 2
    assert (await _send(world, 2)).record.id != first.record.id


async def test_resends_of_several_equal_requests_are_answered_with_one_video_each() -> None:
    world = World()
    made = []
    for _ in range(3):
        world.now += 0.1
        made.append((await _send(world, 0)).record.id)
    for number in (1, 2):
        assert [(await _send(world, number)).record.id for _ in range(3)] == made[::-1]
    assert (await _send(world, 1)).record.id == made[-1]


# -- at the same time


@HISTORIES
@pytest.mark.parametrize("call", ["openvideos.upsert begins", "videos.transaction begins"])
async def test_a_first_sending_that_is_overtaken_by_its_resend_is_answered_with_its_video(
    call: str, history: tuple[int, ...]
) -> None:
    world = await _with_history(history)
    with _at(world, call) as happens:
        begun = await _begin(world, 0)
        overtaking: list[Acceptance] = []

        async def resend() -> None:
            overtaking.append(await _send(world, 1))

        happens.append(resend())
        first = await _go_on(world, begun)
    (again,) = overtaking
    assert (first.replayed, again.replayed) == (True, False)
    assert first.record.id == again.record.id
    # It is taken: nobody else's first sending is answered with it.
    assert not (await _send(world, 0)).replayed


@HISTORIES
async def test_a_resend_that_is_overtaken_by_its_first_sending_is_answered_with_its_video(
    history: tuple[int, ...],
) -> None:
    world = await _with_history(history)
    begun = await _begin(world, 0)
    with _at(world, "videos.transaction begins") as happens:
        overtaking: list[Acceptance] = []

        async def go_on() -> None:
            overtaking.append(await _go_on(world, begun))

        happens.append(go_on())
        again = await _send(world, 1)
    assert again.record.id == overtaking[0].record.id
    assert len(await _videos(world)) == 1


@HISTORIES
async def test_two_resends_at_once_make_one_video(
    history: tuple[int, ...],
) -> None:
    world = await _with_history(history)
    with _at(world, "videos.transaction begins") as happens:
        overtaking: list[Acceptance] = []

        async def resend() -> None:
            overtaking.append(await _send(world, 1))

        happens.append(resend())
        again = await _send(world, 2)
    assert again.record.id == overtaking[0].record.id
    assert len(await _videos(world)) == 1


async def test_of_two_first_sendings_one_takes_the_video_of_the_resend() -> None:
    """Both were under way when it came: it is the resend of one of them."""
    world = World()
    begun = [await _begin(world, 0) for _ in range(2)]
    resent = await _send(world, 1)
    first, second = [await _go_on(world, sending) for sending in begun]
    assert first.record.id == resent.record.id
    assert second.record.id != resent.record.id
    assert len(await _videos(world)) == 2


async def test_equal_first_sendings_do_not_stand_in_each_others_way() -> None:
    world = World()
    await _send(world, 0)
    begun = [await _begin(world, 0) for _ in range(20)]
    tries = 0

    async def count(name: str) -> None:
        nonlocal tries
        tries += name == "videos.transaction begins"

    world.go_wrong(count)
    for sending in begun:
        await _go_on(world, sending)
    assert tries == 20


async def _client(world: World, deal: Scheduler, client: Client) -> None:
    """A client sends, and again whenever it has waited too long; each sending is under way for as
    long as it takes, and the instance that serves it may die."""
    for number in range(3):
        try:
            begun = await _begin(world, number)
        except Crash:
            continue
        deal.spawn(_serve(world, deal, client, begun))
        await deal.sleep(2 * deal.chance(0.5))


async def _serve(world: World, deal: Scheduler, client: Client, begun: Sending) -> None:
    try:
        await deal.sleep(4 * deal.chance(0.5))
        client.answers.append(await _go_on(world, begun))
    except Crash:
        return


@HISTORIES
@pytest.mark.parametrize("crash", [0.0, 0.05])
@pytest.mark.parametrize("clients", [1, 2, 3])
@pytest.mark.parametrize("seed", range(20))
async def test_no_order_of_events_makes_more_videos_than_were_meant(
    clients: int, crash: float, seed: int, history: tuple[int, ...]
) -> None:
    world = await _with_history(history)
    before = {video.id async for video in world.services.records.open.videos()}
    meant = [Client() for _ in range(clients)]
    deal = Scheduler(world, seed, crash=crash)
    for client in meant:
        deal.spawn(_client(world, deal, client))
    await deal.run()
    world.go_wrong(no_point)
    videos = {video.id for video in await _videos(world)}
    assert len(videos) <= clients
    if not crash:
        assert len(videos) == clients
    for client in meant:
        assert {answer.record.id for answer in client.answers} <= videos
    # What was accepted is looked after, and nothing else is.
    left = {video.id async for video in world.services.records.open.videos()} - before
    assert videos <= left
    if not crash:
        assert videos == left


# -- after a delete


async def test_what_was_deleted_is_not_made_again_by_a_resend() -> None:
    world = World()
    first = (await _send(world, 0)).record
    await world.services.tombstones.withdraw(OWNER, first.id, world.now)
    for _ in range(2):
        with pytest.raises(Conflict) as refused:
            await _send(world, 1)
        assert refused.value.code == "video_deleted"
        assert first.id in refused.value.message
        # Also once it has ended and is buried.
        await finish_video(world.services, ref(first, error=None))
        await publish_events(world.services, ref(first))
    assert await _videos(world) == []
    assert not (await _send(world, 0)).replayed


async def test_a_delete_at_the_moment_of_a_resend_makes_nothing_again() -> None:
    world = World()
    first = (await _send(world, 0)).record
    for call in ("videos.query begins", "videos.update begins", "videos.get begins"):
        with _at(world, call) as happens:
            happens.append(world.services.tombstones.withdraw(OWNER, first.id, world.now))
            with pytest.raises(Conflict, match="deleted"):
                await _send(world, 1)
        assert await _videos(world) == []
        first = (await _send(world, 0, prompt="A pier")).record


async def test_a_removed_video_s_request_is_forgotten_when_no_resend_can_come() -> None:
    world, hub = World(), Hub()
    record = (await _send(world, 0)).record
    await finish_video(world.services, ref(record, error={"code": "x", "message": "y"}))
    await remove_video(world.services, OWNER, record.id, Removal.DELETED)
    tombstones = world.services.tombstones
    await sweep(world.services, hub)
    kept = await tombstones.get(OWNER, record.id)
    assert kept is not None
    assert kept.request_hash == record.request_hash
    world.now = created_at(record.id) + 601
    await sweep(world.services, hub)
    kept = await tombstones.get(OWNER, record.id)
    assert kept is not None
    assert kept.request_hash is None
    assert [video async for video in world.services.records.open.reminders()] == []


async def test_of_an_old_video_that_is_removed_nothing_of_its_request_is_kept() -> None:
    world = World()
    record = (await _send(world, 0)).record
    world.now += 3600
    await finish_video(world.services, ref(record, error={"code": "x", "message": "y"}))
    await remove_video(world.services, OWNER, record.id, Removal.DELETED)
    rows = world.tables.get_table_client("videos").rows
    assert not any(str(record.request_hash) in str(row) for row in rows.values())
