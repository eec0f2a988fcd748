"""What a request may need: refused where no deployment can, and never asked of one that can't."""

from __future__ import annotations

from typing import Any

import pytest

from dailies.catalogue import Catalogue
from dailies.catalogue.offers import describe, takes
from dailies.protocols.wish import Wish, plan
from dailies.routing.choose import serving
from dailies.video.basics import Size
from dailies.video.errors import InvalidRequest
from dailies.video.request import Input, InputKind, Role, VideoRequest

CATALOGUE_TEXT = """
default_model: able
models:
  able:
    fallbacks: [plain]
    deployments:
      - &able
        name: able
        provider: alpha
        endpoint: https://one.example
        deployment: x
        credential: none
        sizes: [1280x720]
        seconds: [5, 10]
        last_frame: true
        max_references: 3
        seed: true
        negative_prompt: true
        sound: chosen
        prices: null
      - {<<: *able, name: seeds, provider: beta, last_frame: false, max_references: 0,
         sound: always, seconds: [4, 8], negative_prompt: false}
  plain:
    deployments:
      - {<<: *able, name: plain, last_frame: false, max_references: 0, seed: false,
         negative_prompt: false, sound: never, takes_options: false}
  unsaid:
    deployments:
      - {<<: *able, name: unsaid, sound: null, max_prompt_characters: 10, takes_options: false}
"""
CATALOGUE = Catalogue.parse(CATALOGUE_TEXT, {})
ABLE, PLAIN, UNSAID = (CATALOGUE.resolve(name) for name in ("able", "plain", "unsaid"))
LAST = Input(role=Role.LAST, type=InputKind.IMAGE)
LOOK = Input(role=Role.REFERENCE, type=InputKind.IMAGE)


def request(**fields: Any) -> VideoRequest:
    return VideoRequest(model="able", prompt="p", seconds=5, size=Size(1280, 720), **fields)


def names(model: str, **wishes: Any) -> list[str]:
    """The deployments that can do what is wished for."""
    shapes = {key: wishes.pop(key) for key in ("last_frame", "references") if key in wishes}
    planned = plan(CATALOGUE, Wish("p", model, **wishes), with_image=False, **shapes)
    return [deployment.name for deployment in planned.deployments]


@pytest.mark.parametrize(
    ("wishes", "able"),
    [
        ({}, ["able"]),  # of its own default length
        ({"seed": 0}, ["able"]),
        ({"seconds": 4, "seed": 7}, ["seeds"]),
        ({"seconds": 10, "sound": False}, ["able"]),
        ({"seconds": 8, "sound": True}, ["seeds"]),
        ({"last_frame": True}, ["able"]),
        ({"references": 3}, ["able"]),
        ({"negative_prompt": "rain"}, ["able"]),
        ({"provider_options": {"beta": {"x": 1}}}, ["seeds"]),
        ({"provider_options": {"alpha": {}, "beta": {}}, "seconds": 8}, ["seeds"]),
    ],
)
def test_only_those_that_can_are_planned_with(wishes: dict[str, Any], able: list[str]) -> None:
    assert names("able", **wishes) == able


@pytest.mark.parametrize(
    ("model", "wishes", "param", "why"),
    [
        ("plain", {"last_frame": True}, "frame_images", "no last frame"),
        ("plain", {"references": 1}, "input_references", "'input_reference'"),
        ("able", {"references": 4}, "input_references", "at most 3 images"),
        ("plain", {"seed": 0}, "seed", "no 'seed'"),
        ("plain", {"negative_prompt": "x"}, "negative_prompt", "say in 'prompt'"),
        ("unsaid", {"negative_prompt": "x" * 11}, "negative_prompt", "at most 10 characters"),
        ("plain", {"sound": True}, "generate_audio", "no sound"),
        ("unsaid", {"sound": True}, "generate_audio", "model's own"),
        ("unsaid", {"sound": False}, "generate_audio", "model's own"),
        ("plain", {"provider_options": {"alpha": {}}}, "provider_options", "no 'provider_options'"),
        ("able", {"seconds": 4, "last_frame": True}, "seconds", "'5' and '10'"),
        (
            "able",
            {"sound": False, "provider_options": {"beta": {}}},
            "provider_options",
            "Not with",
        ),
    ],
)
def test_what_a_model_can_t_do_is_refused_with_what_it_can(
    model: str, wishes: dict[str, Any], param: str, why: str
) -> None:
    with pytest.raises(InvalidRequest, match=why) as caught:
        names(model, **wishes)
    assert caught.value.param == param
    if param != "seconds":
        assert describe(CATALOGUE.resolve(model)) in caught.value.message


def test_a_model_without_sound_may_be_asked_for_none() -> None:
    assert names("plain", sound=False) == ["plain"]


def test_sound_that_is_always_there_can_t_be_left_out() -> None:
    text = "  only:\n    deployments:\n      - {<<: *able, name: only, sound: always}\n"
    head, _, tail = CATALOGUE_TEXT.partition("  plain:\n")
    catalogue = Catalogue.parse(f"{head}{text}  plain:\n{tail}", {})
    with pytest.raises(InvalidRequest, match="always have sound"):
        plan(catalogue, Wish("p", "only", sound=False), with_image=False)


@pytest.mark.parametrize(
    "asked",
    [
        {"inputs": (LAST,)},
        {"inputs": (LOOK,)},
        {"seed": 0},
        {"negative_prompt": "rain"},
        {"sound": True},
        {"provider_options": {"alpha": {"x": 1}}},
    ],
)
def test_a_fallback_that_can_t_is_not_chosen(asked: dict[str, Any]) -> None:
    assert [d.name for d in serving(CATALOGUE, request())] == ["able", "plain"]
    assert [d.name for d in serving(CATALOGUE, request(**asked))] == ["able"]
    [plain] = PLAIN.deployments
    assert takes(plain, request())
    assert not takes(plain, request(**asked))


def test_more_references_than_are_taken() -> None:
    assert takes(ABLE.deployments[0], request(inputs=(LOOK,) * 3))
    assert not takes(ABLE.deployments[0], request(inputs=(LOOK,) * 4))


def test_what_a_model_can_do_beside_all_else_in_words() -> None:
    assert describe(ABLE).endswith(
        "It takes a last frame, up to 3 images to look like, a seed and a negative prompt. Sound "
        "can be chosen."
    )
    assert describe(PLAIN).endswith("an image that it starts with.")


@pytest.mark.parametrize(
    ("seconds", "made"), [(1, 4), (4, 4), (6, 5), (7, 8), (9, 8), (60, 10), (None, 5)]
)
def test_a_length_may_become_the_nearest(seconds: int | None, made: int) -> None:
    wish = Wish("p", "able", seconds=seconds, seconds_fit_nearest=True)
    planned = plan(CATALOGUE, wish, with_image=False)
    assert planned.seconds == made
    assert all(made in deployment.seconds for deployment in planned.deployments)


def test_a_length_is_never_changed_unasked() -> None:
    with pytest.raises(InvalidRequest, match="Supported values"):
        plan(CATALOGUE, Wish("p", "able", seconds=6), with_image=False)
    wish = Wish("p", "able", seconds="long", seconds_fit_nearest=True)
    with pytest.raises(InvalidRequest, match="Supported values"):
        plan(CATALOGUE, wish, with_image=False)
