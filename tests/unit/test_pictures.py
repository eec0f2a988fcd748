"""Lists of pictures, in the shapes that other services' callers send."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dailies.inputs.examine import BytesSource
from dailies.protocols.openai.bodies import CreateVideo
from dailies.protocols.pictures import read_frames, read_references
from dailies.video.errors import InvalidRequest
from dailies.video.request import Role

A, B = "https://example.com/a.png", "https://example.com/b.png"


def frame(url: Any, kind: Any = "first_frame", **more: Any) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url}, "frame_type": kind, **more}


FRAMES = [frame(B, "last_frame"), frame(A)]


@pytest.mark.parametrize("value", [FRAMES, json.dumps(FRAMES)])
def test_first_and_last_frame(value: object) -> None:
    found = {picture.role: picture.source for picture in read_frames(value)}
    assert found == {Role.FIRST: A, Role.LAST: B}


def test_what_a_video_is_to_look_like() -> None:
    file = BytesSource(b"x")
    items = [{"image_url": A}, {"image_url": {"url": B}}, A, file, {"image_url": {"url": file}}]
    found = read_references(items)
    assert [picture.source for picture in found] == [A, B, A, file, file]
    assert {picture.role for picture in found} == {Role.REFERENCE}
    assert [picture.source for picture in read_references(file)] == [file]
    numbered = {"10": B, "2": file, "0": A}
    assert [picture.source for picture in read_references(numbered)] == [A, file, B]


@pytest.mark.parametrize(
    ("value", "param"),
    [
        (7, "frame_images"),
        (["https://a"], "frame_images"),
        ([frame(A), frame(B)], "frame_images"),
        ([frame(A, "middle")], "frame_images.frame_type"),
        ([frame(A, None)], "frame_images.frame_type"),
        ([frame(A, type="video_url")], "frame_images.type"),
        ([frame("")], "frame_images.image_url"),
        ([frame(7)], "frame_images.image_url"),
        ([{"frame_type": "first_frame"}], "frame_images.image_url"),
        ([frame("data:image/png,raw")], "frame_images"),
        ("[", "frame_images"),
    ],
)
def test_frames_that_are_none(value: object, param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        read_frames(value)
    assert caught.value.param == param


@pytest.mark.parametrize("value", [True, [[A]], [None], [A] * 17, [{"audio_url": A}], [""]])
def test_references_that_are_none(value: object) -> None:
    with pytest.raises(InvalidRequest) as caught:
        read_references(value)
    assert str(caught.value.param).startswith("input_references")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("seed", -1),
        ("seed", 2**32),
        ("seed", 1.5),
        ("seed", True),
        ("seed", "x"),
        ("seed", "9" * 30),
        ("generate_audio", "yes"),
        ("generate_audio", 1),
        ("negative_prompt", 7),
        ("negative_prompt", "x" * 32_001),
        ("provider", "fal"),
        ("seconds_fit", "shortest"),
    ],
)
def test_wishes_that_are_none(field: str, value: object) -> None:
    with pytest.raises(InvalidRequest) as caught:
        CreateVideo.read({"prompt": "p", field: value})
    assert caught.value.param == field


def test_wishes_as_json_and_as_a_form_has_them() -> None:
    given: dict[str, Any] = {
        "seed": 7,
        "generate_audio": True,
        "negative_prompt": "rain",
        "seconds_fit": "nearest",
        "provider_options": {"alpha": {"x": 1}},
        "frame_images": FRAMES,
    }
    texts = {n: v if isinstance(v, str) else json.dumps(v) for n, v in given.items()}
    assert CreateVideo.read({"prompt": "p", **given}) == CreateVideo.read({"prompt": "p", **texts})
    assert CreateVideo.read({"prompt": "p", "negative_prompt": "  "}).negative_prompt is None


def test_pictures_come_in_their_order() -> None:
    body = CreateVideo.read({"prompt": "p", "frame_images": FRAMES, "input_references": [B]})
    assert [picture.role for picture in body.pictures] == [Role.FIRST, Role.LAST, Role.REFERENCE]
