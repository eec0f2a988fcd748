"""Words of other services, said in those of the videos protocol."""

from __future__ import annotations

from typing import Any

import pytest

from dailies.api.synonyms import translate
from dailies.catalogue import Catalogue
from dailies.video.errors import InvalidRequest, NotFound
from tests.unit.test_catalogue import ENDPOINT, SHIPPED

CATALOGUE = Catalogue.load(SHIPPED, ENDPOINT)
URL = "https://example.com/pier.png"


def fields(**given: Any) -> dict[str, Any]:
    return translate(given, CATALOGUE).fields


def refusal(**given: Any) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as caught:
        translate(given, CATALOGUE)
    return caught.value


@pytest.mark.parametrize(
    ("given", "same"),
    [
        ({"duration": 8}, {"seconds": 8}),
        ({"n_seconds": "8"}, {"seconds": "8"}),
        ({"seconds": "8", "duration": 8}, {"seconds": "8"}),
        ({"seconds": "8s", "duration": 8.0, "n_seconds": "8.0"}, {"seconds": "8s"}),
        ({"seconds": None, "duration": "8"}, {"seconds": "8"}),
        ({"seconds": "8", "duration": None}, {"seconds": "8"}),
        ({"n": 2}, {"n_variants": 2}),
        ({"n": "2", "n_variants": 2}, {"n_variants": 2}),
        ({"width": 1280, "height": "720"}, {"size": "1280x720"}),
        ({"width": 1280, "height": 720, "size": "1280x720"}, {"size": "1280x720"}),
        ({"width": 7, "height": 7}, {"size": "7x7"}),
        ({"image_url": URL}, {"input_reference": {"image_url": URL}}),
        ({"image_url": ""}, {}),
        ({"aspect_ratio": "16:9"}, {"size": "1280x720"}),
        ({"aspect_ratio": "9 : 16"}, {"size": "720x1280"}),
        ({"aspect_ratio": "9/16", "size": "720x1280"}, {"size": "720x1280"}),
        ({"aspect_ratio": "1.78:1", "size": "auto"}, {"size": "1280x720"}),
        ({"aspect_ratio": "auto"}, {}),
        ({"aspect_ratio": "16:9", "resolution": "720p"}, {"size": "1280x720"}),
        ({"resolution": "1280x720"}, {"size": "1280x720"}),
        ({"resolution": "720P", "size": "720x1280"}, {"size": "720x1280"}),
        ({"size": "1280x720", "seconds": 4}, {"size": "1280x720", "seconds": 4}),
    ],
)
def test_what_is_understood(given: dict[str, Any], same: dict[str, Any]) -> None:
    found = {name: value for name, value in fields(**given).items() if value is not None}
    assert found == same


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
    assert fields(model="sora", **given)["size"] == size


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
        {"resolution": "720p"},
        {"resolution": "1080p"},
        {"resolution": "high"},
        {"aspect_ratio": "1:1"},
        {"aspect_ratio": "wide"},
        {"aspect_ratio": "16:0"},
        {"aspect_ratio": "0:9"},
        {"aspect_ratio": 16},
        {"aspect_ratio": "16:9", "resolution": "1080p"},
        {"aspect_ratio": ["16:9"]},
        {"resolution": "0x0"},
    ],
)
def test_what_leads_to_no_one_size_lists_the_sizes(given: dict[str, Any]) -> None:
    error = refusal(**given)
    assert error.param in given
    assert "'720x1280' and '1280x720'" in error.message


def test_a_caller_s_own_name_of_a_field_is_known() -> None:
    assert translate({"duration": 5}, CATALOGUE).names == {"seconds": "duration"}
    assert translate({"aspect_ratio": "16:9"}, CATALOGUE).names == {"size": "aspect_ratio"}
    assert translate({"seconds": 5}, CATALOGUE).names == {}


def test_sizes_are_those_of_the_model_that_is_asked_for() -> None:
    with pytest.raises(NotFound):
        fields(model="nothing", aspect_ratio="16:9")
    assert "size" not in fields(model=7, aspect_ratio="16:9")  # which is refused for itself
