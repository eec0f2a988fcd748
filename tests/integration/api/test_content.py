"""Content: links, ranges, variants, and what there is when there is none."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from tests.integration.api.world import CLIP, World


@pytest.fixture
async def streaming(storage: str) -> AsyncIterator[World]:
    async with World(storage, DAILIES_CONTENT_DELIVERY="stream") as world:
        yield world


# -- by link


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_content_is_a_link_that_needs_no_key_and_ends_soon(world: World, method: str) -> None:
    video_id = await world.finished()
    answer = await world.alice.request(method, f"/v1/videos/{video_id}/content")
    assert answer.status_code == 302
    assert answer.headers["Cache-Control"] == "no-store"
    link = httpx.URL(answer.headers["Location"])
    assert link.params["sp"] == "r"
    async with httpx.AsyncClient(trust_env=False) as anyone:
        whole = await anyone.request(method, link)
        part = await anyone.get(link, headers={"Range": "bytes=10-19"})
        written = await anyone.put(link, content=b"x", headers={"x-ms-blob-type": "BlockBlob"})
    assert whole.headers["Content-Length"] == str(len(CLIP))
    assert whole.headers["Content-Type"] == "video/mp4"
    assert (part.status_code, part.content) == (206, CLIP[10:20])
    assert written.status_code == 403


async def test_each_variant_has_its_file(world: World) -> None:
    video_id = await world.finished()
    thumbnail = await world.alice.get(f"/v1/videos/{video_id}/content?variant=thumbnail")
    missing = await world.alice.get(f"/v1/videos/{video_id}/content?variant=spritesheet")
    unknown = await world.alice.get(f"/v1/videos/{video_id}/content?variant=poster")
    assert "thumbnail.webp" in thumbnail.headers["Location"]
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "no_variant")
    assert unknown.status_code == 400
    assert unknown.json()["error"]["message"] == (
        "Invalid value: 'poster'. Supported values are: 'video', 'thumbnail', and 'spritesheet'."
    )


async def test_a_video_that_is_not_finished_says_so(world: World) -> None:
    created = await world.alice.post("/v1/videos", json={"prompt": "a pier"})
    answer = await world.alice.get(f"/v1/videos/{created.json()['id']}/content")
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "video_not_ready")
    # Official clients would try again by themselves.
    assert answer.headers["x-should-retry"] == "false"


async def test_a_video_that_failed_says_why(world: World) -> None:
    answer = await world.alice.get(f"/v1/videos/{await world.failed()}/content")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "video_failed")
    assert "It was blocked." in answer.json()["error"]["message"]


# -- through the app


async def test_a_whole_file_is_streamed(streaming: World) -> None:
    video_id = await streaming.finished()
    answer = await streaming.alice.get(f"/v1/videos/{video_id}/content")
    assert (answer.status_code, answer.content) == (200, CLIP)
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert answer.headers["Content-Type"] == "video/mp4"


@pytest.mark.parametrize(
    ("given", "first", "last"),
    [
        ("bytes=0-0", 0, 0),
        ("bytes=10-19", 10, 19),
        ("bytes=10-", 10, len(CLIP) - 1),
        ("bytes=-5", len(CLIP) - 5, len(CLIP) - 1),
        ("bytes=-999999", 0, len(CLIP) - 1),
        ("bytes=5-999999", 5, len(CLIP) - 1),
    ],
)
async def test_a_range_is_a_206(streaming: World, given: str, first: int, last: int) -> None:
    video_id = await streaming.finished()
    answer = await streaming.alice.get(f"/v1/videos/{video_id}/content", headers={"Range": given})
    assert (answer.status_code, answer.content) == (206, CLIP[first : last + 1])
    assert answer.headers["Content-Range"] == f"bytes {first}-{last}/{len(CLIP)}"
    assert answer.headers["Content-Length"] == str(last - first + 1)


@pytest.mark.parametrize(
    "given", ["bytes=0-1,3-4", "items=0-1", "bytes=", "bytes=-", "bytes=5-4", "bytes=a-b"]
)
async def test_what_is_no_single_range_gets_the_whole(streaming: World, given: str) -> None:
    video_id = await streaming.finished()
    answer = await streaming.alice.get(f"/v1/videos/{video_id}/content", headers={"Range": given})
    assert (answer.status_code, answer.content) == (200, CLIP)


@pytest.mark.parametrize("given", [f"bytes={len(CLIP)}-", "bytes=-0", f"bytes={10**17}-"])
async def test_a_range_outside_the_file_is_a_416(streaming: World, given: str) -> None:
    video_id = await streaming.finished()
    answer = await streaming.alice.get(f"/v1/videos/{video_id}/content", headers={"Range": given})
    assert answer.status_code == 416
    assert answer.headers["Content-Range"] == f"bytes */{len(CLIP)}"


async def test_a_range_holds_only_while_the_file_is_the_same(streaming: World) -> None:
    video_id = await streaming.finished()
    path = f"/v1/videos/{video_id}/content"
    etag = (await streaming.alice.head(path)).headers["ETag"]
    same = await streaming.alice.get(path, headers={"Range": "bytes=0-4", "If-Range": etag})
    other = await streaming.alice.get(path, headers={"Range": "bytes=0-4", "If-Range": '"x"'})
    assert (same.status_code, other.status_code) == (206, 200)


async def test_head_gives_the_length_and_no_bytes(streaming: World) -> None:
    video_id = await streaming.finished()
    answer = await streaming.alice.head(f"/v1/videos/{video_id}/content")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["Content-Length"] == str(len(CLIP))
