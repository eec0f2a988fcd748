"""What lies in a video's folder is what its manifest names, whatever the video starts from."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from PIL import Image

from tests.e2e.checks import assert_delivered, manifest_of
from tests.pictures import png
from tests.stack import RunningStack

_LABEL = "[sim label=manifest]"


@pytest.fixture(autouse=True, scope="module")
def _all_frames(stack: RunningStack) -> Iterator[None]:
    """What a manifest tells of a video is told of one as a provider makes it."""
    before = stack.simulator.get("/_inspect/settings").raise_for_status().json()["few_frames"]
    stack.simulator.patch("/_inspect/settings", json={"few_frames": False}).raise_for_status()
    yield
    stack.simulator.patch("/_inspect/settings", json={"few_frames": before}).raise_for_status()


def _assert_whole(stack: RunningStack, video: dict[str, Any]) -> dict[str, Any]:
    """The video's manifest, once everything in the folder is found in it."""
    done = stack.wait_for(video)
    assert_delivered(stack, done)
    manifest = manifest_of(stack, done["id"])
    made = [g["files"] for g in manifest.get("generations", [])] or [manifest["files"]]
    files = [file for variants in made for file in variants.values()] + manifest["inputs"]
    container = stack.blobs.get_container_client("videos")
    stored = set(container.list_blob_names(name_starts_with=f"{done['id']}/"))
    assert stored == {file["blob"] for file in files} | {f"{done['id']}/manifest.json"}
    for file in files:
        data = container.download_blob(file["blob"]).readall()
        assert file["sha256"] == hashlib.sha256(data).hexdigest()
        assert file["bytes"] == len(data)
    times = [datetime.fromisoformat(time) for time in manifest["timings"].values()]
    assert times == sorted(times)
    assert all(time.utcoffset() is not None for time in times)
    return manifest


def test_a_video_from_a_prompt(stack: RunningStack) -> None:
    manifest = _assert_whole(stack, stack.create(f"a prompt and no more {_LABEL}"))
    assert manifest["inputs"] == []
    assert (manifest["cost_usd"], manifest["cost_is_estimate"]) == (0.4, False)


@pytest.mark.parametrize(("model", "role"), [("sora-2", "reference"), ("sora", "frame")])
def test_a_video_from_an_image(stack: RunningStack, model: str, role: str) -> None:
    answer = stack.api.post(
        "/v1/videos",
        data={"prompt": f"from an image, {model} {_LABEL}", "model": model},
        files={"input_reference": ("a.png", png(5), "image/png")},
    )
    manifest = _assert_whole(stack, answer.raise_for_status().json())
    assert [image["role"] for image in manifest["inputs"]] == [role]


def test_variants_of_a_prompt(stack: RunningStack) -> None:
    video = stack.create(f"two variants {_LABEL}", model="sora", size="480x480", n_variants=2)
    assert len(_assert_whole(stack, video)["generations"]) == 2


def test_a_video_whose_provider_gives_no_pictures_has_them_all_the_same(
    stack: RunningStack,
) -> None:
    video = stack.create("pictures of one's own [sim label=own variants=video]", size="1280x720")
    manifest = _assert_whole(stack, video)
    assert set(manifest["files"]) == {"video", "thumbnail", "spritesheet"}
    for variant, format, size in (
        ("thumbnail", "WEBP", (1280, 720)),
        ("spritesheet", "JPEG", (4 * 320, 3 * 180)),
    ):
        answer = stack.api.get(
            f"/v1/videos/{video['id']}/content?variant={variant}", follow_redirects=True
        )
        answer.raise_for_status()
        with Image.open(io.BytesIO(answer.content)) as picture:
            assert (picture.format, picture.size) == (format, size)
        assert answer.headers["content-type"] == manifest["files"][variant]["content_type"]


def test_what_the_video_is(stack: RunningStack) -> None:
    manifest = _assert_whole(stack, stack.create(f"a look at it {_LABEL}", size="1280x720"))
    assert manifest["probe"] == {
        "seconds": 4.0,
        "size": "1280x720",
        "frames_per_second": 30.0,
        "video_codec": "h264",
        "audio_codec": "aac",
        "sound": True,
    }
    assert manifest["content_credentials"] == {"present": False, "issuer": None}


def test_a_dropped_image_is_named_by_its_video(stack: RunningStack) -> None:
    name, prompt = "manifests/boat.png", f"a boat that was dropped {_LABEL}"
    stack.drop(name, png(6), {"prompt": prompt})

    def video() -> dict[str, Any] | None:
        page = stack.api.get("/v1/videos", params={"limit": 100}).raise_for_status().json()
        found: list[dict[str, Any]] = [v for v in page["data"] if v["prompt"] == prompt]
        return found[0] if found else None

    dropped = stack.wait_until(video, within=30, what="the image is a video")
    assert dropped["source"] == {"type": "drop", "blob": name}
    assert stack.video(dropped["id"])["source"] == {"type": "drop", "blob": name}
    manifest = _assert_whole(stack, dropped)
    assert (manifest["source"]["kind"], manifest["source"]["blob"]) == ("drop", name)
    for event in stack.events(dropped["id"]):
        assert (event["data"]["source"], event["data"]["blob"]) == ("drop", name)
