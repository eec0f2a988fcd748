"""A guard of the operator's own, and several guards together."""

from __future__ import annotations

import asyncio
import hashlib
import json

import httpx
import pytest
from pydantic import SecretStr

from dailies.guards.base import Subject, Verdict
from dailies.guards.webhook import WebhookGuard
from dailies.owners.guard import GuardLimits
from dailies.video.guarding import GuardName, GuardRules
from tests.content_safety import ContentSafetyAccount
from tests.integration.api.guards.asking import (
    SECRET,
    guard_with,
    limited,
)
from tests.integration.api.world import World, png


class Receiver:
    """Answers the calls, and keeps them."""

    def __init__(self, *answers: httpx.Response | httpx.HTTPError) -> None:
        self.answers = list(answers)
        self.calls: list[httpx.Request] = []

    def guard(self) -> WebhookGuard:
        return WebhookGuard(
            "https://guard.example/ask",
            SecretStr(SECRET),
            transport=httpx.MockTransport(self._answer),
        )

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.calls.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, httpx.HTTPError):
            raise answer
        return answer


async def test_the_webhook_is_told_what_is_asked_for_and_can_check_who_asks(world: World) -> None:
    receiver = Receiver(httpx.Response(200, json={"allow": True}))
    guard_with(world, receiver.guard())
    image = png()
    answer = await world.alice.post(
        "/v1/videos",
        data={"prompt": "A kite", "size": "1280x720", "user": "u-7"},
        files={"input_reference": ("a.png", image, "image/png")},
    )
    assert answer.status_code == 200
    (call,) = receiver.calls
    # Any library of Standard Webhooks can check it; this one comes with OpenAI's client.
    world.official.webhooks.verify_signature(call.content, call.headers, secret=SECRET)
    told = json.loads(call.content)
    assert told["type"] == "dailies.guard.asked"
    assert told["data"] == {
        "stage": "request",
        "owner": world.owners["alice"],
        "user": "u-7",
        "model": "sora-2",
        "operation": "create",
        "seconds": 4,
        "size": "1280x720",
        "prompt": "A kite",
        "inputs": [
            {
                "role": "first",
                "content_type": "image/png",
                "sha256": hashlib.sha256(image).hexdigest(),
            }
        ],
    }
    assert world.keys["alice"] not in call.content.decode() + str(call.headers)


@pytest.mark.parametrize(
    ("answer", "status", "said"),
    [
        (httpx.Response(200, json={"allow": False, "category": "brand"}), 400, "(brand)"),
        (httpx.Response(200, json={"allow": False}), 400, "(policy)"),
        (httpx.Response(200, json={"allow": False, "category": "<b>\n"}), 400, "(policy)"),
        (httpx.Response(200, json={"allow": "yes"}), 503, "content filter"),
        (httpx.Response(200, json=["allow"]), 503, "content filter"),
        (httpx.Response(200, content=b"\xff"), 503, "content filter"),
        (httpx.Response(200, content=b" " * 70_000 + b'{"allow": true}'), 503, "content filter"),
        (httpx.Response(302, headers={"Location": "https://other.example"}), 503, "filter"),
        (httpx.Response(500, json={"allow": True}), 503, "content filter"),
        (httpx.ConnectError("no"), 503, "content filter"),
    ],
)
async def test_what_the_webhook_says_is_read_strictly(
    world: World, answer: httpx.Response | httpx.HTTPError, status: int, said: str
) -> None:
    receiver = Receiver(answer)
    guard_with(world, receiver.guard())
    got = await world.alice.post("/v1/videos", json={"prompt": "A kite"})
    assert (got.status_code, said in got.text) == (status, True), got.text
    assert len(receiver.calls) == 1


async def test_one_that_refuses_is_enough(world: World, account: ContentSafetyAccount) -> None:
    receiver = Receiver(httpx.Response(200, json={"allow": False, "category": "brand"}))
    guard_with(world, account.guard(), receiver.guard())
    account.fault = lambda request: httpx.Response(503)
    got = await world.alice.post("/v1/videos", json={"prompt": "A kite"})
    assert got.json()["error"]["code"] == "content_filter"


async def test_a_key_may_be_looked_at_by_one_guard_alone(
    world: World, account: ContentSafetyAccount
) -> None:
    receiver = Receiver()
    guard_with(world, account.guard(), receiver.guard())
    limited(world, GuardLimits(only=(GuardName.CONTENT_SAFETY,)))
    assert (await world.alice.post("/v1/videos", json={"prompt": "A kite"})).status_code == 200
    assert (len(account.requests), receiver.calls) == (1, [])


class Silent:
    """A guard that never answers."""

    name = GuardName.WEBHOOK
    sees_pictures = False

    async def judge(self, subject: Subject, rules: GuardRules) -> Verdict:
        await asyncio.Event().wait()
        raise AssertionError

    async def close(self) -> None:
        """Nothing is open."""


async def test_a_silent_guard_is_not_waited_for_long(world: World) -> None:
    guard_with(world, Silent(), seconds=0.05)
    got = await world.alice.post("/v1/videos", json={"prompt": "A kite"})
    assert got.json()["error"]["code"] == "guardrail_unavailable"


# -- the finished video
