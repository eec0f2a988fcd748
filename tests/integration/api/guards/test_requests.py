"""Guards look before anything is written or spent: the real SDK, towards a simulated account."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tests.content_safety import ContentSafetyAccount
from tests.integration.api.guards.asking import (
    events,
    guard_with,
    picture,
    unfinished,
)
from tests.integration.api.world import World, png


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


async def test_what_no_budget_allows_is_not_shown_to_guards(
    guarded: World, account: ContentSafetyAccount
) -> None:
    await guarded.admin.put(f"/v1/admin/budgets/{guarded.owners['alice']}", json={"total_usd": 0.5})
    body = {"prompt": "A pier", "seconds": "4"}
    assert (await guarded.alice.post("/v1/videos", json=body)).status_code == 200
    asked = len(account.requests)
    assert asked > 0
    for sent in ({"json": body}, {"data": body, "files": {"input_reference": png(64)}}):
        answer = await guarded.alice.post("/v1/videos", **sent)
        error = answer.json()["error"]
        assert (answer.status_code, error["code"]) == (429, "budget_exceeded")
    assert len(account.requests) == asked
