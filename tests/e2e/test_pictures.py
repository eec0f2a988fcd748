"""What people's phones and browsers make of pictures becomes videos, by both ways in."""

from __future__ import annotations

import base64
import io

import pytest
from PIL import Image

from tests.stack import RunningStack
from tests.unit.inputs import pictures
from tests.unit.inputs.test_fitting import close, corners

# Stored sideways, as phones do: shown, they are upright.
_SIDEWAYS = pictures.quadrants(320, 180)
PICTURES = {
    "heic": pictures.heic(_SIDEWAYS, orientation=6),
    "avif": pictures.with_orientation(_SIDEWAYS, "AVIF", 6),
    "jfif": pictures.with_orientation(_SIDEWAYS, "JPEG", 6),
}


@pytest.mark.parametrize("kind", ["heic", "avif"])
@pytest.mark.parametrize("way", ["form", "data URL"])
def test_a_picture_in_a_request(stack: RunningStack, kind: str, way: str) -> None:
    prompt, data = f"a picture as {kind} in a {way}", PICTURES[kind]
    if way == "form":
        answer = stack.api.post(
            "/v1/videos",
            data={"model": "sora-2", "prompt": prompt, "seconds": "4"},
            files={"input_reference": (f"a.{kind}", data)},
        )
    else:
        url = f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
        body = {"prompt": prompt, "seconds": 4, "input_reference": {"image_url": url}}
        answer = stack.api.post("/v1/videos", json=body)
    assert answer.status_code == 200, answer.text
    video = stack.wait_for(answer.json())
    assert video["status"] == "completed", video
    assert video["size"] == "720x1280"
    _check_fitted(stack, video["id"])


@pytest.mark.parametrize("kind", PICTURES)
def test_a_dropped_picture(stack: RunningStack, kind: str) -> None:
    name = f"phones/a.{kind.upper()}"
    stack.drop(name, PICTURES[kind], {"prompt": f"a dropped {kind}", "seconds": "4"})

    def completed() -> str | None:
        mine = (e for e in stack.events(kind="completed") if e["data"].get("blob") == name)
        return next((str(event["data"]["id"]) for event in mine), None)

    video_id = stack.wait_until(completed, within=60, what=f"the video of {name} is completed")
    _check_fitted(stack, video_id)


def test_what_is_no_picture_is_named_for_what_it_is(stack: RunningStack) -> None:
    for data, name in ((b"%PDF-1.7", "a PDF"), (b"GIF89a", "a GIF"), (b"II*\0", "a TIFF")):
        answer = stack.api.post(
            "/v1/videos", data={"prompt": "x"}, files={"input_reference": ("a.heic", data)}
        )
        assert answer.status_code == 400
        assert f"The file is {name}" in answer.json()["error"]["message"]


def _check_fitted(stack: RunningStack, video_id: str) -> None:
    """The provider got a PNG of the video's size, turned as viewers show it."""
    blob = stack.blobs.get_blob_client("videos", f"{video_id}/reference.png")
    image = Image.open(io.BytesIO(blob.download_blob().readall()))
    assert (image.format, image.size) == ("PNG", (720, 1280))
    # A quarter turn with the clock: what was below on the left is above on the left.
    turned = [pictures.BLUE, pictures.RED, pictures.WHITE, pictures.GREEN]
    for actual, expected in zip(corners(image), turned, strict=True):
        assert close(actual, expected, by=24)
