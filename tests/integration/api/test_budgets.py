"""Budgets, over HTTP: never a cent over, and never a video too few."""

from __future__ import annotations

import asyncio
import warnings
from collections import Counter
from datetime import UTC, datetime

import httpx
import openai
import pytest

from dailies.api import create
from dailies.pipeline.budgets import warn_of_budgets
from dailies.stores.tables import TABLES
from dailies.video.basics import Phase
from tests.integration.api.budgeting import PIER, create_pier, end_video, set_budget, standing_of
from tests.integration.api.given import IMAGE_URL
from tests.integration.api.world import World


async def test_what_is_over_it_is_refused_and_told_how_much_is_left_and_when_it_renews(
    world: World,
) -> None:
    await set_budget(world, day_usd=1, month_usd=100)
    assert [(await create_pier(world)).status_code for _ in range(2)] == [200, 200]
    answer = await create_pier(world)
    assert answer.status_code == 429
    midnight = datetime.fromtimestamp(world.now, UTC).replace(hour=0, minute=0, second=0)
    renews_at = int(midnight.timestamp()) + 86_400
    assert answer.json()["error"] == {
        "message": "Your budget of $1 a day does not allow this video: it may cost $0.4, and $0.2 "
        f"is left. It renews at {datetime.fromtimestamp(renews_at, UTC):%Y-%m-%dT%H:%M:%SZ}. "
        "Nothing was made.",
        "type": "insufficient_quota",
        "param": None,
        "code": "budget_exceeded",
        "budget": {
            "scope": "owner",
            "period": "day",
            "limit_usd": 1.0,
            "left_usd": 0.2,
            "price_usd": 0.4,
            "renews_at": renews_at,
        },
    }
    assert answer.headers["x-should-retry"] == "false"
    assert 0 < int(answer.headers["Retry-After"]) <= 3600
    world.now = renews_at - 1.0
    assert (await create_pier(world)).headers["Retry-After"] == "1"
    world.now = float(renews_at)
    assert (await create_pier(world)).status_code == 200


@pytest.mark.parametrize(
    ("limit", "fit", "instances"), [(10.0, 25, 3), (10.399999, 25, 1), (9.999999, 24, 3)]
)
async def test_a_hundred_at_once_use_it_up_to_the_last_cent_and_no_further(
    world: World, limit: float, fit: int, instances: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A hundred take their turns, which may take longer on a busy machine than a caller should wait.
    monkeypatch.setattr(create, "LONGEST_ACCEPT_SECONDS", 600)
    await set_budget(world, day_usd=limit)
    clients = [world.alice, *(world.another_instance() for _ in range(instances - 1))]
    # Instances know nothing of each other's turns: between them the account's ETag decides.
    answers = await asyncio.gather(
        *(clients[n % instances].post("/v1/videos", json=PIER) for n in range(100))
    )
    codes = Counter(answer.status_code for answer in answers)
    assert codes == {200: fit, 429: 100 - fit}
    standing = await standing_of(world)
    assert standing["held_usd"] == pytest.approx(fit * 0.4, abs=1e-9)
    assert standing["left_usd"] == pytest.approx(limit - fit * 0.4, abs=1e-9)
    for client in clients[1:]:
        await client.aclose()


async def test_at_the_end_what_was_held_becomes_what_it_has_cost(world: World) -> None:
    await set_budget(world, day_usd=1)
    made, failed, cancelled = [(await create_pier(world)).json().get("id") for _ in range(3)]
    assert cancelled is None
    assert await standing_of(world) == {"spent_usd": 0, "held_usd": 0.8, "left_usd": 0.2}
    await end_video(world, made, cost=0.4)
    assert await standing_of(world) == {"spent_usd": 0.4, "held_usd": 0.4, "left_usd": 0.2}
    await world.change(failed, phase=Phase.FAILED, completed_at=world.now, cost_usd=0.0)
    assert await standing_of(world) == {"spent_usd": 0.4, "held_usd": 0, "left_usd": 0.6}
    assert (await create_pier(world)).status_code == 200
    # The other one has ended; what it has cost was spent, whatever becomes of it.
    assert (await world.alice.delete(f"/v1/videos/{made}")).status_code == 200
    assert await standing_of(world) == {"spent_usd": 0.4, "held_usd": 0.4, "left_usd": 0.2}


async def test_a_later_word_on_the_cost_counts_for_the_day_of_the_create(world: World) -> None:
    await set_budget(world, day_usd=1, month_usd=1)
    video_id = (await create_pier(world)).json()["id"]
    await end_video(world, video_id, cost=0.4, cost_is_estimate=True)
    await world.change(video_id, cost_usd=0.1, cost_is_estimate=False)
    assert await standing_of(world) == {"spent_usd": 0.1, "held_usd": 0, "left_usd": 0.9}
    world.now += 86_400
    await world.change(video_id, cost_usd=0.3)
    assert await standing_of(world) == {"spent_usd": 0, "held_usd": 0, "left_usd": 1}
    assert (await standing_of(world, "month"))["spent_usd"] == 0.3


async def test_what_ends_a_day_later_leaves_that_day_alone(world: World) -> None:
    await set_budget(world, day_usd=1, total_usd=1)
    video_id = (await create_pier(world)).json()["id"]
    world.now += 86_400
    await create_pier(world)
    await end_video(world, video_id, cost=0.4)
    assert await standing_of(world) == {"spent_usd": 0, "held_usd": 0.4, "left_usd": 0.6}
    total = {"spent_usd": 0.4, "held_usd": 0.4, "left_usd": 0.2}
    assert await standing_of(world, "total") == total


async def test_a_video_whose_cost_nobody_knows_any_more_counts_for_what_was_held(
    world: World,
) -> None:
    await set_budget(world, day_usd=1)
    video_id = (await create_pier(world)).json()["id"]
    await end_video(world, video_id, cost=None)
    assert (await standing_of(world))["spent_usd"] == 0.4
    await world.change(video_id, cost_usd=0.25)
    assert (await standing_of(world))["spent_usd"] == 0.25


async def test_a_replay_holds_nothing_and_is_answered_when_nothing_is_left(world: World) -> None:
    await set_budget(world, day_usd=0.4)
    headers = {"Idempotency-Key": "pier"}
    first = await world.alice.post("/v1/videos", json=PIER, headers=headers)
    again = await world.alice.post("/v1/videos", json=PIER, headers=headers)
    other = await world.alice.post("/v1/videos", json=PIER, headers={"Idempotency-Key": "other"})
    assert (first.json()["id"], other.status_code) == (again.json()["id"], 429)
    resent = {"x-stainless-retry-count": "1"}
    resend = await world.alice.post("/v1/videos", json={"prompt": "a sea"}, headers=resent)
    assert resend.status_code == 429
    assert (await standing_of(world))["held_usd"] == 0.4


async def test_one_request_sent_twenty_times_at_once_takes_one_place(world: World) -> None:
    await set_budget(world, day_usd=0.4)
    for headers in ({"Idempotency-Key": "pier"}, {"x-stainless-retry-count": "1"}):
        answers = await asyncio.gather(
            *(world.alice.post("/v1/videos", json=PIER, headers=headers) for _ in range(20))
        )
        assert {answer.status_code for answer in answers} == {200}
        (video_id,) = {answer.json()["id"] for answer in answers}
        await world.change(video_id, phase=Phase.FAILED, completed_at=world.now, cost_usd=0.0)


async def test_a_refused_create_leaves_nothing_behind(world: World) -> None:
    await set_budget(world, day_usd=0.1)
    assert (await create_pier(world)).status_code == 429  # what is remembered of a refusal is now
    before = await _stored(world)
    assert (await create_pier(world, input_reference=IMAGE_URL)).status_code == 429
    assert (await create_pier(world)).status_code == 429
    assert await _stored(world) == before
    assert world.engine.started == []


async def test_a_dry_run_tells_it(world: World) -> None:
    await set_budget(world, day_usd=0.5)
    dry = await world.alice.post("/v1/videos?dry_run=true", json=PIER)
    assert dry.status_code == 200
    await create_pier(world)
    dry = await world.alice.post("/v1/videos?dry_run=true", json=PIER)
    assert (dry.status_code, dry.json()["error"]["code"]) == (429, "budget_exceeded")
    assert (await standing_of(world))["held_usd"] == 0.4


async def test_the_official_client_does_not_send_it_again(world: World) -> None:
    await set_budget(world, day_usd=0.1)
    sent = 0

    async def count(_request: httpx.Request) -> None:
        nonlocal sent
        sent += 1

    world.alice.event_hooks["request"].append(count)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        with pytest.raises(openai.RateLimitError) as caught:
            await world.official.videos.create(prompt="a pier", model="sora-2", seconds="4")
    assert (sent, caught.value.code) == (1, "budget_exceeded")


async def test_a_video_without_a_price_is_refused_where_a_budget_applies(world: World) -> None:
    body = {"prompt": "a pier", "model": "sora", "width": 480, "height": 480, "n_seconds": 5}
    path = "/v1/video/generations/jobs"
    assert (await world.alice.post(path, json=body)).status_code == 201
    await set_budget(world, total_usd=100)
    refused = await world.alice.post(path, json=body)
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "price_unknown")
    assert refused.json()["error"]["param"] == "model"


async def test_of_two_budgets_the_narrower_one_decides(world: World) -> None:
    await set_budget(world, month_usd=0.4)
    await set_budget(world, user="zoe", day_usd=10)
    assert (await create_pier(world, user="zoe")).status_code == 200
    refused = (await create_pier(world, user="zoe")).json()["error"]["budget"]
    assert (refused["scope"], refused["period"]) == ("owner", "month")
    assert (await standing_of(world, user="zoe"))["held_usd"] == 0.4


async def test_without_its_budget_an_owner_is_not_held_back_and_what_is_held_is_settled(
    world: World,
) -> None:
    await set_budget(world, day_usd=0.4)
    video_id = (await create_pier(world)).json()["id"]
    path = f"/v1/admin/budgets/{world.owners['alice']}"
    assert (await world.admin.delete(path)).json()["deleted"] is True
    gone = await world.admin.delete(path)
    assert (gone.status_code, gone.json()["error"]["code"]) == (404, "budget_not_found")
    assert (await world.admin.get(path)).json()["data"] == []
    assert (await create_pier(world)).status_code == 200
    await end_video(world, video_id, cost=0.1)
    await set_budget(world, day_usd=0.4)
    assert await standing_of(world) == {"spent_usd": 0.1, "held_usd": 0, "left_usd": 0.3}


async def test_a_warning_is_told_once_however_many_look_for_it(world: World) -> None:
    await set_budget(world, day_usd=1)
    await set_budget(world, user="zoe", day_usd=1)
    mine = f"/budgets/{world.owners['alice']}"

    def told() -> list[tuple[str, int]]:
        data = [event.data for event in world.events.taken if event.subject == mine]
        return sorted((each["scope"], each["percent"]) for each in data if each is not None)

    await create_pier(world, user="zoe")
    await warn_of_budgets(world.services)
    assert told() == []
    await create_pier(world, user="zoe")
    for _ in range(2):
        await warn_of_budgets(world.services)
        assert told() == [("owner", 80), ("user", 80)]
    assert (await create_pier(world)).status_code == 429
    for _ in range(2):
        await warn_of_budgets(world.services)
        assert told() == [("owner", 80), ("owner", 100), ("user", 80)]


async def test_raising_it_lets_more_through_at_once(world: World) -> None:
    await set_budget(world, day_usd=0.4)
    assert [(await create_pier(world)).status_code for _ in range(2)] == [200, 429]
    made = await set_budget(world, day_usd=0.8)
    assert made["standings"][0]["left_usd"] == 0.4
    assert [(await create_pier(world)).status_code for _ in range(2)] == [200, 429]


async def _stored(world: World) -> list[str]:
    rows = [
        f"{name}/{row['PartitionKey']}/{row['RowKey']}"
        for name in TABLES
        async for row in world.tables.get_table_client(name).list_entities()
    ]
    return sorted([*rows, *[name async for name in world.videos.list_blob_names()]])


async def test_what_is_made_again_counts_for_the_budget_of_its_key(world: World) -> None:
    budget = {"budget": {"total_usd": 0.5}}
    issued = await world.admin.post(
        "/v1/admin/keys", json={"owner": world.owners["alice"], "limits": budget}
    )
    client = world.client(issued.json()["key"])
    made = (await client.post("/v1/videos", json=PIER)).json()["id"]
    await world.change(made, phase=Phase.FAILED, completed_at=world.now, cost_usd=0.2)
    # Also of a key that is revoked by now.
    await world.admin.delete(f"/v1/admin/keys/{issued.json()['id']}")
    refused = await world.admin.post(f"/v1/admin/videos/{made}/retry")
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "budget_exceeded")
    await client.aclose()
