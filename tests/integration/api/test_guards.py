"""Guards look before anything is written or spent: the real SDK, towards a simulated account."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image
from pydantic import SecretStr

from dailies.guards.base import Guard, Subject, Verdict
from dailies.guards.panel import Guards
from dailies.guards.webhook import WebhookGuard
from dailies.owners.guard import GuardLimits
from dailies.settings import Settings
from dailies.video.guarding import GuardName, GuardRules, Harm
from tests.content_safety import ContentSafetyAccount
from tests.integration.api.world import World, png

RULES = GuardRules(severities=dict.fromkeys(Harm, 4), blocklists=("house-words",))
SECRET = "whsec_" + "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0"


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the key of the tokens lies: made once, as it takes as long as many tests do."""
    return tmp_path_factory.mktemp("keys")


@pytest.fixture
async def account(keys: Path) -> ContentSafetyAccount:
    account = ContentSafetyAccount(keys)
    await account.block("house-words", "zanzibar")
    return account


@pytest.fixture
async def guarded(world: World, account: ContentSafetyAccount) -> AsyncIterator[World]:
    """A world whose guard is the account."""
    guards = guard_with(world, account.guard())
    yield world
    await guards.close()


def guard_with(world: World, *guards: Guard, rules: GuardRules = RULES, **how: Any) -> Guards:
    """Set the guards up."""
    made = Guards(guards, rules, **how)
    world.services = replace(world.services, guards=made)
    return made


def picture(colour: str, width: int = 400, height: int = 300) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(buffer, "PNG")
    return buffer.getvalue()


async def unfinished(world: World) -> int:
    owner = world.owners["alice"]
    return await world.services.records.count_unfinished(owner, up_to=10, besides=())


def events(caplog: pytest.LogCaptureFixture, name: str) -> list[dict[str, Any]]:
    lines = [json.loads(r.getMessage()) for r in caplog.records if r.name == "dailies"]
    return [line for line in lines if line["event"] == name]


async def test_what_nothing_is_wrong_with_is_made(
    guarded: World, account: ContentSafetyAccount
) -> None:
    answer = await guarded.alice.post("/v1/videos", json={"prompt": "A slightly violent storm."})
    assert answer.status_code == 200
    (asked,) = account.requests
    assert asked.url.path == "/contentsafety/text:analyze"
    assert json.loads(asked.content) == {
        "text": "A slightly violent storm.",
        "categories": ["Hate", "SelfHarm", "Sexual", "Violence"],
        "blocklistNames": ["house-words"],
        "haltOnBlocklistHit": True,
    }


@pytest.mark.parametrize(
    ("prompt", "category"),
    [
        ("A violent man in a hat", "violence"),
        ("Two people at self-harm", "self_harm"),
        ("A trip to ZANZIBAR by boat", "blocklist"),
        ("a" * 10_500 + " hateful", "hate"),
        ("a" * 9_996 + " hateful crowd", "hate"),  # torn in two by the limit of one question
    ],
)
async def test_a_refused_prompt_is_answered_with_its_category_alone(
    guarded: World, prompt: str, category: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="dailies")
    answer = await guarded.alice.post("/v1/videos", json={"prompt": prompt})
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["param"]) == (400, "content_filter", "prompt")
    assert category in error["message"]
    assert "house-words" not in answer.text
    assert "zanzibar" not in answer.text.lower()
    assert await unfinished(guarded) == 0
    assert guarded.engine.started == []
    (told,) = events(caplog, "guard_refused")
    assert (told["guard"], told["category"]) == ("content-safety", category)
    assert prompt not in caplog.text
    assert "zanzibar" not in caplog.text.lower()


async def test_a_refused_picture_leaves_no_file_behind(
    guarded: World, account: ContentSafetyAccount
) -> None:
    before = [name async for name in guarded.videos.list_blob_names()]
    answer = await guarded.alice.post(
        "/v1/videos",
        data={"prompt": "A kite", "size": "1280x720"},
        files={"input_reference": ("red.png", picture("red", 3000, 20), "image/png")},
    )
    error = answer.json()["error"]
    assert (error["code"], error["param"]) == ("content_filter", "input_reference")
    assert "violence" in error["message"]
    assert [r.url.path for r in account.requests].count("/contentsafety/image:analyze") == 1
    assert await unfinished(guarded) == 0
    assert [name async for name in guarded.videos.list_blob_names()] == before


async def test_pictures_that_pass_are_looked_at_once_each(
    guarded: World, account: ContentSafetyAccount
) -> None:
    answer = await guarded.alice.post(
        "/v1/videos",
        data={"prompt": "A kite", "size": "1280x720"},
        files={"input_reference": ("small.png", png(20, 12), "image/png")},
    )
    assert answer.status_code == 200, answer.text
    paths = sorted(request.url.path for request in account.requests)
    assert paths == ["/contentsafety/image:analyze", "/contentsafety/text:analyze"]


async def test_options_for_the_provider_are_read_like_the_prompt(guarded: World) -> None:
    body = {
        "prompt": "A kite",
        "model": "able",
        "provider_options": {"runway": {"style": {"text": ["a very violent one"]}}},
    }
    answer = await guarded.alice.post("/v1/videos", json=body)
    assert answer.json()["error"]["code"] == "content_filter"
    wanted_less = {**body, "provider_options": {}, "negative_prompt": "violent, hateful"}
    assert (await guarded.alice.post("/v1/videos", json=wanted_less)).status_code == 200


async def test_what_is_sent_again_is_not_judged_again(
    guarded: World, account: ContentSafetyAccount
) -> None:
    sent: dict[str, Any] = {"json": {"prompt": "A kite"}, "headers": {"Idempotency-Key": "k-1"}}
    first = await guarded.alice.post("/v1/videos", **sent)
    account.fault = lambda request: httpx.Response(503)
    again = await guarded.alice.post("/v1/videos", **sent)
    assert again.json()["id"] == first.json()["id"]
    assert len(account.requests) == 1


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(503),
        httpx.Response(401, json={"error": {"code": "401", "message": "no"}}),
        httpx.Response(200, json={"blocklistsMatch": [], "categoriesAnalysis": []}),
        httpx.Response(200, text="<html>"),
        httpx.Response(200, json=[]),
        httpx.Response(200, json=None),
        httpx.Response(200, json={"categoriesAnalysis": "none"}),
        httpx.Response(200, json={"categoriesAnalysis": [{"category": "Hate", "severity": "2"}]}),
        httpx.Response(200, json={"categoriesAnalysis": [7]}),
    ],
)
async def test_without_a_verdict_nothing_is_made(
    guarded: World,
    account: ContentSafetyAccount,
    answer: httpx.Response,
    caplog: pytest.LogCaptureFixture,
) -> None:
    account.fault = lambda request: answer
    got = await guarded.alice.post("/v1/videos", json={"prompt": "A kite"})
    assert (got.status_code, got.json()["error"]["code"]) == (503, "guardrail_unavailable")
    assert int(got.headers["Retry-After"]) > 0
    assert await unfinished(guarded) == 0
    (told,) = events(caplog, "guard_unavailable")
    assert told["let_through"] is False
    account.fault = None
    assert (await guarded.alice.post("/v1/videos", json={"prompt": "A kite"})).status_code == 200


async def test_without_a_verdict_all_pass_where_the_operator_wants_it(
    world: World, account: ContentSafetyAccount, caplog: pytest.LogCaptureFixture
) -> None:
    guard_with(world, account.guard(), fails_open=True)
    account.fault = lambda request: httpx.Response(500)
    answer = await world.alice.post("/v1/videos", json={"prompt": "A kite"})
    assert answer.status_code == 200
    assert [told["let_through"] for told in events(caplog, "guard_unavailable")] == [True]
    account.fault = None
    refused = await world.alice.post("/v1/videos", json={"prompt": "A violent kite"})
    assert refused.status_code == 400  # open is for what nobody could judge alone


async def test_a_throttled_question_is_asked_again(
    guarded: World, account: ContentSafetyAccount
) -> None:
    def throttled(request: httpx.Request) -> httpx.Response:
        account.fault = None
        return httpx.Response(429, headers={"Retry-After": "0"})

    account.fault = throttled
    answer = await guarded.alice.post("/v1/videos", json={"prompt": "A violent kite"})
    assert answer.json()["error"]["code"] == "content_filter"
    assert len(account.requests) == 2


async def test_every_way_in_is_guarded(guarded: World) -> None:
    made = await guarded.finished()
    prompt = {"prompt": "A violent kite"}
    source = {**prompt, "video": {"id": made}}
    for client, path, body in (
        (guarded.alice, f"/v1/videos/{made}/remix", prompt),
        (guarded.alice, "/v1/videos/edits", source),
        (guarded.alice, "/v1/videos/extensions", {**source, "seconds": "4"}),
        (
            guarded.alice,
            "/openai/v1/video/generations/jobs?api-version=preview",
            {**prompt, "model": "sora", "width": 480, "height": 480, "n_seconds": 5},
        ),
        (guarded.admin, "/orchestrations/generate-video", prompt),
    ):
        answer = await client.post(path, json=body)
        assert answer.status_code == 400, (path, answer.text)
        assert "content_filter" in answer.text


async def test_a_character_is_looked_at_before_its_provider_hears_of_it(
    guarded: World, account: ContentSafetyAccount, clip: bytes
) -> None:
    files = {"video": ("a.mp4", clip, "video/mp4")}
    refused = await guarded.alice.post(
        "/v1/videos/characters", data={"name": "Violent Bob", "model": "files"}, files=files
    )
    error = refused.json()["error"]
    assert (refused.status_code, error["code"], error["param"]) == (400, "content_filter", "name")
    assert guarded.upstream == []
    paths = [request.url.path.rpartition("/")[2] for request in account.requests]
    assert sorted(paths) == [*["image:analyze"] * 4, "text:analyze"]
    guarded.answers = [httpx.Response(200, json={"id": "char_1", "created_at": 1, "name": "Bob"})]
    kept = await guarded.alice.post(
        "/v1/videos/characters", data={"name": "Bob", "model": "files"}, files=files
    )
    assert kept.status_code == 200, kept.text


async def test_a_clip_that_nobody_can_look_at_is_refused(guarded: World, clip: bytes) -> None:
    broken = clip[: len(clip) // 2] + bytes(len(clip) // 2)
    refused = await guarded.alice.post(
        "/v1/videos/characters",
        data={"name": "Bob", "model": "files"},
        files={"video": ("a.mp4", broken, "video/mp4")},
    )
    error = refused.json()["error"]
    assert (refused.status_code, error["code"], error["param"]) == (400, "invalid_video", "video")
    assert guarded.upstream == []


# -- keys


def limited(world: World, limits: GuardLimits) -> None:
    """Give alice's key limits of its own."""
    settings = world.services.settings
    keys = tuple(
        key
        if key.owner != world.owners["alice"]
        else key.model_copy(update={"limits": key.limits.model_copy(update={"guards": limits})})
        for key in settings.api_keys
    )
    changed: Settings = settings.model_copy(update={"api_keys": keys})
    world.services = replace(world.services, settings=changed)


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
