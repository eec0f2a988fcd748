"""Requests: OpenAI's and Azure's messages to the letter, values from the catalogue."""

from __future__ import annotations

from typing import Any

import pytest

from dailies.catalogue import Catalogue
from dailies.protocols.fields import Fields
from dailies.protocols.openai.bodies import CreateVideo, EditVideo, RemixVideo
from dailies.protocols.openai.synonyms import wish_of
from dailies.protocols.sora1.job import CreateJob
from dailies.protocols.wish import plan
from dailies.routing.choose import serving
from dailies.video.basics import Size
from dailies.video.errors import InvalidRequest, RequestError
from dailies.video.framing import FitMode
from dailies.video.request import VideoRequest
from tests.unit.pipeline.world import CATALOGUE

CATALOG = Catalogue.parse(CATALOGUE, {})


def build_request(fields: dict[str, Any], image: Size | None = None) -> VideoRequest:
    wish = wish_of(CreateVideo.read(fields), CATALOG)
    return plan(CATALOG, wish, with_image=image is not None).request(image)


def _error(**fields: Any) -> RequestError:
    with pytest.raises(RequestError) as raised:
        build_request(fields)
    return raised.value


def test_a_prompt_is_enough() -> None:
    request = build_request({"prompt": "A pier", "unknown": [1]})
    assert (request.model, request.seconds, request.size) == ("sora-2", 4, Size(720, 1280))


@pytest.mark.parametrize(
    ("fields", "param", "code", "message"),
    [
        ({}, "prompt", "missing_required_parameter", "Missing required parameter: 'prompt'."),
        (
            {"prompt": "x", "seconds": "5"},
            "seconds",
            "invalid_value",
            "Invalid value: '5'. Supported values are: '4', '8', and '12'.",
        ),
        (
            {"prompt": "x", "size": "480x480"},
            "size",
            "invalid_value",
            "Invalid value: '480x480'. Supported values are: '720x1280' and '1280x720'.",
        ),
        (
            {"prompt": 5},
            "prompt",
            "invalid_type",
            "Invalid type for 'prompt': expected a string, but got an integer instead.",
        ),
        (
            {"prompt": "x", "seconds": 4.5},
            "seconds",
            "invalid_type",
            "Invalid type for 'seconds': expected a string, but got a decimal instead.",
        ),
        (
            {"prompt": "x", "seconds": True},
            "seconds",
            "invalid_type",
            "Invalid type for 'seconds': expected a string, but got a boolean instead.",
        ),
        (
            {"prompt": "x" * 32_001},
            "prompt",
            "string_above_max_length",
            "Invalid 'prompt': string too long. Expected a string with maximum length 32000, but "
            "got a string with length 32001 instead.",
        ),
    ],
)
def test_errors_are_those_of_the_protocol(
    fields: dict[str, Any], param: str, code: str, message: str
) -> None:
    error = _error(**fields)
    assert (error.status, error.type) == (400, "invalid_request_error")
    assert (error.param, error.code, error.message) == (param, code, message)


def test_an_unknown_model_is_named() -> None:
    error = _error(prompt="x", model="sora-9")
    assert (error.param, error.code) == ("model", "DeploymentNotFound")
    assert "'sora-9'" in error.message


@pytest.mark.parametrize("seconds", ["8", 8])
def test_seconds_may_be_text_or_a_number(seconds: object) -> None:
    assert build_request({"prompt": "x", "seconds": seconds}).seconds == 8


def test_a_prompt_of_the_most_characters_outside_the_basic_plane_is_taken() -> None:
    prompt = "\N{CLAPPER BOARD}" * 32_000
    assert build_request({"prompt": prompt}).prompt == prompt


@pytest.mark.parametrize("name", ["prompt", "user", "safety_identifier", "negative_prompt"])
def test_half_a_surrogate_pair_does_not_reach_storage(name: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        build_request({"prompt": "x", name: "a\ud83cb"})
    assert refused.value.param == name


@pytest.mark.parametrize(
    ("image", "size"), [(Size(4000, 2000), Size(1280, 720)), (Size(900, 1600), Size(720, 1280))]
)
def test_without_a_size_the_one_that_suits_the_image_is_taken(image: Size, size: Size) -> None:
    assert build_request({"prompt": "x"}, image=image).size == size
    assert build_request({"prompt": "x", "size": "auto"}, image=image).size == size


@pytest.mark.parametrize("body", [CreateVideo, RemixVideo, EditVideo, CreateJob])
def test_a_prompt_does_not_show_in_logs(body: type[Fields]) -> None:
    asked = body.read({"prompt": "private", "model": "sora"})
    assert "private" not in repr(asked)
    if isinstance(asked, CreateVideo):
        wish = wish_of(asked, CATALOG)
        assert "private" not in repr(wish)


def test_fit_is_one_of_three_words() -> None:
    assert CreateVideo.read({"prompt": "x"}).fit is None
    assert CreateVideo.read({"prompt": "x", "fit": "contain"}).fit is FitMode.CONTAIN
    with pytest.raises(RequestError, match="Supported values are: 'cover'"):
        CreateVideo.read({"prompt": "x", "fit": "squash"})


def test_deployments_that_serve_a_request_come_in_the_order_of_preference() -> None:
    request = build_request({"prompt": "x"})
    assert [deployment.name for deployment in serving(CATALOG, request)] == ["first", "second"]
    gone = request.model_copy(update={"model": "gone"})
    assert serving(CATALOG, gone) == []
