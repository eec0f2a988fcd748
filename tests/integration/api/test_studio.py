"""What the app does for the studio: its files, the links that it plays by, and who one is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from dailies.api import studio
from tests.integration.api.world import CLIP, World

PAGE = '<script type="module" src="/studio/assets/index-1a2b.js"></script>'


@pytest.fixture
def dist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A studio, built."""
    built = tmp_path / "studio" / "dist"
    (built / "assets").mkdir(parents=True)
    (built / "index.html").write_text(PAGE)
    (built / "assets" / "index-1a2b.js").write_text("run()")
    (built / "assets" / "index-1a2b.css").write_text("p {}")
    (built / "assets" / "secret.env").write_text("KEY=1")
    (tmp_path / "studio" / "outside.js").write_text("outside()")
    monkeypatch.setattr(studio, "DIST", built)
    return built


@pytest.fixture
async def streaming(storage: str) -> AsyncIterator[World]:
    async with World(storage, DAILIES_CONTENT_DELIVERY="stream") as world:
        yield world


def _policy(answer: httpx.Response) -> dict[str, str]:
    directives = answer.headers["Content-Security-Policy"].split("; ")
    return {name: value for name, _, value in (each.partition(" ") for each in directives)}


async def test_the_page_needs_no_key_and_is_asked_for_each_time(world: World, dist: Path) -> None:
    for path in ("/studio", "/studio/"):
        answer = await world.anonymous.get(path)
        assert (answer.status_code, answer.text) == (200, PAGE)
        assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


async def test_the_page_may_load_its_own_files_and_those_of_the_storage_account_alone(
    world: World, dist: Path
) -> None:
    policy = _policy(await world.anonymous.get("/studio"))
    url = httpx.URL(world.services.files.url("x"))
    storage = f"{url.scheme}://{url.netloc.decode()}"
    assert policy == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "connect-src": "'self'",
        "img-src": f"'self' blob: {storage}",
        "media-src": f"blob: {storage}",
        "form-action": "'none'",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
    }


async def test_a_file_is_kept_for_good_and_not_sent_twice(world: World, dist: Path) -> None:
    for name, type_ in (("js", "text/javascript"), ("css", "text/css")):
        path = f"/studio/assets/index-1a2b.{name}"
        answer = await world.anonymous.get(path)
        assert answer.status_code == 200
        assert answer.headers["Content-Type"] == f"{type_}; charset=utf-8"
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        known = {"If-None-Match": answer.headers["ETag"]}
        again = await world.anonymous.get(path, headers=known)
        assert (again.status_code, again.content) == (304, b"")
        head = await world.anonymous.head(path)
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["Content-Length"] == str(len(answer.content))


@pytest.mark.parametrize(
    "name",
    [
        "secret.env",
        "missing.js",
        f"{'a' * 300}.js",
        "..%2Findex.html",
        "..%2F..%2Foutside.js",
        "%2e%2e/outside.js",
        "..%5Coutside.js",
        "%2Fetc%2Fpasswd",
        "index-1a2b.js%00.js",
    ],
)
async def test_nothing_else_is_served(world: World, dist: Path, name: str) -> None:
    answer = await world.anonymous.get(f"/studio/assets/{name}")
    assert answer.status_code == 404
    assert b"outside()" not in answer.content


async def test_a_studio_that_is_not_built_says_how_to_build_it(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(studio, "DIST", tmp_path)
    answer = await world.anonymous.get("/studio")
    assert answer.status_code == 503
    assert "make studio" in answer.text
    assert _policy(answer) == {"default-src": "'none'", "frame-ancestors": "'none'"}


@pytest.mark.parametrize(
    ("setting", "entra"), [({}, False), ({"WEBSITE_AUTH_ENABLED": "True"}, True)]
)
async def test_the_page_is_told_whether_entra_lets_people_in(
    storage: str, setting: dict[str, Any], entra: bool
) -> None:
    async with World(storage, **setting) as world:
        answer = await world.anonymous.get("/studio/config.json")
        assert answer.json() == {"entra": entra}


# -- links


async def test_links_show_and_save_each_file_without_a_key_until_they_end(world: World) -> None:
    video_id = await world.finished()
    answer = (await world.alice.get(f"/v1/videos/{video_id}/links")).json()
    assert answer["expires_at"] == world.now + world.services.settings.content_link_seconds
    files = {file["variant"]: file for file in answer["data"]}
    assert set(files) == {"video", "thumbnail"}
    async with httpx.AsyncClient(trust_env=False) as anyone:
        shown = await anyone.get(files["video"]["url"])
        saved = await anyone.get(files["video"]["download_url"])
    assert shown.content == saved.content == CLIP
    assert files["video"]["bytes"] == len(CLIP)
    name = f'filename="{video_id}.mp4"'
    assert shown.headers["Content-Disposition"] == f"inline; {name}"
    assert saved.headers["Content-Disposition"] == f"attachment; {name}"


async def test_where_content_goes_through_the_app_no_link_is_given(streaming: World) -> None:
    video_id = await streaming.finished()
    answer = await streaming.alice.get(f"/v1/videos/{video_id}/links")
    assert {(f["url"], f["download_url"]) for f in answer.json()["data"]} == {(None, None)}


async def test_links_are_for_the_owner_and_for_what_is_finished(world: World) -> None:
    video_id = await world.finished()
    other = await world.bob.get(f"/v1/videos/{video_id}/links")
    missing = await world.bob.get(f"/v1/videos/video_{'0' * 32}/links")
    assert (other.status_code, other.json()["error"]["code"]) == (404, "video_not_found")
    assert missing.json()["error"]["code"] == "video_not_found"
    assert (await world.anonymous.get(f"/v1/videos/{video_id}/links")).status_code == 401
    created = await world.alice.post("/v1/videos", json={"prompt": "a pier"})
    early = await world.alice.get(f"/v1/videos/{created.json()['id']}/links")
    assert (early.status_code, early.json()["error"]["code"]) == (409, "video_not_ready")
    odd = await world.alice.get(f"/v1/videos/{video_id}/links?variant_index=7")
    assert (odd.status_code, odd.json()["error"]["code"]) == (404, "no_variant")


# -- who one is


async def test_everybody_is_told_who_they_are(world: World) -> None:
    alice = (await world.alice.get("/v1/whoami")).json()
    admin = (await world.admin.get("/v1/whoami")).json()
    assert (alice["owner"], alice["operator"]) == (world.owners["alice"], False)
    assert (admin["owner"], admin["operator"]) == (world.owners["admin"], True)
    assert world.keys["alice"] not in str(alice)
    assert (await world.anonymous.get("/v1/whoami")).status_code == 401
