"""Arrays in forms, put together as they were meant or refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from dailies.api.bodies import open_body
from dailies.api.form_arrays import with_arrays
from dailies.video.errors import InvalidRequest
from tests.unit.api.asking import FORM, LIMIT, MULTIPART, part, request

NAMES = {"frame_images", "input_references"}
FIRST = {"type": "image_url", "image_url": {"url": "https://a"}, "frame_type": "first_frame"}
LAST = {"type": "image_url", "image_url": {"url": "https://b"}, "frame_type": "last_frame"}


async def read(*parts: bytes) -> Mapping[str, Any]:
    asked = request(MULTIPART, *parts, b"--b--\r\n")
    async with open_body(asked, max_inline_bytes=LIMIT) as body:
        return dict(with_arrays(body, NAMES).fields)


def text(name: str, *values: str) -> bytes:
    return b"".join(part(name, value.encode()) for value in values)


async def test_columns_as_official_clients_write_them() -> None:
    found = await read(
        text("prompt", "p"),
        text("frame_images[][type]", "image_url", "image_url"),
        text("frame_images[][image_url][url]", "https://a", "https://b"),
        text("frame_images[][frame_type]", "first_frame", "last_frame"),
    )
    assert found == {"prompt": "p", "frame_images": [FIRST, LAST]}


async def test_a_plain_list() -> None:
    assert await read(text("input_references[]", "https://a", "https://b")) == {
        "input_references": ["https://a", "https://b"]
    }


@pytest.mark.parametrize("name", ["input_references", "input_references[]"])
async def test_files_that_share_a_name(name: str) -> None:
    found = await read(part(name, b"1", "a.png"), part(name, b"2", "b.png"))
    assert [upload.filename for upload in found["input_references"]] == ["a.png", "b.png"]


async def test_a_data_url_in_a_column_is_a_file_of_its_place() -> None:
    found = await read(text("frame_images[][image_url][url]", "data:image/png;base64,AAAA"))
    [item] = found["frame_images"]
    upload = item["image_url"]["url"]
    assert (upload.where, upload.length) == ("frame_images.image_url.url", 3)


@pytest.mark.parametrize(
    "parts",
    [
        [text("frame_images[][type]", "a", "b"), text("frame_images[][frame_type]", "c")],
        [text("frame_images[0][frame_type]", "first_frame")],
        [text("frame_images[][]", "x")],
        [text("frame_images[][a]", "x"), text("frame_images[][a][b]", "x")],
        [text("frame_images[][a][b]", "x"), text("frame_images[][a]", "x")],
        [text("frame_images[]", "x"), text("frame_images[][a]", "x")],
        [text("frame_images", "[]"), text("frame_images[][a]", "x")],
    ],
)
async def test_what_can_t_be_put_together_for_sure_is_refused(parts: list[bytes]) -> None:
    with pytest.raises(InvalidRequest) as caught:
        await read(*parts)
    assert caught.value.param == "frame_images"


async def test_other_fields_are_left_alone() -> None:
    body = b"video[id]=v&image[]=a&image[]=b&prompt=p"
    async with open_body(request(FORM, body), max_inline_bytes=LIMIT) as read_body:
        assert with_arrays(read_body, NAMES) is read_body
