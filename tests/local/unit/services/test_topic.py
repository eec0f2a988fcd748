"""The Event Grid topic: what it takes, and how it delivers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from local.services.topics.delivery import retry_delay
from tests.local.unit.services.simulator import Simulator

TOPIC = "/topics/dailies/api/events"
EVENT = {"id": "1", "source": "/app", "specversion": "1.0", "type": "video.completed"}


async def publish(
    simulator: Simulator, body: Any, kind: str = "cloudevents", **query: str
) -> httpx.Response:
    token = await simulator.token("https://eventgrid.azure.net")
    return await simulator.http.post(
        TOPIC,
        params={"api-version": "2018-01-01", **query},
        content=body if isinstance(body, bytes) else json.dumps(body).encode(),
        headers={
            "Authorization": f"Bearer {token}",
            "Content-Type": f"application/{kind}+json; charset=utf-8",
        },
    )


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"data": {"a": 1}, "subject": "/videos/1", "time": "2026-11-21T05:00:00Z"},
        {"traceparent": "00-1-2-01", "attempt": 1},
    ],
)
async def test_good_events_are_taken(simulator: Simulator, change: dict[str, Any]) -> None:
    event = EVENT | change
    assert (await publish(simulator, event)).status_code == 200
    assert (await publish(simulator, [event, event], "cloudevents-batch")).status_code == 200
    accepted = (await simulator.http.get("/_inspect/events")).json()
    assert [entry["event"] for entry in accepted] == [event] * 3
    assert accepted[0]["received_at"] == simulator.time
    assert accepted[0]["topic"] == "dailies"


@pytest.mark.parametrize(
    "body",
    [
        b"{nope",
        [EVENT],
        EVENT | {"id": ""},
        EVENT | {"specversion": "0.3"},
        {key: value for key, value in EVENT.items() if key != "source"},
        EVENT | {"traceParent": "x"},
        EVENT | {"x" * 21: "x"},
        EVENT | {"extension": {"no": "objects"}},
        EVENT | {"time": "yesterday"},
        EVENT | {"data": 1, "data_base64": "MQ=="},
    ],
)
async def test_what_is_no_cloudevent_is_refused(simulator: Simulator, body: Any) -> None:
    answer = await publish(simulator, body)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "BadRequest"
    assert answer.json()["error"]["details"]
    assert (await simulator.http.get("/_inspect/events")).json() == []


async def test_one_bad_event_refuses_its_batch(simulator: Simulator) -> None:
    batch = [EVENT, EVENT | {"type": ""}]
    assert (await publish(simulator, batch, "cloudevents-batch")).status_code == 400
    assert (await simulator.http.get("/_inspect/events")).json() == []


async def test_more_than_a_megabyte_is_too_large(simulator: Simulator) -> None:
    answer = await publish(simulator, EVENT | {"data": "x" * 1_048_576})
    assert answer.status_code == 413


async def test_other_media_types_and_versions_are_refused(simulator: Simulator) -> None:
    assert (await publish(simulator, EVENT, "vnd.other")).status_code == 415
    assert (await publish(simulator, EVENT, **{"api-version": "2024"})).status_code == 400


def test_the_retry_schedule_is_event_grids() -> None:
    assert [retry_delay(n) for n in range(1, 10)] == [10, 30, 60, 300, 600, 1800, 3600, 3600, 3600]


class Subscriber:
    """A webhook that answers with ``statuses``, the last one for ever."""

    def __init__(self, *statuses: int) -> None:
        self.statuses = list(statuses)
        self.deliveries: list[httpx.Request] = []
        self.arrived = asyncio.Event()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.method == "OPTIONS":
            origin = request.headers["WebHook-Request-Origin"]
            return httpx.Response(200, headers={"WebHook-Allowed-Origin": origin})
        self.deliveries.append(request)
        self.arrived.set()
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        return httpx.Response(status)

    async def count(self, wanted: int) -> None:
        """Wait until so many deliveries were made, and their outcomes were stored."""
        async with asyncio.timeout(5):
            while len(self.deliveries) < wanted:
                self.arrived.clear()
                await self.arrived.wait()
            for _ in range(20):
                await asyncio.sleep(0)


async def subscribe(simulator: Simulator) -> None:
    answer = await simulator.http.post(
        "/_inspect/subscriptions", json={"url": "http://subscriber/hook"}
    )
    assert answer.status_code == 201, answer.text


async def advance(simulator: Simulator, seconds: float) -> None:
    await simulator.http.post("/_inspect/clock", json={"advance": seconds})


async def test_a_refused_delivery_is_made_again_on_schedule(
    make_simulator: Callable[..., Simulator],
) -> None:
    webhook = Subscriber(500, 302, 204)
    simulator = make_simulator(subscriber=webhook)
    await subscribe(simulator)
    await publish(simulator, EVENT)
    await webhook.count(1)
    await advance(simulator, 9)
    assert len(webhook.deliveries) == 1
    await advance(simulator, 1)
    await webhook.count(2)
    await advance(simulator, 30)
    await webhook.count(3)
    await advance(simulator, 90_000)
    (entry,) = (await simulator.http.get("/_inspect/events")).json()
    (delivery,) = entry["deliveries"]
    assert delivery["state"] == "delivered"
    assert [attempt["outcome"] for attempt in delivery["attempts"]] == ["500", "302", "204"]
    assert [request.headers["aeg-delivery-count"] for request in webhook.deliveries] == [
        "0",
        "1",
        "2",
    ]
    assert json.loads(webhook.deliveries[0].content) == EVENT


async def test_a_delivery_is_given_up_after_a_day(
    make_simulator: Callable[..., Simulator],
) -> None:
    webhook = Subscriber(503)
    simulator = make_simulator(subscriber=webhook)
    await subscribe(simulator)
    await publish(simulator, EVENT)
    made = 0
    state = "pending"
    while state == "pending" and made < 40:
        made += 1
        await webhook.count(made)
        await advance(simulator, retry_delay(made))
        (entry,) = (await simulator.http.get("/_inspect/events")).json()
        state = entry["deliveries"][0]["state"]
    assert state == "given-up"
    assert made == 30, "Event Grid makes no more attempts"


async def test_pending_deliveries_survive_a_restart(
    make_simulator: Callable[..., Simulator],
) -> None:
    webhook = Subscriber(503, 200)
    simulator = make_simulator(subscriber=webhook)
    await subscribe(simulator)
    await publish(simulator, EVENT)
    await webhook.count(1)
    await simulator.restart()
    await advance(simulator, 10)
    await webhook.count(2)
    (entry,) = (await simulator.http.get("/_inspect/events")).json()
    assert entry["deliveries"][0]["state"] == "delivered"
