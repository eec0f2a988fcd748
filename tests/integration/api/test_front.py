"""What holds for every route: both spellings of a path, HEAD, and the headers of every answer."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from tests.integration.api.world import CLIP, World

EVIL = {
    "Host": "evil.example",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Proto": "http",
    "Forwarded": "host=evil.example;proto=http",
}


ENDLESS = ("/v1/videos/events",)
"""Streams that go on until their time is over."""
_NEW_EACH_TIME = (("POST", "/v1/webhooks/secret"),)
"""Routes whose answers are never the same."""


@pytest.fixture
async def streaming(storage: str) -> AsyncIterator[World]:
    async with World(storage, DAILIES_CONTENT_DELIVERY="stream") as world:
        yield world


def routes(world: World) -> list[tuple[str, str]]:
    """Every method and path of the app, with made-up ids."""
    document = world.app.openapi()
    found = [
        (method.upper(), path.replace("{", "").replace("}", ""))
        for path, operations in document["paths"].items()
        for method in operations
        if method in ("get", "head", "post", "delete") and path not in ENDLESS
    ]
    return [*found, ("GET", "/openapi.json")]


def same(one: httpx.Response, other: httpx.Response) -> bool:
    return (one.status_code, one.content) == (other.status_code, other.content)


async def test_every_path_is_the_same_with_a_slash_at_its_end(world: World) -> None:
    asked = routes(world)
    assert len(asked) > 10
    for client in (world.alice, world.anonymous):
        for method, path in asked:
            without = await client.request(method, path, headers=EVIL)
            with_slash = await client.request(method, f"{path}/", headers=EVIL)
            if (method, path) in _NEW_EACH_TIME:
                assert without.status_code == with_slash.status_code
            else:
                assert same(without, with_slash), (method, path, with_slash.text)
            assert "Location" not in with_slash.headers


@pytest.mark.parametrize("prefix", ["", "/v1", "/openai/v1"])
async def test_a_video_is_made_and_fetched_with_slashes(world: World, prefix: str) -> None:
    made = await world.alice.post(f"{prefix}/videos/", json={"prompt": "a pier"})
    listed = await world.alice.get(f"{prefix}/videos/")
    assert (made.status_code, listed.status_code) == (200, 200)
    assert made.json()["id"] in {video["id"] for video in listed.json()["data"]}
    content = await world.alice.get(f"{prefix}/videos/{await world.finished()}/content/")
    assert content.status_code == 302


@pytest.mark.parametrize(
    "path",
    [
        "//evil.com/v1/videos",
        "//evil.com/",
        "/v1//videos",
        "/v1/videos//",
        "/v1/videos/%2F%2Fevil.com/",
        "/v1/videos/%0D%0AX-Evil:1/x",
        "/v1/videos/x/content//",
        "//",
        "/",
    ],
)
async def test_a_path_with_empty_parts_leads_nowhere(world: World, path: str) -> None:
    answer = await world.alice.get(f"http://dailies.test{path}", headers=EVIL)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")
    assert "Location" not in answer.headers
    assert "evil.example" not in answer.text


async def test_head_is_answered_wherever_get_is(world: World) -> None:
    for method, path in routes(world):
        if method != "GET":
            continue
        for client in (world.alice, world.anonymous):
            get, head = await client.get(path), await client.head(path)
            assert (head.status_code, head.content) == (get.status_code, b""), path
            for name in ("Content-Type", "Content-Length", "Cache-Control"):
                assert head.headers[name] == get.headers[name], (path, name)


async def test_no_answer_is_kept_or_taken_for_something_else(
    world: World, streaming: World
) -> None:
    finished, streamed = await world.finished(), await streaming.finished()
    answers = [
        await world.anonymous.get("/health"),
        await world.anonymous.get("/openapi.json"),
        await world.anonymous.get("/v1/videos"),
        await world.alice.get("/v1/videos"),
        await world.alice.get(f"/v1/videos/{finished}"),
        await world.alice.get("/v1/videos/video_x"),
        await world.alice.get("/nowhere"),
        await world.alice.patch("/v1/videos"),
        await world.alice.post("/v1/videos", content=b"{"),
        await world.alice.get(f"/v1/videos/{finished}/content"),
        await world.alice.head(f"/v1/videos/{finished}/content"),
        await streaming.alice.get(f"/v1/videos/{streamed}/content", headers={"Range": "bytes=-1"}),
        await streaming.alice.get(f"/v1/videos/{streamed}/content", headers={"Range": "bytes=-0"}),
        await world.alice.delete(f"/v1/videos/{finished}"),
    ]
    assert {answer.status_code for answer in answers} == {200, 206, 302, 400, 401, 404, 405, 416}
    for answer in answers:
        assert "no-store" in answer.headers["Cache-Control"], answer.request.url
        assert answer.headers["X-Content-Type-Options"] == "nosniff", answer.request.url
    whole = await streaming.alice.get(f"/v1/videos/{streamed}/content")
    assert (whole.headers["Cache-Control"], whole.content) == ("private, no-store", CLIP)


async def test_a_fault_of_ours_has_those_headers_too(world: World) -> None:
    # Without a context, which only a fault of ours can cause.
    transport = httpx.ASGITransport(world.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://dailies.test") as client:
        answer = await client.get("/health")
    assert (answer.status_code, answer.json()["error"]["code"]) == (500, "internal_error")
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("path", ENDLESS)
async def test_the_head_of_a_stream_without_an_end_comes_at_once(world: World, path: str) -> None:
    answer = await world.alice.head(path)
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert world.services.followers.count == 0
