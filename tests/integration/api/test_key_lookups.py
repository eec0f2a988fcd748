"""How keys that come with requests are looked up: seldom, a few at a time, none for ever."""

from __future__ import annotations

import asyncio

import pytest
from azure.core.exceptions import ServiceRequestError

from dailies.owners.issued import IssuedKey
from dailies.stores.keys import KeyStore, Seen
from tests.integration.api.issuing import asked_with, issue
from tests.integration.api.world import World


async def test_an_issued_key_costs_no_read_for_each_request(world: World) -> None:
    video_id = await world.finished()
    issued = await issue(world)
    async with world.client(issued["key"]) as client:
        counts = []
        for _ in range(3):
            before = world.table_requests
            assert (await client.get(f"/v1/videos/{video_id}")).status_code == 200
            counts.append(world.table_requests - before)
    before = world.table_requests
    await world.alice.get(f"/v1/videos/{video_id}")
    without = world.table_requests - before
    assert counts[1:] == [without, without]


async def test_many_requests_at_once_read_a_key_once(world: World) -> None:
    issued = await issue(world)
    store = KeyStore(world.tables)
    before = world.table_requests
    found = await asyncio.gather(*(store.find(issued["id"], world.now) for _ in range(50)))
    assert {key.id for key in found if key is not None} == {issued["id"]}
    assert world.table_requests - before == 1


async def test_what_we_never_made_is_looked_for_nowhere(world: World) -> None:
    issued = await issue(world)
    secret = issued["key"]
    wrong = secret[:-1] + ("a" if secret[-1] != "a" else "b")
    before = world.table_requests
    for key in (wrong, "dk_rubbish", f"{secret} ", "sk-1234"):
        expected = 200 if key.strip() == secret else 401
        async with world.client(None) as client:
            answer = await client.get("/v1/models", headers={"api-key": key})
        assert answer.status_code == expected, key
    # The one read is for the right key, with a blank after it.
    assert world.table_requests - before <= 2


async def test_while_storage_is_down_an_issued_key_is_503_and_never_401(world: World) -> None:
    issued = await issue(world)
    assert (await asked_with(world, issued["key"])).status_code == 200

    async def down(key_id: str) -> IssuedKey | None:
        raise ServiceRequestError("down")

    store = world.services.keys
    world.now += 5
    original, store.get = store.get, down  # type: ignore[method-assign] # the outage
    refused = await asked_with(world, issued["key"])
    assert refused.status_code == 503
    assert refused.json()["error"]["code"] == "storage_unavailable"
    # A key of the settings needs no storage to be known.
    assert (await world.alice.get("/v1/models")).status_code == 200
    store.get = original  # type: ignore[method-assign] # it is over
    assert (await asked_with(world, issued["key"])).status_code == 200


async def test_who_waits_for_storage_too_long_is_told_to_come_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    issued = await issue(world)

    async def silent(key_id: str) -> IssuedKey | None:
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr(world.services.keys, "get", silent)
    monkeypatch.setattr("dailies.stores.keys._READ_SECONDS", 0.01)
    refused = await asked_with(world, issued["key"])
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "10")
    assert refused.json()["error"]["code"] == "storage_unavailable"


async def test_few_unknown_ids_are_looked_for_at_a_time_and_known_keys_wait_for_none(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    issued = await issue(world)
    store = KeyStore(world.tables)
    known = await store.find(issued["id"], world.now)
    looking: set[str] = set()
    enough, let_go = asyncio.Event(), asyncio.Event()

    async def slow(key_id: str) -> IssuedKey | None:
        if key_id == issued["id"]:
            return known
        looking.add(key_id)
        if len(looking) == 8:
            enough.set()
        await let_go.wait()
        return None

    monkeypatch.setattr(store, "get", slow)
    unknown = [
        asyncio.create_task(store.find(f"key_{number:016x}", world.now)) for number in range(40)
    ]
    await enough.wait()
    # It is read anew, beside eight that take their time.
    assert await store.find(issued["id"], world.now + 60) is known
    assert len(looking) == 8
    let_go.set()
    assert await asyncio.gather(*unknown) == [None] * 40


async def test_ids_that_nobody_issued_push_no_key_out(world: World) -> None:
    issued = await issue(world)
    store = KeyStore(world.tables)
    await store.find(issued["id"], world.now)
    for number in range(2100):
        store._remember(f"key_{number:016x}", Seen(None, world.now))
    before = world.table_requests
    assert await store.find(issued["id"], world.now) is not None
    assert await store.find(f"key_{2099:016x}", world.now) is None
    assert world.table_requests == before
    assert len(store._unknown) == 2000
