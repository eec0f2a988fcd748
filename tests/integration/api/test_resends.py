"""What an official client sends again by itself, by every way in which a video can be asked for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from dailies.protocols.sora1.ids import video_of_job
from dailies.stores.resends import RESEND_SECONDS
from dailies.video.basics import Phase
from tests.integration.api.test_create import IMAGE_URL
from tests.integration.api.world import World, png

COUNT = "x-stainless-retry-count"
WAYS = {
    "a create": ("/v1/videos", {"json": {"prompt": "a quay"}}),
    "a generation": ("/v1/videos/generations", {"json": {"prompt": "a quay"}}),
    "an image by address": (
        "/v1/videos",
        {"json": {"prompt": "a quay", "input_reference": {"image_url": IMAGE_URL}}},
    ),
    "an uploaded image": (
        "/v1/videos",
        {
            "data": {"prompt": "a quay"},
            "files": {"input_reference": ("pier.png", png(), "image/png")},
        },
    ),
    "a remix": ("/v1/videos/{source}/remix", {"json": {"prompt": "at night"}}),
    "a remix by a create": (
        "/v1/videos",
        {"json": {"prompt": "at night", "remix_video_id": "{source}"}},
    ),
    "an edit": ("/v1/videos/edits", {"json": {"prompt": "in snow", "video": {"id": "{source}"}}}),
    "an extension": (
        "/v1/videos/extensions",
        {"json": {"prompt": "a boat", "seconds": "4", "video": {"id": "{source}"}}},
    ),
    "a job": ("/v1/video/generations/jobs", {"json": {"prompt": "a quay", "model": "sora"}}),
    "a job with a file": (
        "/v1/video/generations/jobs",
        {
            "data": {
                "prompt": "a quay",
                "model": "sora",
                "inpaint_items": '[{"type": "image", "file_name": "pier.png"}]',
            },
            "files": {"files": ("pier.png", png(), "image/png")},
        },
    ),
    "an operator's start": ("/orchestrations/generate-video", {"json": {"prompt": "a quay"}}),
}


def _filled(value: Any, source: str) -> Any:
    if isinstance(value, dict):
        return {name: _filled(item, source) for name, item in value.items()}
    return value.replace("{source}", source) if isinstance(value, str) else value


async def _send(world: World, way: str, source: str, count: int | None) -> httpx.Response:
    path, body = WAYS[way]
    client = world.admin if path.startswith("/orchestrations") else world.alice
    headers = {} if count is None else {COUNT: str(count)}
    return await client.post(
        path.replace("{source}", source), headers=headers, **_filled(body, source)
    )


def _video_id(answer: httpx.Response) -> str:
    assert answer.is_success, answer.text
    given = str(answer.json()["id"])
    return video_of_job(given) or given


@pytest.mark.parametrize("first", [None, 0])
@pytest.mark.parametrize("way", WAYS)
async def test_a_resend_is_answered_with_the_first_video(
    world: World, way: str, first: int | None
) -> None:
    source = await world.finished()
    made = await _send(world, way, source, first)
    again = [await _send(world, way, source, count) for count in (1, 2)]
    assert {_video_id(answer) for answer in again} == {_video_id(made)}
    assert "Idempotent-Replayed" not in made.headers
    assert [answer.headers["Idempotent-Replayed"] for answer in again] == ["true", "true"]
    another = await _send(world, way, source, first)
    assert _video_id(another) != _video_id(made)
    left = await world.blobs(_video_id(made))
    assert bool(left) == (way in ("an uploaded image", "an image by address", "a job with a file"))


@pytest.mark.parametrize("count", ["0", "-1", "x", "1.5", "", "1, 2", "\u0663", "9" * 4])
async def test_what_is_no_count_is_no_resend(world: World, count: str) -> None:
    headers = [(COUNT, count.encode())]
    made = {
        _video_id(await world.alice.post("/v1/videos", json={"prompt": "a quay"}, headers=headers))  # type: ignore[arg-type] # bytes that are no ASCII
        for _ in range(2)
    }
    assert len(made) == 2


async def test_other_bytes_in_an_image_are_another_request(world: World) -> None:
    made = set()
    for count, picture in ((0, png(64, 36)), (1, png(64, 38))):
        answer = await world.alice.post(
            "/v1/videos",
            data={"prompt": "a quay", "size": "1280x720"},
            files={"input_reference": ("pier.png", picture, "image/png")},
            headers={COUNT: str(count)},
        )
        made.add(_video_id(answer))
    assert len(made) == 2


async def test_a_key_decides_over_the_count(world: World) -> None:
    made = set()
    for key in ("k-1", "k-2"):
        headers = {COUNT: "1", "Idempotency-Key": key}
        answer = await world.alice.post("/v1/videos", json={"prompt": "a quay"}, headers=headers)
        made.add(_video_id(answer))
    assert len(made) == 2


async def test_a_resend_needs_no_room(storage: str) -> None:
    async with World(storage, DAILIES_MAX_UNFINISHED=1) as world:
        made = await _send(world, "a create", "", 0)
        again = await _send(world, "a create", "", 1)
        full = await _send(world, "a create", "", 0)
    assert _video_id(again) == _video_id(made)
    assert full.status_code == 429


async def test_a_resend_may_come_for_ten_minutes(world: World) -> None:
    made = _video_id(await _send(world, "a create", "", 0))
    world.now += RESEND_SECONDS - 1
    assert _video_id(await _send(world, "a create", "", 1)) == made
    world.now += 2
    assert _video_id(await _send(world, "a create", "", 2)) != made


async def test_a_remix_is_the_same_request_when_its_source_has_expired_meanwhile(
    world: World,
) -> None:
    """It would be made from our file by then; that is not the caller's choice."""
    source = await world.finished(model="files", deployment="files", expires_in=400)
    made = _video_id(await _send(world, "an edit", source, 0))
    world.now += 200
    assert _video_id(await _send(world, "an edit", source, 1)) == made


@pytest.mark.parametrize("phase", [Phase.RENDERING, Phase.DONE])
async def test_what_was_deleted_meanwhile_is_not_made_again(world: World, phase: Phase) -> None:
    made = _video_id(await _send(world, "a create", "", 0))
    await world.change(made, phase=phase)
    await world.alice.delete(f"/v1/videos/{made}")
    answer = await _send(world, "a create", "", 1)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (409, "video_deleted")
    assert made in error["message"]
    assert answer.headers["x-should-retry"] == "false"
    assert _video_id(await _send(world, "a create", "", 0)) != made


async def test_a_first_sending_whose_body_is_slower_than_its_resend_is_the_same(
    world: World,
) -> None:
    """The client gave it up, and its bytes are still on the way."""
    resent = asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield b'{"prompt": '
        await resent.wait()
        yield b'"a quay"}'

    headers = {COUNT: "0", "Content-Type": "application/json"}
    begun = asyncio.create_task(world.alice.post("/v1/videos", content=slow(), headers=headers))
    reads = world.table_requests
    while world.table_requests == reads:  # noqa: ASYNC110 - nothing tells that it has begun
        await asyncio.sleep(0.01)
    again = await _send(world, "a create", "", 1)
    resent.set()
    first = await begun
    assert _video_id(first) == _video_id(again)
    assert first.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in again.headers
    assert len((await world.alice.get("/v1/videos")).json()["data"]) == 1
