"""A video that is removed while its end is announced is removed to the end."""

from __future__ import annotations

from azure.core.exceptions import ResourceNotFoundError, ServiceRequestError

from dailies.pipeline.advance import advance_video
from dailies.pipeline.finish import finish_video
from dailies.pipeline.publish import publish_events
from dailies.pipeline.remove import remove_video
from dailies.pipeline.sweep import sweep
from dailies.stores.kept import kept_records
from dailies.stores.tombstones import Removal
from tests.unit.pipeline.between import Between, each_place
from tests.unit.pipeline.test_archive import rendered
from tests.unit.pipeline.test_batches import ENGINE
from tests.unit.pipeline.world import OWNER, World, ref

FAILED = {"code": "moderation_blocked", "message": "It was blocked."}


async def test_a_video_that_is_removed_while_its_end_is_told_is_not_left_half_removed() -> None:
    async def play(place: int) -> Between:
        world = World()
        video = await world.accepted()
        await world.files.put(f"{video.id}/reference.original", b"a pier", content_type="image/png")
        await finish_video(world.services, ref(video, error=FAILED))

        async def remove() -> None:
            world.events.failures = [ServiceRequestError("the topic is away")]
            await remove_video(world.services, OWNER, video.id, Removal.DELETED)
            world.events.failures = []

        between = Between(world, place, remove)
        await publish_events(world.services, ref(video))
        tombstone = await world.services.tombstones.get(OWNER, video.id)
        if tombstone is not None:
            assert not tombstone.is_settled, place
            await sweep(world.services, ENGINE)
            tombstone = await world.services.tombstones.get(OWNER, video.id)
            assert tombstone is not None
            assert tombstone.is_settled, f"{place}: the sweeper does not come to end it"
            assert world.events.ids[-1] == f"{video.id}.deleted", place
            assert not world.files.files, place
        return between

    assert len([place async for place in each_place(play)]) > 10


async def test_nothing_is_left_of_a_video_that_another_execution_ends_and_its_owner_removes() -> (
    None
):
    async def play(place: int) -> Between:
        world = World()
        video = await rendered(world)

        async def end_and_remove() -> None:
            with kept_records():
                await advance_video(world.services, ref(video))
            await remove_video(world.services, OWNER, video.id, Removal.DELETED)

        between = Between(world, place, end_and_remove)
        try:
            await advance_video(world.services, ref(video))
        except ResourceNotFoundError:  # the host calls again
            await advance_video(world.services, ref(video))
        if 0 < place <= between.passed:
            assert not world.files.files, place
        return between

    assert len([place async for place in each_place(play)]) > 10


async def test_what_an_execution_that_died_has_stored_after_the_removal_goes_with_the_next() -> (
    None
):
    world = World()
    video = await rendered(world)
    await advance_video(world.services, ref(video))
    await remove_video(world.services, OWNER, video.id, Removal.DELETED)
    await world.files.put(f"{video.id}/manifest.json", b"{}", content_type="application/json")
    assert (await advance_video(world.services, ref(video)))["kind"] == "done"
    assert not world.files.files
