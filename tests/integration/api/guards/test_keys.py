"""What guards a key is held to, and what of it holds for the finished video."""

from __future__ import annotations

from dailies.owners.guard import GuardLimits
from dailies.video.guarding import GuardName, Harm
from tests.content_safety import ContentSafetyAccount
from tests.integration.api.guards.asking import (
    RULES,
    guard_with,
    limited,
)
from tests.integration.api.world import World


async def test_a_key_may_be_exempt(guarded: World, account: ContentSafetyAccount) -> None:
    limited(guarded, GuardLimits(only=()))
    body = {"prompt": "A violent kite"}
    assert (await guarded.alice.post("/v1/videos", json=body)).status_code == 200
    assert account.requests == []
    assert (await guarded.bob.post("/v1/videos", json=body)).status_code == 400


async def test_a_key_may_be_looked_at_more_strictly_and_not_less(guarded: World) -> None:
    limited(guarded, GuardLimits(severities={Harm.VIOLENCE: 2, Harm.HATE: 6}))
    for prompt, status in (("A slightly violent kite", 400), ("A hateful kite", 400)):
        answer = await guarded.alice.post("/v1/videos", json={"prompt": prompt})
        assert answer.status_code == status
    body = {"prompt": "A slightly violent kite"}
    assert (await guarded.bob.post("/v1/videos", json=body)).status_code == 200


async def test_a_key_may_have_a_list_of_its_own(
    guarded: World, account: ContentSafetyAccount
) -> None:
    await account.block("of-alice", "kite")
    limited(guarded, GuardLimits(blocklists=("of-alice",)))
    assert (await guarded.alice.post("/v1/videos", json={"prompt": "A kite"})).status_code == 400
    assert (await guarded.bob.post("/v1/videos", json={"prompt": "A kite"})).status_code == 200


# -- a webhook of the operator's own


async def test_what_holds_for_the_finished_video_is_written_down_at_the_start(
    world: World, account: ContentSafetyAccount
) -> None:
    guard_with(world, account.guard(), rules=RULES.model_copy(update={"frames": 4}))
    limited(world, GuardLimits(severities={Harm.VIOLENCE: 2}, frames=6))
    answer = await world.alice.post("/v1/videos", json={"prompt": "A kite"})
    record = await world.record(answer.json()["id"])
    assert record is not None
    assert record.frame_check is not None
    rules = record.frame_check.rules
    assert (rules.guards, rules.frames) == ((GuardName.CONTENT_SAFETY,), 6)
    assert (rules.severities[Harm.VIOLENCE], rules.blocklists) == (2, ("house-words",))
    assert "frame_check" not in answer.text


async def test_without_frames_nobody_looks_at_the_finished_video(guarded: World) -> None:
    answer = await guarded.alice.post("/v1/videos", json={"prompt": "A kite"})
    record = await guarded.record(answer.json()["id"])
    assert record is not None
    assert record.frame_check is None
