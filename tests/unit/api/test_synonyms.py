"""Words of other services, said in those of the videos protocol."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from dailies.catalogue import Catalogue
from dailies.protocols.openai.bodies import CreateVideo
from dailies.protocols.openai.synonyms import wish_of
from dailies.protocols.wish import Wish
from dailies.video.basics import Size
from dailies.video.errors import InvalidRequest, NotFound
from tests.unit.test_catalogue import ENDPOINT, SHIPPED

CATALOGUE = Catalogue.load(SHIPPED, ENDPOINT)
WIDE, TALL = Size(1280, 720), Size(720, 1280)
URL = "https://example.com/pier.png"


def wish(**given: Any) -> Wish:
    return wish_of(CreateVideo.read({"prompt": "x", **given}), CATALOGUE)


def refusal(**given: Any) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as caught:
        wish(**given)
    return caught.value


@pytest.mark.parametrize(
    ("given", "same"),
    [
        ({"duration": 8}, {"seconds": 8}),
        ({"n_seconds": "8"}, {"seconds": 8}),
        ({"seconds": "8", "duration": 8}, {"seconds": 8}),
        ({"seconds": "8s", "duration": 8.0, "n_seconds": "8.0"}, {"seconds": 8}),
        ({"seconds": None, "duration": "8"}, {"seconds": 8}),
        ({"seconds": "8", "duration": None}, {"seconds": 8}),
        ({"n": 2}, {"n_variants": 2}),
        ({"n": "2", "n_variants": 2}, {"n_variants": 2}),
        ({"width": 1280, "height": "720"}, {"size": WIDE}),
        ({"width": 1280, "height": 720, "size": "1280x720"}, {"size": WIDE}),
        ({"width": 7, "height": 7}, {"size": Size(7, 7)}),
        ({"image_url": ""}, {}),
        ({"aspect_ratio": "16:9"}, {"size": WIDE}),
        ({"aspect_ratio": "9 : 16"}, {"size": TALL}),
        ({"aspect_ratio": "9/16", "size": "720x1280"}, {"size": TALL}),
        ({"aspect_ratio": "1.78:1", "size": "auto"}, {"size": WIDE}),
        ({"aspect_ratio": "auto"}, {}),
        ({"aspect_ratio": "16:9", "resolution": "720p"}, {"size": WIDE}),
        ({"resolution": "1280x720"}, {"size": WIDE}),
        ({"resolution": "720p"}, {"size": TALL}),  # of the default's shape
        ({"resolution": "720P", "size": "720x1280"}, {"size": TALL}),
        ({"size": "1280x720", "seconds": 4}, {"size": WIDE, "seconds": 4}),
    ],
)
def test_what_is_understood(given: dict[str, Any], same: dict[str, Any]) -> None:
    assert dataclasses.replace(wish(**given), names={}) == Wish("x", **same)


@pytest.mark.parametrize(
    ("given", "size"),
    [
        ({"aspect_ratio": "16:9"}, "854x480"),  # several have it: that of the default resolution
        ({"aspect_ratio": "1:1"}, "480x480"),
        ({"aspect_ratio": "16:9", "resolution": "1080p"}, "1920x1080"),
        ({"aspect_ratio": "9:16", "resolution": "720"}, "720x1280"),
    ],
)
def test_a_model_of_many_sizes(given: dict[str, Any], size: str) -> None:
    assert str(wish(model="sora", **given).size) == size


@pytest.mark.parametrize(
    ("given", "param"),
    [
        ({"seconds": "4", "duration": 12}, "duration"),
        ({"seconds": "four", "duration": 4}, "duration"),
        ({"duration": 4, "n_seconds": 8}, "n_seconds"),
        ({"n": 1, "n_variants": 2}, "n"),
        ({"width": 1280}, "height"),
        ({"height": 720}, "width"),
        ({"width": "wide", "height": 720}, "width"),
        ({"width": 1280, "height": 720, "size": "720x1280"}, "width"),
        ({"image_url": URL, "input_reference": {"image_url": URL}}, "image_url"),
        ({"size": "1280x720", "aspect_ratio": "9:16"}, "aspect_ratio"),
        ({"size": "1280x720", "resolution": "1080p"}, "resolution"),
        ({"width": 720, "height": 1280, "aspect_ratio": "16:9"}, "aspect_ratio"),
    ],
)
def test_what_contradicts_itself_is_refused(given: dict[str, Any], param: str) -> None:
    error = refusal(**given)
    assert (error.status, error.param) == (400, param)


@pytest.mark.parametrize(
    "given",
    [
        {"resolution": "720p", "image_url": URL},
        {"resolution": "1080p"},
        {"resolution": "high"},
        {"aspect_ratio": "1:1"},
        {"aspect_ratio": "wide"},
        {"aspect_ratio": "16:0"},
        {"aspect_ratio": "0:9"},
        {"aspect_ratio": 16},
        {"aspect_ratio": "16:9", "resolution": "1080p"},
        {"resolution": "0x0"},
    ],
)
def test_what_leads_to_no_one_size_lists_the_sizes(given: dict[str, Any]) -> None:
    error = refusal(**given)
    assert error.param in given
    assert "'720x1280' and '1280x720'" in error.message


@pytest.mark.parametrize("name", ["aspect_ratio", "resolution", "width", "n", "frame_index"])
@pytest.mark.parametrize("value", [["16:9"], {"a": 1}])
def test_what_is_no_text_is_of_the_wrong_type(name: str, value: object) -> None:
    error = refusal(**{name: value})
    assert error.param == name
    assert ("an array" if isinstance(value, list) else "an object") in error.message


def test_an_image_url_is_what_it_starts_from() -> None:
    assert CreateVideo.read({"prompt": "x", "image_url": URL}).reference == URL
    assert wish(image_url=URL).names == {"input_reference": "image_url"}


def test_a_caller_s_own_name_of_a_field_is_known() -> None:
    assert wish(duration=5).names == {"seconds": "duration"}
    assert wish(aspect_ratio="16:9").names == {"size": "aspect_ratio"}
    assert wish(seconds=5).names == {}


def test_sizes_are_those_of_the_model_that_is_asked_for() -> None:
    with pytest.raises(NotFound):
        wish(model="nothing", aspect_ratio="16:9")
    assert refusal(model=7, aspect_ratio="16:9").param == "model"
