"""Of a request that makes no video nothing is left, whoever comes between and whatever dies."""

from __future__ import annotations

import contextlib
import hashlib

from dailies.inputs.examine import BytesSource
from dailies.intake.accept import GivenInput, accept
from dailies.pipeline.sweep import sweep
from dailies.video.basics import Size
from dailies.video.errors import Conflict
from dailies.video.framing import FitMode
from dailies.video.record import Source, SourceKind, VideoRequest
from dailies.video.request import Input, InputKind, Role
from tests.pictures import png
from tests.unit.pipeline.between import Between, each_place
from tests.unit.pipeline.memory import no_point
from tests.unit.pipeline.schedule import Crash
from tests.unit.pipeline.test_batches import ENGINE, videos
from tests.unit.pipeline.test_never_pay_twice import CrashAt
from tests.unit.pipeline.world import OWNER, World

_HOURS = 7200


async def _accept(world: World, prompt: str) -> None:
    """A request with a picture, and always the same key."""
    world.now += 1
    picture = png(1)
    first = Input(role=Role.FIRST, type=InputKind.IMAGE, fit=FitMode.COVER)
    digest = hashlib.sha256(picture).hexdigest()
    await accept(
        world.services,
        owner=OWNER,
        request=VideoRequest(model="sora-2", prompt=prompt, seconds=4, size=Size(720, 1280)),
        source=Source(kind=SourceKind.OPERATOR),
        idempotency_key="key",
        traceparent=None,
        inputs=[GivenInput(first, "image/png", BytesSource(picture), digest)],
    )


async def _try_accept(world: World, prompt: str) -> None:
    with contextlib.suppress(Conflict):
        await _accept(world, prompt)


async def _left_over(world: World) -> set[str]:
    """The folders that belong to no video, once the sweep had the time to find them."""
    world.go_wrong(no_point)
    world.now += _HOURS
    await sweep(world.services, ENGINE)
    known = {record.id for record in await videos(world)}
    return {name.partition("/")[0] for name in world.files.files} - known


async def test_the_second_of_two_requests_with_one_key_leaves_no_picture() -> None:
    for second in ("a pier at dusk", "a pier at dawn"):  # another request, and the same

        async def play(place: int, second: str = second) -> Between:
            world = World()
            between = Between(world, place, lambda: _try_accept(world, "a pier at dawn"))
            await _try_accept(world, second)
            world.go_wrong(no_point)
            opened = {video.id async for video in world.services.records.open.videos()}
            assert opened == {record.id for record in await videos(world)}, f"{second} {place}"
            assert await _left_over(world) == set(), f"{second} {place}"
            return between

        assert len([place async for place in each_place(play)]) > 10


async def test_a_request_that_is_answered_with_a_video_of_before_leaves_no_picture() -> None:
    """It dies at any call; the other one comes while its picture is stored."""

    async def play(place: int) -> int:
        world = World()
        crash, came = CrashAt(place), False

        async def point(name: str) -> None:
            nonlocal came
            if name.startswith("store") and not came:
                came = True
                world.go_wrong(no_point)
                await _accept(world, "a pier at dawn")
                world.go_wrong(point)
            await crash(name)

        world.go_wrong(point)
        with contextlib.suppress(Crash):
            await _accept(world, "a pier at dawn")
        assert await _left_over(world) == set(), place
        assert len(await videos(world)) == came, place
        return crash.passed

    for place in range(1, await play(0) + 1):
        await play(place)
