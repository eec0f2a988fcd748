"""The id of an event leads a listener that comes again back to all that it was not told."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import cast

import pytest
from fastapi import Request

from dailies.api import events
from dailies.api.context import Context
from dailies.stores.followers import Follower, Followers
from tests.integration.api.world import World


async def _never(_: Followers) -> None:
    """Others' changes are found when the test looks."""


def _id_of(event: bytes) -> float:
    lines = dict(line.split(": ", 1) for line in event.decode().splitlines() if ": " in line)
    return int(lines["id"]) / 1000


async def test_an_id_says_how_far_others_changes_were_looked_for(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Followers, "_keep_looking", _never)
    video_ids = [
        (await world.alice.post("/v1/videos", json={"prompt": "a pier"})).json()["id"]
        for _ in range(2)
    ]
    services, owner, began = world.services, world.owners["alice"], world.now
    with services.followers.follow(owner, None) as follower:
        await services.followers.catch_up(owner, follower, since=None)
        listener = _listening(world, follower, began)
        await anext(listener)  # when to come again
        assert [_id_of(await anext(listener)) for _ in video_ids] == [began] * 2
        # What another process has written since, nobody has looked for.
        world.now += 30
        await world.change(video_ids[0], progress=40)
        assert _id_of(await anext(listener)) == began
        await services.followers.look()
        world.now += 5
        for progress in (50, 60):
            await world.change(video_ids[1], progress=progress)
            last = _id_of(await anext(listener))
        assert last == began + 30


def _listening(world: World, follower: Follower, began: float) -> AsyncIterator[bytes]:
    context = Context(world.services, world.engine)
    return events._pieces(cast(Request, None), context, follower, began, 3600.0)
