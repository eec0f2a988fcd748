"""Dropped images and guards: a refusal is an answer, silence is waited for."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dailies.drops.accept import accept_drop
from dailies.guards.base import Passed, Refused, Shown, Unsaid, Verdict
from dailies.guards.panel import Guards
from dailies.protocols.drop.payloads import Drop
from dailies.video.errors import Unavailable
from tests.unit.pipeline.guard import Says
from tests.unit.pipeline.test_drop import picture
from tests.unit.pipeline.world import World


def guarded(verdict: Verdict) -> tuple[World, Says, Drop]:
    world, guard = World(), Says(verdict)
    world.services = replace(world.services, guards=Guards([guard]))
    data = {"prompt": "A cat wakes"}
    etag = world.files.container.drop("cats/a.png", picture(), data)
    return world, guard, {"blob": "cats/a.png", "etag": etag}


async def test_a_refused_image_is_rejected_with_the_category() -> None:
    world, guard, drop = guarded(Refused("violence", Shown.INPUT))
    answer, acceptance = await accept_drop(world.services, drop)
    assert acceptance is None
    rejection = answer["rejection"]
    assert (rejection["code"], rejection["where"]) == ("content_filter", "cats/a.png")
    assert "violence" in rejection["message"]
    (subject,) = guard.seen
    assert subject.texts == ("A cat wakes",)
    assert (len(subject.pictures), subject.sent[0].role) == (1, "first")


async def test_an_image_waits_for_its_verdict_however_long_that_takes() -> None:
    world, guard, drop = guarded(Unsaid("no answer"))
    for _ in range(20):
        with pytest.raises(Unavailable):
            await accept_drop(world.services, drop)
    guard.verdicts = [Passed()]
    answer, _ = await accept_drop(world.services, drop)
    assert answer["kind"] == "accepted"


async def test_an_upload_that_has_its_video_is_not_judged_again() -> None:
    world, guard, drop = guarded(Passed())
    first, _ = await accept_drop(world.services, drop)
    guard.verdicts = [Refused("violence", Shown.PROMPT)]
    assert (await accept_drop(world.services, drop))[0] == first
    assert len(guard.seen) == 1
