"""What is asked of one provider alone reaches that one, or is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dailies.protocols.openai.bodies import CreateVideo
from dailies.protocols.options import options_by_provider, read_provider_options
from dailies.protocols.wish import Wish, plan
from dailies.video.errors import InvalidRequest
from tests.unit.test_abilities import CATALOGUE

OPTIONS = {"alpha": {"enhance": True, "strength": 0.5}}


@pytest.mark.parametrize("value", [OPTIONS, json.dumps(OPTIONS)])
def test_an_object_or_the_same_as_text(value: object) -> None:
    assert read_provider_options(value) == OPTIONS


@pytest.mark.parametrize(
    "value",
    [
        [],
        7,
        "x",
        '"text"',
        '{"a": 1',
        '{"a": 1e999}',
        {"a": float("nan")},
        {"a": "x" * 17_000},
        {"a": object()},  # as a file is
        {"a": [object()]},
        '{"a":' * 9 + "1" + "}" * 9,
    ],
)
def test_what_is_none(value: object) -> None:
    with pytest.raises(InvalidRequest) as caught:
        read_provider_options(value)
    assert caught.value.param == "provider_options"


def test_as_deep_as_is_taken() -> None:
    deep: Any = 1
    for _ in range(8):
        deep = {"a": deep}
    assert read_provider_options(deep) == deep
    with pytest.raises(InvalidRequest, match="8 levels"):
        read_provider_options({"a": deep})


def by_provider(model: str, options: dict[str, Any]) -> dict[str, Any]:
    return options_by_provider(options, CATALOGUE, CATALOGUE.resolve(model))


def test_options_stand_under_their_provider() -> None:
    assert by_provider("able", OPTIONS) == OPTIONS
    assert by_provider("plain", {"strength": 1}) == {"alpha": {"strength": 1}}
    assert by_provider("able", {}) == {}


@pytest.mark.parametrize(
    ("model", "options", "why"),
    [
        ("able", {"strength": 1}, "Several providers make 'able'"),
        ("able", {"alpha": {}, "strength": 1}, "no provider 'strength'"),
        ("able", {"alpha": 1}, "an object under 'alpha'"),
        ("plain", {"alhpa": {"x": 1}}, "Did you mean 'alpha'"),
        ("plain", {"google": {"x": 1}}, "There are: alpha, beta"),
    ],
)
def test_whose_they_are_must_be_plain(model: str, options: dict[str, Any], why: str) -> None:
    with pytest.raises(InvalidRequest, match=why):
        by_provider(model, options)


def test_the_request_keeps_them_by_provider_and_says_nothing_of_them() -> None:
    wish = Wish("p", "able", provider_options=OPTIONS)
    request = plan(CATALOGUE, wish, with_image=False).request()
    assert request.provider_options == OPTIONS
    body = CreateVideo.read({"prompt": "p", "provider_options": OPTIONS, "negative_prompt": "rain"})
    for told in (repr(request), repr(wish), repr(body)):
        assert "enhance" not in told
        assert "rain" not in told
