"""What may be told to a batch, and what pauses it by itself."""

from __future__ import annotations

from typing import Any

import pytest

from dailies.batches.removing import retire_batches
from dailies.video.basics import Priority
from tests.integration.api.batches.driving import SHOT, Driver, accepted, lines, order
from tests.integration.api.world import World


async def told(batch: Driver, word: str, status: int = 200) -> dict[str, Any]:
    """The answer to a call."""
    answer = await batch.world.alice.post(f"/v1/video_batches/{batch.id}/{word}")
    assert answer.status_code == status, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_a_paused_batch_begins_nothing_until_it_is_resumed(world: World) -> None:
    batch = await accepted(world, *[SHOT] * 4, max_in_progress=2)
    await batch.turn()
    assert (await told(batch, "pause"))["status"] == "paused"
    assert (await told(batch, "pause"))["status"] == "paused"
    assert (await batch.turn())["kind"] == "wait", "two are under way"
    await batch.end(await batch.under_way())
    assert await batch.turn() == {"kind": "rest"}
    counts = (await batch.public())["counts"]
    assert (counts["completed"], counts["queued"]) == (2, 2)
    assert (await told(batch, "resume"))["status"] == "in_progress"
    assert (batch.id, "wake") in world.engine.woken
    await batch.to_the_end()
    assert (await batch.public())["counts"]["completed"] == 4
    assert (await told(batch, "pause", 409))["error"]["code"] == "batch_already_ended"
    assert (await told(batch, "resume", 409))["error"]["code"] == "batch_already_ended"


async def test_a_cancelled_batch_stops_what_is_under_way_and_makes_no_more(world: World) -> None:
    batch = await accepted(world, *[SHOT] * 5, max_in_progress=2)
    await batch.turn()
    first, second = await batch.under_way()
    await batch.end([first])
    assert (await told(batch, "cancel"))["status"] == "canceling"
    await batch.turn()
    record = await world.record(second)
    assert record is not None
    assert record.cancel_requested
    assert (second, "wake") in world.engine.woken
    await batch.end([second], "cancelled")
    assert await batch.turn() == {"kind": "rest"}
    ended = await batch.public()
    assert ended["status"] == "cancelled"
    assert ended["counts"] == {
        "total": 5, "queued": 0, "in_progress": 0, "completed": 1, "failed": 0, "cancelled": 4,
    }  # fmt: skip
    assert world.events.last["status"] == "cancelled"
    assert (await told(batch, "cancel"))["status"] == "cancelled", "again changes nothing"


async def test_what_failed_is_made_anew_and_nothing_else(world: World) -> None:
    batch = await accepted(world, *[SHOT] * 3)
    await batch.turn()
    assert (await told(batch, "retry", 409))["error"]["code"] == "batch_not_ended"
    first, second, third = await batch.under_way()
    await batch.end([first, third])
    await batch.end([second], "rejected")
    await batch.turn()
    assert (await batch.public())["counts"]["failed"] == 1
    again = await told(batch, "retry")
    assert (again["status"], again["run"], again["results_url"]) == ("in_progress", 2, None)
    await batch.turn()
    [anew] = await batch.under_way()
    assert anew not in (first, second, third)
    record = await world.record(anew)
    assert record is not None
    assert record.batch_line == 2
    await batch.to_the_end()
    ended = await batch.public()
    assert (ended["counts"]["completed"], ended["counts"]["failed"]) == (3, 0)
    ids = [
        event.id for event in world.events.taken if event.subject == f"/video_batches/{batch.id}"
    ]
    assert ids == [f"{batch.id}.completed", f"{batch.id}.completed.2"]
    assert [shot["status"] for shot in await batch.shots()] == ["completed"] * 3
    assert (await told(batch, "retry", 409))["error"]["code"] == "nothing_failed"


@pytest.mark.parametrize(
    "headers", [{"Idempotency-Key": "again"}, {"x-stainless-retry-count": "1"}]
)
async def test_a_retry_that_is_sent_again_is_not_paid_again(
    world: World, headers: dict[str, str]
) -> None:
    batch = await accepted(world, SHOT)
    path = f"/v1/video_batches/{batch.id}/retry"

    async def fail() -> None:
        await batch.turn()
        await batch.end(await batch.under_way(), "rejected")
        await batch.turn()

    await fail()
    first = await world.alice.post(path, headers={"Idempotency-Key": "again"})
    assert (first.status_code, first.json()["run"]) == (200, 2)
    assert "Idempotent-Replayed" not in first.headers
    await fail()
    for _ in range(2):
        again = await world.alice.post(path, headers=headers)
        assert (again.status_code, again.json()["run"]) == (200, 2)
        assert again.headers["Idempotent-Replayed"] == "true"
    assert (await batch.public())["status"] == "completed"
    anew = await world.alice.post(path, headers={"Idempotency-Key": "another"})
    assert anew.json()["run"] == 3
    await fail()
    assert (await world.alice.post(path, headers={"Idempotency-Key": "again"})).json()["run"] == 3


async def test_a_budget_that_does_not_allow_a_shot_pauses_the_batch(world: World) -> None:
    path = f"/v1/admin/budgets/{world.owners['alice']}"
    await world.admin.put(path, json={"total_usd": 1})
    batch = await accepted(world, *[SHOT] * 5)
    await batch.turn()
    paused = await batch.public()
    assert (paused["status"], paused["error"]["code"]) == ("paused", "budget_exceeded")
    assert len(await batch.under_way()) == 2
    await batch.end(await batch.under_way())
    await world.admin.put(path, json={"total_usd": 10})
    assert (await told(batch, "resume"))["error"] is None
    await batch.to_the_end()
    assert (await batch.public())["counts"]["completed"] == 5


async def test_a_batch_may_not_cost_more_than_its_limit(world: World) -> None:
    answer = await order(world.alice, lines(*[SHOT] * 3), limit_usd="1")
    assert answer.json()["error"]["faults"][0]["code"] == "over_limit"
    batch = await accepted(world, *[SHOT] * 3, limit_usd="1.2")
    await batch.turn()
    first, *others = await batch.under_way()
    await batch.end(others)
    await batch.end([first], "rejected")
    await world.change(first, cost_usd=0.4)  # it was charged all the same
    await batch.turn()
    assert (await batch.public())["cost_usd"]["so_far"] == pytest.approx(1.2)
    await told(batch, "retry")
    await batch.turn()
    error = (await batch.public())["error"]
    assert error["code"] == "batch_limit_reached"
    assert "'limit_usd'" in error["message"]
    assert (await told(batch, "resume?limit_usd=none", 400))["error"]["param"] == "limit_usd"
    assert (await told(batch, "resume?limit_usd=1.6"))["limit_usd"] == 1.6
    await batch.to_the_end()
    assert (await batch.public())["counts"]["completed"] == 3


async def test_a_key_that_is_revoked_pauses_its_batch_and_another_goes_on(world: World) -> None:
    body = {"owner": world.owners["alice"], "limits": {"models": ["sora-2"]}}
    issued = (await world.admin.post("/v1/admin/keys", json=body)).json()
    async with world.client(issued["key"]) as client:
        refused = await order(client, lines({"prompt": "a", "model": "plain"}))
        assert refused.json()["error"]["faults"][0]["code"] == "model_not_allowed"
        answer = await order(client, lines(*[SHOT] * 2), max_in_progress=1)
    batch = Driver(world, answer.json()["id"])
    await batch.turn()
    [video_id] = await batch.under_way()
    record = await world.record(video_id)
    assert record is not None
    assert record.key_id == issued["id"]
    await world.admin.delete(f"/v1/admin/keys/{issued['id']}")
    world.now += 60
    await batch.end([video_id])
    await batch.turn()
    paused = await batch.public()
    assert (paused["status"], paused["error"]["code"]) == ("paused", "api_key_not_taken")
    await told(batch, "resume")
    await batch.to_the_end()
    assert (await batch.public())["counts"]["completed"] == 2


async def test_a_shot_that_can_not_be_made_after_all_fails_alone(world: World) -> None:
    unreachable = {"prompt": "a", "image_url": "https://localhost/a.png"}
    batch = await accepted(world, SHOT, unreachable, SHOT)
    await batch.turn()
    assert len(await batch.under_way()) == 2
    [failed] = await batch.shots(status="failed")
    assert (failed["line"], failed["video_id"]) == (2, None)
    assert failed["error"]["code"] == "image_url_not_allowed"
    await batch.to_the_end()
    ended = await batch.public()
    assert (ended["counts"]["completed"], ended["counts"]["failed"]) == (2, 1)


async def test_a_video_that_is_deleted_counts_as_cancelled(world: World) -> None:
    batch = await accepted(world, SHOT, SHOT)
    await batch.turn()
    first, second = await batch.under_way()
    assert (await world.alice.delete(f"/v1/videos/{first}")).status_code == 200
    await batch.end([second])
    await batch.to_the_end()
    counts = (await batch.public())["counts"]
    assert (counts["completed"], counts["cancelled"]) == (1, 1)


async def test_a_shot_waits_with_the_priority_that_it_asks_for(world: World) -> None:
    batch = await accepted(world, {"defaults": {"priority": "normal"}}, SHOT)
    await batch.turn()
    [video_id] = await batch.under_way()
    record = await world.record(video_id)
    assert record is not None
    assert record.priority is Priority.NORMAL


async def test_too_many_unfinished_videos_let_a_batch_wait(storage: str) -> None:
    async with World(storage, DAILIES_MAX_UNFINISHED=2) as world:
        batch = await accepted(world, *[SHOT] * 4)
        step = await batch.turn()
        assert step["kind"] == "wait"
        assert step.get("seconds", 0) > 0
        assert len(await batch.under_way()) == 2
        await batch.to_the_end()
        assert (await batch.public())["counts"]["completed"] == 4


async def test_a_deleted_batch_leaves_its_videos_and_nothing_else(world: World) -> None:
    batch = await accepted(world, *[SHOT] * 3)
    path = f"/v1/video_batches/{batch.id}"
    assert (await world.alice.delete(path)).json()["error"]["code"] == "batch_not_ended"
    await batch.to_the_end()
    shots = await batch.shots()
    assert (await world.bob.delete(path)).status_code == 404
    assert (await world.alice.delete(path)).json()["deleted"] is True
    assert (await world.alice.get(path)).status_code == 404
    assert await world.blobs(f"batches/{batch.id}") == []
    assert [shot async for shot in world.services.batches.shots(batch.id)] == []
    for shot in shots:
        assert (await world.alice.get(f"/v1/videos/{shot['video_id']}")).status_code == 200


async def test_what_made_a_batch_that_was_deleted_makes_no_other(world: World) -> None:
    headers = {"Content-Type": "application/jsonl", "Idempotency-Key": "mine"}

    async def send(**other: str) -> Any:
        body, path = lines(SHOT), "/v1/video_batches"
        return (await world.alice.post(path, content=body, headers={**headers, **other})).json()

    batch = Driver(world, (await send())["id"])
    await batch.to_the_end()
    await world.alice.delete(f"/v1/video_batches/{batch.id}")
    assert (await send())["error"]["code"] == "batch_deleted"
    assert (await world.alice.get("/v1/video_batches")).json()["data"] == []
    assert (await send(**{"Idempotency-Key": "new"}))["counts"]["total"] == 1


async def test_a_batch_is_kept_as_long_as_videos_are(storage: str) -> None:
    async with World(storage, DAILIES_RETENTION_DAYS=7) as world:
        old, again = await accepted(world, SHOT), await accepted(world, SHOT)
        await old.to_the_end()
        await again.turn()
        await again.end(await again.under_way(), "rejected")
        await again.turn()
        world.now += 6 * 86_400
        await told(again, "retry")
        await again.to_the_end()
        world.now += 2 * 86_400
        await retire_batches(world.services)
        left = (await world.alice.get("/v1/video_batches")).json()["data"]
        assert [batch["id"] for batch in left] == [again.id], "it ended two days ago"
        world.now += 6 * 86_400
        await retire_batches(world.services)
        assert (await world.alice.get("/v1/video_batches")).json()["data"] == []
