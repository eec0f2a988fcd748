"""The inputs of an aggregator's models, as a row of the catalogue names them."""

from __future__ import annotations

import pytest

from dailies.providers.base import Reference, Submission
from dailies.providers.mapping import (
    InputNames,
    MappedOptions,
    linked_result,
    model_inputs,
    of_model,
)
from dailies.providers.shapes import aspect_ratio, resolution
from dailies.video.basics import Size

HD = Size(1280, 720)
IMAGE = Reference(b"png", "image/png", HD)


def test_inputs_have_the_models_own_names_and_forms() -> None:
    options = MappedOptions(
        inputs=InputNames.model_validate(
            {"image": "start", "last_frame": "end", "seconds_as": "unit", "seed": "seed"}
        ),
        fixed={"enhance": False},
    )
    submission = Submission(
        "a/b", "A pier", 5, HD, reference=IMAGE, last_frame=IMAGE, seed=7, options={"extra": 1}
    )
    assert model_inputs(options, submission) == {
        "enhance": False,
        "prompt": "A pier",
        "duration": "5s",
        "aspect_ratio": "16:9",
        "resolution": "720p",
        "start": IMAGE.data_url,
        "end": IMAGE.data_url,
        "seed": 7,
        "extra": 1,
    }


def test_what_the_model_does_not_take_is_not_sent() -> None:
    names = InputNames(seconds=None, aspect_ratio=None, resolution=None, size="size")
    inputs = model_inputs(MappedOptions(inputs=names), Submission("a/b", "A pier", 5, HD, seed=7))
    assert inputs == {"prompt": "A pier", "size": "1280x720"}


def test_inputs_may_hang_on_the_size_and_on_an_image() -> None:
    options = MappedOptions(
        inputs=InputNames(resolution=None, image="image"),
        by_size={"1280x720": {"mode": "standard"}, "1920x1080": {"mode": "pro"}},
        fixed_with_image={"aspect_ratio": "adaptive"},
    )
    plain = Submission("a/b", "A pier", 5, HD)
    assert model_inputs(options, plain) == {
        "prompt": "A pier",
        "duration": 5,
        "aspect_ratio": "16:9",
        "mode": "standard",
    }
    framed = Submission("a/b", "A pier", 5, Size(1920, 1080), reference=IMAGE)
    assert model_inputs(options, framed, lambda image: "https://x/1") == {
        "prompt": "A pier",
        "duration": 5,
        "aspect_ratio": "adaptive",
        "mode": "pro",
        "image": "https://x/1",
    }


@pytest.mark.parametrize("name", ["duration", "prompt", "mode", "quality"])
def test_a_caller_can_not_set_what_the_request_or_the_row_sets(name: str) -> None:
    options = MappedOptions(fixed={"quality": 1}, by_size={"1280x720": {"mode": "standard"}})
    submission = Submission("a/b", "A pier", 5, HD, options={name: 30, "loop": True})
    assert name in of_model(options).own
    assert model_inputs(options, submission)[name] != 30


def test_other_options_of_a_caller_are_sent() -> None:
    submission = Submission("a/b", "A pier", 5, HD, options={"loop": True})
    rule = of_model(MappedOptions())
    assert (rule.only, "loop" in rule.own) == (None, False)
    assert model_inputs(MappedOptions(), submission)["loop"] is True


@pytest.mark.parametrize(
    ("result", "output", "link"),
    [
        ("", "https://x/a.mp4", "https://x/a.mp4"),
        ("", ["https://x/a.mp4", "https://x/b.mp4"], "https://x/a.mp4"),
        ("video.url", {"video": {"url": "https://x/a.mp4"}}, "https://x/a.mp4"),
        ("videos.1", {"videos": ["a", "https://x/b.mp4"]}, "https://x/b.mp4"),
        ("video.url", {"video": None}, None),
        ("videos.9", {"videos": []}, None),
        ("", {"video": "https://x/a.mp4"}, None),
        ("", [], None),
        ("", "", None),
    ],
)
def test_the_link_is_where_the_row_says(result: str, output: object, link: str | None) -> None:
    assert linked_result(MappedOptions(result=result), output) == link


@pytest.mark.parametrize(
    ("size", "ratio", "lines"),
    [
        (Size(1280, 720), "16:9", "720p"),
        (Size(720, 1280), "9:16", "720p"),
        (Size(854, 480), "16:9", "480p"),
        (Size(1024, 768), "4:3", "768p"),
        (Size(3840, 2160), "16:9", "4k"),
        (Size(1080, 1080), "1:1", "1080p"),
    ],
)
def test_sizes_have_a_ratio_and_a_resolution(size: Size, ratio: str, lines: str) -> None:
    assert (aspect_ratio(size), resolution(size)) == (ratio, lines)


def test_an_unusual_size_is_an_error() -> None:
    with pytest.raises(ValueError, match="ratio"):
        aspect_ratio(Size(1000, 130))
    with pytest.raises(ValueError, match="resolution"):
        resolution(Size(1300, 731))
