"""Keys that operators issue: what they open, how they are changed, and when they stop."""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import pytest
from azure.core.pipeline.transport import AioHttpTransport
from azure.data.tables.aio import TableServiceClient

from dailies.stores.keys import KeyStore
from tests.integration.api.issuing import asked_with, issue
from tests.integration.api.world import World

_UNKNOWN = f"key_{'0' * 16}"
_ROUTES = [
    ("POST", ""),
    ("GET", ""),
    ("GET", f"/{_UNKNOWN}"),
    ("PATCH", f"/{_UNKNOWN}"),
    ("DELETE", f"/{_UNKNOWN}"),
    ("POST", f"/{_UNKNOWN}/rotate"),
]


def _wrong(limit: str) -> tuple[str, str]:
    return f"limits.{limit}", "invalid_value"


async def test_an_issued_key_opens_its_owner_s_videos(world: World) -> None:
    video_id = await world.finished()
    mine = await issue(world, name="ci", tags=["team:film"])
    theirs = await issue(world, owner=world.owners["bob"])
    async with world.client(mine["key"]) as client:
        assert (await client.get(f"/v1/videos/{video_id}")).status_code == 200
        created = await client.post("/v1/videos", json={"prompt": "a pier"})
    async with world.client(theirs["key"]) as client:
        assert (await client.get(f"/v1/videos/{video_id}")).status_code == 404
    record = await world.record(created.json()["id"])
    assert record is not None
    assert (record.key_id, record.tags) == (mine["id"], ("team:film",))


async def test_a_key_is_shown_once_and_can_be_recognised(world: World) -> None:
    issued = await issue(world, name="ci")
    secret = issued.pop("key")
    assert re.fullmatch(r"dk_[0-9a-f]{16}_[0-9A-Za-z]{49}", secret)
    assert secret.startswith(f"{issued['prefix']}_")
    assert [each["last_four"] for each in issued["secrets"]] == [secret[-4:]]
    shown = await world.admin.get(f"/v1/admin/keys/{issued['id']}")
    listed = await world.admin.get("/v1/admin/keys", params={"owner": world.owners["alice"]})
    assert shown.json() == issued
    assert issued in listed.json()["data"]
    random_part = secret.rpartition("_")[2]
    assert random_part not in shown.text + listed.text
    kept = await world.services.keys.get(issued["id"])
    assert kept is not None
    assert random_part not in kept.model_dump_json()


async def test_a_revoked_key_stops_within_ten_seconds_on_another_instance(world: World) -> None:
    issued = await issue(world)
    elsewhere = KeyStore(world.tables)
    assert await elsewhere.find(issued["id"], world.now) is not None
    assert (await asked_with(world, issued["key"])).status_code == 200
    answer = await world.admin.delete(f"/v1/admin/keys/{issued['id']}")
    assert (answer.status_code, answer.json()["state"]) == (200, "revoked")
    refused = await asked_with(world, issued["key"])
    assert (refused.status_code, refused.json()["error"]["code"]) == (401, "api_key_revoked")
    seen = await elsewhere.find(issued["id"], world.now + 5)
    assert seen is not None
    assert seen.revoked_at == world.now
    again = await world.admin.delete(f"/v1/admin/keys/{issued['id']}")
    assert again.json() == answer.json()


async def test_a_key_that_expires_is_taken_until_then(world: World) -> None:
    issued = await issue(world, expires_at=int(world.now) + 60)
    world.now += 59
    assert (await asked_with(world, issued["key"])).status_code == 200
    world.now += 1
    refused = await asked_with(world, issued["key"])
    assert (refused.status_code, refused.json()["error"]["code"]) == (401, "api_key_expired")
    shown = await world.admin.get(f"/v1/admin/keys/{issued['id']}")
    assert shown.json()["state"] == "expired"
    rotated = await world.admin.post(f"/v1/admin/keys/{issued['id']}/rotate")
    assert (rotated.status_code, rotated.json()["error"]["code"]) == (409, "key_expired")
    await world.admin.patch(f"/v1/admin/keys/{issued['id']}", json={"expires_at": None})
    assert (await asked_with(world, issued["key"])).status_code == 200


async def test_after_a_rotation_both_secrets_are_taken_for_a_time(world: World) -> None:
    issued = await issue(world)
    answer = await world.admin.post(
        f"/v1/admin/keys/{issued['id']}/rotate", json={"overlap_seconds": 100}
    )
    rotated = answer.json()
    assert rotated["key"] != issued["key"]
    assert rotated["key"].startswith(issued["prefix"])
    for secret in (issued["key"], rotated["key"]):
        assert (await asked_with(world, secret)).status_code == 200
    world.now += 100
    assert (await asked_with(world, issued["key"])).status_code == 401
    assert (await asked_with(world, rotated["key"])).status_code == 200
    shown = await world.admin.get(f"/v1/admin/keys/{issued['id']}")
    assert [each["last_four"] for each in shown.json()["secrets"]] == [rotated["key"][-4:]]


async def test_a_rotation_overlaps_by_a_day_and_may_by_nothing(world: World) -> None:
    issued = await issue(world)
    first = await world.admin.post(f"/v1/admin/keys/{issued['id']}/rotate")
    assert first.json()["secrets"][1]["until"] == int(world.now) + 86_400
    second = await world.admin.post(
        f"/v1/admin/keys/{issued['id']}/rotate", json={"overlap_seconds": 0}
    )
    for secret, status in ((issued, 401), (first.json(), 401), (second.json(), 200)):
        assert (await asked_with(world, secret["key"])).status_code == status


async def test_only_a_few_secrets_are_taken_at_a_time(world: World) -> None:
    issued = await issue(world)
    statuses = [
        (await world.admin.post(f"/v1/admin/keys/{issued['id']}/rotate")).status_code
        for _ in range(5)
    ]
    assert statuses == [200] * 4 + [409]


async def test_a_change_names_what_changes_and_null_takes_away(world: World) -> None:
    issued = await issue(world, name="ci", tags=["a"], limits={"priorities": ["low"], "weight": 2})
    path = f"/v1/admin/keys/{issued['id']}"
    body = {"limits": {"weight": None, "priorities": ["high"]}, "name": "night"}
    changed = await world.admin.patch(path, json=body)
    assert changed.status_code == 200, changed.text
    shown = (await world.admin.get(path)).json()
    assert changed.json() == shown
    assert (shown["name"], shown["tags"]) == ("night", ["a"])
    given = {name: value for name, value in shown["limits"].items() if value is not None}
    assert given == {"priorities": ["high"]}


@pytest.mark.parametrize(
    ("body", "param", "code"),
    [
        ({}, "owner", "missing_required_parameter"),
        ({"owner": "No Such"}, "owner", "invalid_value"),
        ({"owner": "a", "limits": {"weigth": 2}}, "limits.weigth", "unknown_parameter"),
        ({"owner": "a", "limits": {"weight": 0}}, "limits.weight", "invalid_value"),
        ({"owner": "a", "limits": {"priorities": []}}, "limits.priorities", "invalid_value"),
        ({"owner": "a", "limits": 1}, "limits", "invalid_value"),
        ({"owner": "a", "expires_at": 5}, "expires_at", "invalid_value"),
        ({"owner": "a", "expires_at": 1_900_000_000_000}, "expires_at", "invalid_value"),
        ({"owner": "a", "tags": ["two words"]}, "tags.0", "invalid_value"),
        ({"owner": "a", "key": "mine"}, "key", "unknown_parameter"),
        ({"owner": "a", "limits": {"weight": True}}, *_wrong("weight")),
        ({"owner": "a", "limits": {"weight": "2"}}, *_wrong("weight")),
        ({"owner": "a", "limits": {"requests_per_minute": True}}, *_wrong("requests_per_minute")),
        ({"owner": "a", "limits": {"max_unfinished": True}}, *_wrong("max_unfinished")),
        ({"owner": "a", "limits": {"budget": {"day_usd": True}}}, *_wrong("budget.day_usd")),
        ({"owner": "a", "limits": {"guards": {"frames": True}}}, *_wrong("guards.frames")),
        (
            {"owner": "a", "limits": {"guards": {"severities": {"hate": True}}}},
            *_wrong("guards.severities.hate"),
        ),
        ({"owner": "a", "expires_at": True}, "expires_at", "invalid_value"),
        ({"owner": "a", "\ud800": 1}, None, "invalid_value"),
        ({"owner": "a", "limits": {"models": ["\ud800"]}}, "limits.models.0", "invalid_value"),
        ({"owner": "a", "name": "\ud800"}, "name", "invalid_value"),
        ({"owner": "a", "name": "a\0b"}, "name", "invalid_value"),
    ],
)
async def test_what_is_wrong_is_named(
    world: World, body: dict[str, Any], param: str | None, code: str
) -> None:
    # As JSON in ASCII, which can say what is no text.
    answer = await world.admin.post("/v1/admin/keys", content=json.dumps(body))
    error = answer.json()["error"]
    assert (answer.status_code, error["param"], error["code"]) == (400, param, code)


async def test_the_owner_of_a_key_never_changes(world: World) -> None:
    issued = await issue(world)
    answer = await world.admin.patch(f"/v1/admin/keys/{issued['id']}", json={"owner": "bob"})
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "owner")


async def test_a_revoked_key_stays_revoked(world: World) -> None:
    issued = await issue(world)
    path = f"/v1/admin/keys/{issued['id']}"
    await world.admin.delete(path)
    for answer in (
        await world.admin.patch(path, json={"name": "again"}),
        await world.admin.post(f"{path}/rotate"),
    ):
        assert (answer.status_code, answer.json()["error"]["code"]) == (409, "key_revoked")


async def test_an_issue_that_is_sent_again_makes_one_key_and_shows_it_once(world: World) -> None:
    headers = {"Idempotency-Key": world.keys["alice"]}
    body = {"owner": world.owners["alice"], "name": "ci"}
    first = await world.admin.post("/v1/admin/keys", json=body, headers=headers)
    again = await world.admin.post("/v1/admin/keys", json=body, headers=headers)
    other = await world.admin.post(
        "/v1/admin/keys", json={**body, "name": "night"}, headers=headers
    )
    assert again.json() == {**first.json(), "key": None}
    assert again.headers["Idempotent-Replayed"] == "true"
    assert (other.status_code, other.json()["error"]["code"]) == (409, "idempotency_key_reused")


async def test_a_rotation_that_is_sent_again_makes_one_secret_and_ends_none(world: World) -> None:
    issued = await issue(world)
    path = f"/v1/admin/keys/{issued['id']}/rotate"
    headers = {"Idempotency-Key": "rotate-1"}
    body = {"overlap_seconds": 100}
    first = await world.admin.post(path, json=body, headers=headers)
    world.now += 60
    again = await world.admin.post(path, json=body, headers=headers)
    assert first.json()["key"]
    assert again.json() == {**first.json(), "key": None}
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    for secret in (issued, first.json()):
        assert (await asked_with(world, secret["key"])).status_code == 200
    other = await world.admin.post(path, json={"overlap_seconds": 0}, headers=headers)
    assert (other.status_code, other.json()["error"]["code"]) == (409, "idempotency_key_reused")
    lost = await world.admin.post(path, json=body, headers={"Idempotency-Key": "rotate-2"})
    assert lost.json()["key"] not in (None, first.json()["key"])


async def test_rotations_at_once_with_one_idempotency_key_make_one_secret(world: World) -> None:
    issued = await issue(world)
    path = f"/v1/admin/keys/{issued['id']}/rotate"
    answers = await asyncio.gather(
        *(world.admin.post(path, headers={"Idempotency-Key": "once"}) for _ in range(5))
    )
    assert [answer.status_code for answer in answers] == [200] * 5
    assert sum(answer.json()["key"] is not None for answer in answers) == 1
    shown = (await world.admin.get(f"/v1/admin/keys/{issued['id']}")).json()
    assert len(shown["secrets"]) == 2


class _SendsAgain(AioHttpTransport):  # type: ignore[misc] # untyped without aiohttp's extra
    """Loses the answer to each write and sends it again, as a policy for retries does."""

    async def send(self, request: Any, **kwargs: Any) -> Any:
        answer = await super().send(request, **kwargs)
        if request.method == "GET":
            return answer
        await answer.close()
        return await super().send(request, **kwargs)


@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": "once"}])
async def test_a_secret_is_shown_though_the_answer_to_its_write_was_lost(
    world: World, connection: str, headers: dict[str, str]
) -> None:
    async with TableServiceClient.from_connection_string(
        connection, transport=_SendsAgain()
    ) as service:
        world.services = replace(world.services, keys=KeyStore(service))
        body = {"owner": world.owners["alice"], "name": world.owners["bob"]}
        given = {name: f"{value}-{world.owners['alice']}" for name, value in headers.items()}
        issued = await world.admin.post("/v1/admin/keys", json=body, headers=given)
        assert (await asked_with(world, issued.json()["key"])).status_code == 200
        path = f"/v1/admin/keys/{issued.json()['id']}/rotate"
        rotated = await world.admin.post(path, headers=given)
        assert (await asked_with(world, rotated.json()["key"])).status_code == 200
    for answer in (issued, rotated):
        assert "Idempotent-Replayed" not in answer.headers
    assert len(rotated.json()["secrets"]) == 2


@pytest.mark.parametrize(
    "path", ["/v1/admin/keys", "/v1/admin/videos", "/v1/admin/spend", "/v1/admin/budgets/{owner}"]
)
@pytest.mark.parametrize("name", ["Alice", "a b", "-a", "a_b", "a" * 64, "a\n", "ä"])
async def test_no_call_of_operators_takes_a_name_that_no_owner_can_have(
    world: World, path: str, name: str
) -> None:
    named = "{owner}" in path
    answer = await world.admin.get(
        path.replace("{owner}", quote(name)), params={} if named else {"owner": name}
    )
    error = answer.json()["error"]
    assert (answer.status_code, error["param"], error["code"]) == (400, "owner", "invalid_value")
    if not named:
        assert (await world.admin.get(path, params={"owner": ""})).status_code == 200


async def test_keys_of_the_settings_are_listed_and_stay_there(world: World) -> None:
    listed = []
    after = "key_g"  # after all that were issued
    while True:
        page = await world.admin.get("/v1/admin/keys", params={"after": after, "limit": 2})
        listed += page.json()["data"]
        if not page.json()["has_more"]:
            break
        after = page.json()["last_id"]
    shown = {each["owner"]: each for each in listed}
    assert {owner: key["operator"] for owner, key in shown.items()} == {
        world.owners["alice"]: False,
        world.owners["bob"]: False,
        world.owners["admin"]: True,
    }
    path = f"/v1/admin/keys/{shown[world.owners['alice']]['id']}"
    assert (await world.admin.get(path)).json() == shown[world.owners["alice"]]
    for answer in (
        await world.admin.delete(path),
        await world.admin.patch(path, json={"name": "mine"}),
        await world.admin.post(f"{path}/rotate"),
    ):
        error = answer.json()["error"]
        assert (answer.status_code, error["code"]) == (409, "key_in_settings")
        assert "settings" in error["message"]
    assert (await world.alice.get("/v1/videos")).status_code == 200


@pytest.mark.parametrize("name", ["owner", "after", "limit"])
@pytest.mark.parametrize("value", ["a'b", "x" * 2000, "a\0b", "é"])
async def test_a_list_is_asked_for_in_plain_words(world: World, name: str, value: str) -> None:
    answer = await world.admin.get("/v1/admin/keys", params={name: value})
    error = answer.json()["error"]
    assert (answer.status_code, error["param"], error["code"]) == (400, name, "invalid_value")


@pytest.mark.parametrize(("method", "path"), _ROUTES)
async def test_the_routes_are_for_operators(world: World, method: str, path: str) -> None:
    issued = await issue(world)
    async with world.client(issued["key"]) as client:
        for caller, status in ((client, 403), (world.alice, 403), (world.anonymous, 401)):
            answer = await caller.request(method, f"/v1/admin/keys{path}", json={"owner": "bob"})
            assert answer.status_code == status


@pytest.mark.parametrize(("method", "path"), _ROUTES[2:])
async def test_a_key_that_is_not_there_is_not_found(world: World, method: str, path: str) -> None:
    answer = await world.admin.request(method, f"/v1/admin/keys{path}", json={})
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "key_not_found")
