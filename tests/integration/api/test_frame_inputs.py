"""An image or a clip at a frame of choice, through the videos protocol."""

from __future__ import annotations

import io
import json

import pytest
from PIL import Image

from dailies.engine import VideoRef
from dailies.pipeline.prepare import prepare_reference
from dailies.video.framing import CropBounds, FitMode
from dailies.video.request import Input, InputKind
from tests.integration.api.world import World, png
from tests.unit.inputs import pictures

BOUNDS = {"left_fraction": 0.1, "top_fraction": 0.1, "right_fraction": 0.9, "bottom_fraction": 0.9}


async def test_an_input_through_the_videos_protocol(world: World, clip: bytes) -> None:
    fields = {
        "model": "sora",
        "prompt": "on",
        "frame_index": "3",
        "crop_bounds": json.dumps(BOUNDS),
    }
    files = {"input_reference": ("clip.mp4", clip)}
    answer = await world.alice.post("/v1/videos", data=fields, files=files)
    assert answer.status_code == 200, answer.text
    assert answer.json()["size"] == "1280x720"
    record = await world.record(answer.json()["id"])
    assert record is not None
    [kept] = record.request.inputs
    assert (kept.type, kept.frame_index, kept.fit) == (InputKind.VIDEO, 3, None)
    assert kept.crop == CropBounds(0.1, 0.1, 0.9, 0.9)


async def test_an_image_through_the_videos_protocol_is_to_be_fitted(world: World) -> None:
    files = {"input_reference": ("a.png", png())}
    answer = await world.alice.post(
        "/v1/videos", data={"model": "sora", "prompt": "x", "fit": "contain"}, files=files
    )
    record = await world.record(answer.json()["id"])
    assert record is not None
    assert record.request.first_frame is None
    assert [kept.fit for kept in record.request.inputs] == [FitMode.CONTAIN]
    assert record.request.needs_preparing


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"n_variants": "2"}, "n_variants"),
        ({"frame_index": "1"}, "frame_index"),
        ({"crop_bounds": json.dumps(BOUNDS)}, "crop_bounds"),
    ],
)
async def test_sora_2_says_what_it_can_do_instead(
    world: World, fields: dict[str, str], param: str
) -> None:
    body = {"model": "sora-2", "prompt": "x", **fields}
    answer = await world.alice.post("/v1/videos", data=body)
    error = answer.json()["error"]
    assert (answer.status_code, error["param"]) == (400, param)
    assert "4, 8 or 12 seconds at 720x1280, 1280x720" in error["message"]


async def test_too_many_variants_are_told_of_before_anything_is_fetched(world: World) -> None:
    reference = {"image_url": "https://127.0.0.1/never.png"}
    body = {"prompt": "x", "size": "1280x720", "n_variants": 2, "input_reference": reference}
    answer = await world.alice.post("/v1/videos", json=body)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "n_variants")


async def test_sora_2_takes_no_video(world: World, clip: bytes) -> None:
    files = {"input_reference": ("clip.mp4", clip)}
    answer = await world.alice.post(
        "/v1/videos", data={"model": "sora-2", "prompt": "x"}, files=files
    )
    error = answer.json()["error"]
    assert (answer.status_code, error["param"]) == (400, "input_reference")
    assert "takes no video" in error["message"]


async def test_an_empty_frame_index_says_nothing(world: World) -> None:
    body = {"model": "sora-2", "prompt": "x", "frame_index": "", "crop_bounds": ""}
    answer = await world.alice.post("/v1/videos", data=body)
    assert answer.status_code == 200, answer.text


async def test_a_frame_needs_something_to_show(world: World) -> None:
    body = {"model": "sora", "prompt": "x", "frame_index": 4}
    answer = await world.alice.post("/v1/videos", json=body)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "frame_index")


def sideways(width: int, height: int) -> bytes:
    """A JPEG that viewers turn by a quarter."""
    buffer = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (width, height), "teal").save(buffer, "JPEG", exif=exif)
    return buffer.getvalue()


async def prepared(world: World, data: bytes, **fields: str) -> tuple[Input, bytes]:
    """The item of a video made from an image, once it is prepared, and what will be sent."""
    body = {"model": "sora", "prompt": "x", "size": "480x480", **fields}
    answer = await world.alice.post("/v1/videos", data=body, files={"input_reference": data})
    video: VideoRef = {"id": answer.json()["id"], "owner": world.owners["alice"]}
    for _ in range(2):  # an activity may run twice
        assert (await prepare_reference(world.services, video))["kind"] == "done"
    record = await world.record(video["id"])
    assert record is not None
    assert not any(item.needs_preparing for item in record.request.inputs)
    [kept] = record.request.inputs
    assert kept.file is not None
    assert await world.blobs(video["id"]) == [kept.file.blob]
    sent = await world.services.files.read(kept.file.blob, max_bytes=10_000_000)
    assert sent is not None
    return kept, sent


async def test_an_image_is_brought_to_the_size_of_the_video(world: World) -> None:
    kept, sent = await prepared(world, sideways(64, 36))
    assert kept.file is not None
    assert kept.file.content_type == "image/png"
    assert Image.open(io.BytesIO(sent)).size == (480, 480)


async def test_an_image_to_be_cropped_goes_on_as_it_is(world: World) -> None:
    kept, sent = await prepared(world, png(), crop_bounds=json.dumps(BOUNDS))
    assert sent == png()
    assert kept.crop == CropBounds(0.1, 0.1, 0.9, 0.9)


@pytest.mark.parametrize("kind", ["heic", "avif"])
async def test_an_image_to_be_cropped_is_made_what_the_provider_can_read(
    world: World, kind: str
) -> None:
    picture = pictures.quadrants(64, 48)
    data = pictures.heic(picture) if kind == "heic" else pictures.encode(picture, "AVIF")
    kept, sent = await prepared(world, data, crop_bounds=json.dumps(BOUNDS))
    assert kept.file is not None
    assert kept.file.content_type == "image/png"
    assert Image.open(io.BytesIO(sent)).size == (64, 48)


async def test_an_image_to_be_cropped_is_turned_upright_first(world: World) -> None:
    kept, sent = await prepared(world, sideways(64, 36), crop_bounds=json.dumps(BOUNDS))
    assert Image.open(io.BytesIO(sent)).size == (36, 64)
    assert kept.crop == CropBounds(0.1, 0.1, 0.9, 0.9)
