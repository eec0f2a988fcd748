"""Webhooks over HTTP: asked for, set, delivered to a real receiver, listed, sent again."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import replace
from ipaddress import ip_address
from typing import Any

import httpx
import pytest
from standardwebhooks import Webhook as Standard
from standardwebhooks import WebhookVerificationError

from dailies.engine import COURIER, WAKE_EVENT, FinishRequest
from dailies.net.addresses import Address
from dailies.net.posting import WebhookPoster
from dailies.pipeline.courier import deliver_due, look_after_courier
from dailies.pipeline.finish import finish_video
from dailies.pipeline.publish import publish_events
from tests.integration.api.world import World
from tests.receiver import Receiver, running_receiver

PIER = {"prompt": "a pier", "seconds": "4"}


@pytest.fixture
async def world(storage: str) -> AsyncIterator[World]:
    async with World(storage, DAILIES_WEBHOOK_HOSTS="127.0.0.1") as world:
        world.now = time.time()  # receivers look at the time of a signature
        yield world


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with running_receiver() as receiver:
        yield receiver


async def _failed(world: World, **fields: Any) -> str:
    """A video of alice's whose end is announced; its id."""
    answer = await world.alice.post("/v1/videos", json={**PIER, **fields})
    assert answer.status_code == 200, answer.text
    video_id = str(answer.json()["id"])
    await _fail(world, video_id)
    return video_id


async def _fail(world: World, video_id: str) -> None:
    ending: FinishRequest = {
        "id": video_id,
        "owner": world.owners["alice"],
        "error": {"code": "x", "message": "It broke."},
    }
    await finish_video(world.services, ending)
    assert (await publish_events(world.services, ending))["kind"] == "done"


async def _secret(world: World) -> str:
    answer = await world.alice.post("/v1/webhooks/secret")
    assert answer.status_code == 200, answer.text
    return str(answer.json()["secret"])


async def _deliveries(client: httpx.AsyncClient, **query: Any) -> list[dict[str, Any]]:
    answer = await client.get("/v1/webhooks/deliveries", params=query)
    assert answer.status_code == 200, answer.text
    data: list[dict[str, Any]] = answer.json()["data"]
    return data


async def test_a_receiver_can_check_what_it_is_told(world: World, receiver: Receiver) -> None:
    secret = await _secret(world)
    video_id = await _failed(world, webhook_url=f"{receiver.url}?token=t")
    assert (await deliver_due(world.services))["kind"] == "done"
    (call,) = receiver.calls
    event = Standard(secret).verify(call.body, dict(call.headers))
    assert event["data"]["id"] == video_id
    assert call.headers["webhook-id"] == event["id"] == f"{video_id}.failed"
    assert call.path == "/hook?token=t"
    with pytest.raises(WebhookVerificationError):
        Standard(secret).verify(call.body + b" ", dict(call.headers))
    with pytest.raises(WebhookVerificationError):
        Standard("whsec_" + "A" * 44).verify(call.body, dict(call.headers))
    (delivery,) = await _deliveries(world.alice, video_id=video_id)
    assert (delivery["status"], delivery["type"]) == ("delivered", "dailies.video.failed")
    assert delivery["url"] == f"{receiver.url}?…"
    assert [(each["status"], each["error"]) for each in delivery["attempts"]] == [(204, None)]


async def test_both_secrets_are_good_for_a_day_after_a_new_one(
    world: World, receiver: Receiver
) -> None:
    first, second = await _secret(world), await _secret(world)
    assert first != second
    await _failed(world, webhook_url=receiver.url)
    await deliver_due(world.services)
    (call,) = receiver.calls
    for secret in (first, second):
        Standard(secret).verify(call.body, dict(call.headers))
    at_once = await world.admin.post(
        f"/v1/admin/webhook_secrets/{world.owners['alice']}", params={"overlap_seconds": 0}
    )
    assert at_once.json()["previous_until"] is None
    await _failed(world, webhook_url=receiver.url)
    await deliver_due(world.services)
    with pytest.raises(WebhookVerificationError):
        Standard(second).verify(receiver.calls[1].body, dict(receiver.calls[1].headers))


NO_ADDRESSES = [
    ("http://hooks.example/a", "use an https:// URL"),
    ("ftp://hooks.example/a", "use an https:// URL"),
    ("hooks.example", "use an https:// URL"),
    ("https://user:pw@hooks.example/a", "user name or password"),
    ("https://hooks.example:22/a", "port 443 or 8443"),
    ("https://127.0.0.2/a", "public internet"),
    ("https://[::1]/a", "public internet"),
    ("https://169.254.169.254/metadata", "public internet"),
    ("https://localhost/a", "public internet"),
    ("https://app.localhost/a", "public internet"),
    ("https://" + "a" * 2050, "string too long"),
]


@pytest.mark.parametrize("path", ["/v1/videos", "/v1/videos?dry_run=true"])
async def test_an_address_that_can_be_none_is_refused(world: World, path: str) -> None:
    for url, why in NO_ADDRESSES:
        answer = await world.alice.post(path, json={**PIER, "webhook_url": url})
        error = answer.json()["error"]
        assert (answer.status_code, error["param"]) == (400, "webhook_url"), answer.text
        assert why in error["message"]
        assert "pw" not in answer.text


async def test_a_name_that_leads_inside_is_not_called(world: World, receiver: Receiver) -> None:
    # Any name passes where it is given; where it leads to is looked at with each call.
    world.services = replace(world.services, poster=WebhookPoster(resolve=_inside))
    video_id = await _failed(world, webhook_url="https://inside.example/hook")
    await deliver_due(world.services)
    (delivery,) = await _deliveries(world.alice, video_id=video_id)
    assert delivery["status"] == "pending"
    assert [each["error"] for each in delivery["attempts"]] == ["no_public_address"]
    assert receiver.calls == []


async def _inside(host: str, port: int) -> Sequence[Address]:
    return [ip_address("203.0.113.9"), ip_address("10.0.0.4")]


WRONG_FIELDS: list[tuple[dict[str, Any], str]] = [
    ({"webhook_url": 7}, "webhook_url"),
    ({"webhook_events": ["dailies.video.completed"]}, "webhook_url"),
    ({"webhook_url": "https://a.example", "webhook_events": []}, "webhook_events"),
    ({"webhook_url": "https://a.example", "webhook_events": ["video.done"]}, "webhook_events"),
    ({"webhook_url": "https://a.example", "webhook_events": [1]}, "webhook_events"),
    ({"webhook": "https://a.example"}, "webhook"),
    ({"callback_url": "https://a.example"}, "callback_url"),
]


async def test_fields_that_are_wrong_are_refused_by_name(world: World) -> None:
    for fields, param in WRONG_FIELDS:
        answer = await world.alice.post("/v1/videos", json={**PIER, **fields})
        assert (answer.status_code, answer.json()["error"]["param"]) == (400, param), answer.text


async def test_a_form_names_events_as_clients_write_arrays(
    world: World, receiver: Receiver
) -> None:
    kinds = ["dailies.video.failed", "dailies.video.accepted"]
    for name, value in (
        ("webhook_events[]", kinds),
        ("webhook_events", ",".join(kinds)),
        ("webhook_events", str(kinds).replace("'", '"')),
    ):
        answer = await world.alice.post(
            "/v1/videos",
            data={"prompt": "a pier", "webhook_url": receiver.url, name: value},
        )
        assert answer.status_code == 200, answer.text
        record = await world.services.records.get(world.owners["alice"], answer.json()["id"])
        assert record is not None
        assert record.request.webhook is not None
        assert record.request.webhook.events == tuple(reversed(kinds))


async def test_a_remix_has_a_webhook_of_its_own(world: World, receiver: Receiver) -> None:
    source = await world.finished()
    answer = await world.alice.post(
        f"/v1/videos/{source}/remix", json={"prompt": "rain", "webhook_url": receiver.url}
    )
    assert answer.status_code == 200, answer.text
    await _fail(world, answer.json()["id"])
    await deliver_due(world.services)
    (call,) = receiver.calls
    assert call.event["data"]["remixed_from_video_id"] == source


async def test_what_failed_is_sent_again_by_one_call_even_days_later(
    world: World, receiver: Receiver
) -> None:
    receiver.answers = [(500, {})] * 20
    video_id = await _failed(world, webhook_url=receiver.url)
    while True:
        await deliver_due(world.services)
        (delivery,) = await _deliveries(world.alice)
        if delivery["next_attempt_at"] is None:
            break
        assert delivery["next_attempt_at"] > world.now
        world.now = delivery["next_attempt_at"] + 1
    assert delivery["status"] == "failed"
    tried = len(receiver.calls)
    assert {call.headers["webhook-id"] for call in receiver.calls} == {f"{video_id}.failed"}
    world.now += 5 * 86_400
    receiver.answers.clear()
    (delivery,) = await _deliveries(world.alice)
    path = f"/v1/webhooks/deliveries/{delivery['id']}"
    world.engine.woken.clear()
    answer = await world.alice.post(f"{path}/resend")
    assert (answer.status_code, answer.json()["status"]) == (200, "pending")
    assert world.engine.woken == [(COURIER, WAKE_EVENT)]
    await deliver_due(world.services)
    assert len(receiver.calls) == tried + 1
    told = (await world.alice.get(path)).json()
    assert told["status"] == "delivered"
    assert [each["status"] for each in told["attempts"]] == [500] * tried + [204]
    assert receiver.calls[-1].body == receiver.calls[0].body
    assert receiver.calls[-1].headers["webhook-id"] == f"{video_id}.failed"


async def test_an_answer_that_redirects_is_followed_nowhere(
    world: World, receiver: Receiver
) -> None:
    receiver.answers = [(307, {"Location": f"{receiver.url}/elsewhere"})]
    await _failed(world, webhook_url=receiver.url)
    await deliver_due(world.services)
    assert [call.path for call in receiver.calls] == ["/hook"]
    (delivery,) = await _deliveries(world.alice)
    assert [each["status"] for each in delivery["attempts"]] == [307]


async def test_operators_set_webhooks_of_owners(world: World, receiver: Receiver) -> None:
    owner = world.owners["alice"]
    path = f"/v1/admin/webhooks/{owner}/main"
    wanted = {"url": receiver.url, "events": ["dailies.video.deleted", "dailies.video.failed"]}
    made = await world.admin.put(path, json=wanted)
    assert made.status_code == 200, made.text
    assert made.json()["events"] == ["dailies.video.failed", "dailies.video.deleted"]
    world.now += 10
    video_id = await _failed(world)
    assert (await world.alice.delete(f"/v1/videos/{video_id}")).status_code == 200
    await deliver_due(world.services)
    assert sorted(call.headers["webhook-id"] for call in receiver.calls) == [
        f"{video_id}.deleted",
        f"{video_id}.failed",
    ]
    for answer in (
        await world.alice.get("/v1/webhooks"),
        await world.admin.get(f"/v1/admin/webhooks/{owner}"),
    ):
        assert [each["name"] for each in answer.json()["data"]] == ["main"]
    told = await world.admin.get(f"/v1/admin/webhook_deliveries/{owner}")
    assert {each["webhook"] for each in told.json()["data"]} == {"main"}
    assert (await world.admin.delete(path)).status_code == 200
    assert (await world.admin.delete(path)).status_code == 404
    gone = await world.admin.post(
        f"/v1/admin/webhook_deliveries/{owner}/{told.json()['data'][0]['id']}/resend"
    )
    assert (gone.status_code, gone.json()["error"]["code"]) == (409, "webhook_gone")


async def test_a_webhook_can_be_tried(world: World, receiver: Receiver) -> None:
    secret = await _secret(world)
    receiver.answers = [(204, {}), (500, {})]
    answers = [
        (await world.alice.post("/v1/webhooks/test", json={"webhook_url": receiver.url})).json()
        for _ in range(2)
    ]
    assert [(each["delivered"], each["status"]) for each in answers] == [(True, 204), (False, 500)]
    event = Standard(secret).verify(receiver.calls[0].body, dict(receiver.calls[0].headers))
    assert event["type"] == "dailies.webhook.test"
    for body, status in (
        ({}, 400),
        ({"name": "none"}, 404),
        ({"name": "a/b"}, 404),
        ({"name": "none", "webhook_url": receiver.url}, 400),
        ({"webhook_url": "http://hooks.example"}, 400),
        ({"uri": receiver.url}, 400),
    ):
        answer = await world.alice.post("/v1/webhooks/test", json=body)
        assert answer.status_code == status, answer.text


async def test_nobody_sees_or_sends_what_is_of_another_owner(
    world: World, receiver: Receiver
) -> None:
    video_id = await _failed(world, webhook_url=receiver.url)
    await deliver_due(world.services)
    (delivery,) = await _deliveries(world.alice)
    nothing = f"/v1/webhooks/deliveries/whd_{'0' * 32}"
    path = f"/v1/webhooks/deliveries/{delivery['id']}"
    for method, suffix in (("GET", ""), ("POST", "/resend")):
        theirs = await world.bob.request(method, path + suffix)
        none = await world.bob.request(method, nothing + suffix)
        assert theirs.status_code == none.status_code == 404
        assert theirs.json()["error"]["code"] == none.json()["error"]["code"]
    assert await _deliveries(world.bob) == []
    assert await _deliveries(world.bob, video_id=video_id) == []
    owner = world.owners["alice"]
    for method, path in (
        ("GET", f"/v1/admin/webhooks/{owner}"),
        ("PUT", f"/v1/admin/webhooks/{owner}/main"),
        ("DELETE", f"/v1/admin/webhooks/{owner}/main"),
        ("POST", f"/v1/admin/webhook_tests/{owner}"),
        ("POST", f"/v1/admin/webhook_secrets/{owner}"),
        ("GET", f"/v1/admin/webhook_deliveries/{owner}"),
        ("POST", f"/v1/admin/webhook_deliveries/{owner}/{delivery['id']}/resend"),
    ):
        assert (await world.alice.request(method, path)).status_code == 403
        assert (await world.anonymous.request(method, path)).status_code == 401


async def test_a_list_comes_in_pages_the_newest_first(world: World, receiver: Receiver) -> None:
    made = []
    for _ in range(5):
        world.now += 1
        made.append(await _failed(world, webhook_url=receiver.url))
    seen: list[str] = []
    after = None
    for _ in range(3):
        query = {"limit": 2} | ({} if after is None else {"after": after})
        page = (await world.alice.get("/v1/webhooks/deliveries", params=query)).json()
        seen += [each["video_id"] for each in page["data"]]
        after = page["last_id"]
    assert seen == made[::-1]
    assert after is None


async def test_the_sweep_wakes_a_courier_that_does_not_run(
    world: World, receiver: Receiver
) -> None:
    await _failed(world, webhook_url=receiver.url)
    world.engine.started.clear()
    assert await look_after_courier(world.services, world.engine)
    assert world.engine.started == [COURIER]
    assert not await look_after_courier(world.services, world.engine)
