"""Microsoft's quickstart for Sora 1, in its three input modes."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any

import av
import httpx
import pytest

from tests.local.integration.services.harness import ServicesProcess, wait_until
from tests.local.integration.services.pictures import photo, psnr, to_image

EVERY_FRAME = True

ROOT = "/openai/v1/video/generations"
PREVIEW = {"api-version": "preview"}
BOUNDS = {
    "left_fraction": 0.1,
    "top_fraction": 0.1,
    "right_fraction": 0.9,
    "bottom_fraction": 0.9,
}


@pytest.fixture
def client(services: ServicesProcess) -> Iterator[httpx.Client]:
    with services.client() as made:
        yield made


def generate(client: httpx.Client, answer: httpx.Response) -> bytes:
    """Poll the job until it has succeeded; its first video."""
    assert answer.is_success, answer.text
    job = answer.json()

    def succeeded() -> dict[str, Any] | None:
        now: dict[str, Any] = client.get(f"{ROOT}/jobs/{job['id']}", params=PREVIEW).json()
        assert now["status"] not in ("failed", "cancelled")
        return now if now["status"] == "succeeded" else None

    generation = wait_until(succeeded)["generations"][0]["id"]
    video = client.get(f"{ROOT}/{generation}/content/video", params=PREVIEW)
    assert video.headers["content-type"] == "video/mp4"
    return video.content


def frames_of(content: bytes) -> list[av.VideoFrame]:
    with av.open(io.BytesIO(content), "r") as container:
        assert [stream.type for stream in container.streams] == ["video"], "Sora 1 is silent"
        return list(container.decode(video=0))


def send(client: httpx.Client, kind: str, name: str, data: bytes, **bounds: Any) -> httpx.Response:
    item = {"frame_index": 0, "type": kind, "file_name": name, **bounds}
    fields = {
        "prompt": "A serene forest scene transitioning into autumn",
        "height": "480",
        "width": "480",
        "n_seconds": "2",
        "n_variants": "1",
        "model": "sora",
        "inpaint_items": json.dumps([item]),
    }
    files = [("files", (name, data, f"{kind}/octet-stream"))]
    return client.post(f"{ROOT}/jobs", params=PREVIEW, data=fields, files=files)


def test_from_text(client: httpx.Client) -> None:
    body = {
        "prompt": "A cat playing piano in a jazz bar.",
        "width": 480,
        "height": 480,
        "n_seconds": 5,
        "model": "sora",
    }
    frames = frames_of(generate(client, client.post(f"{ROOT}/jobs", params=PREVIEW, json=body)))
    assert len(frames) == 150
    assert (frames[0].width, frames[0].height) == (480, 480)


def test_from_an_image_and_from_the_video_that_it_became(client: httpx.Client) -> None:
    picture = photo(600, 600)
    data = io.BytesIO()
    picture.save(data, "PNG")
    answer = send(client, "image", "dog.png", data.getvalue(), crop_bounds=BOUNDS)
    content = generate(client, answer)
    first = to_image(frames_of(content)[0])
    assert psnr(first, picture.crop((60, 60, 540, 540))) >= 35

    continued = frames_of(generate(client, send(client, "video", "dog.mp4", content)))
    assert len(continued) == 60
    assert psnr(to_image(continued[0]), first) >= 35


def test_an_input_video_over_five_seconds_is_refused(client: httpx.Client) -> None:
    body = {"prompt": "long", "width": 480, "height": 480, "n_seconds": 6, "model": "sora"}
    content = generate(client, client.post(f"{ROOT}/jobs", params=PREVIEW, json=body))
    answer = send(client, "video", "long.mp4", content)
    assert answer.status_code == 400
    assert "at most 5 seconds" in answer.json()["message"]
