"""How the models of an aggregator name what is asked of them: data of the catalogue, not code.

Each model that such a service hosts has inputs of its own. A deployment's
``options: {inputs: …}`` says what they are called there::

    options:
      inputs: {image: start_image, last_frame: end_image, seconds_as: text, size_as: aspect_ratio}
      fixed: {enhance_prompt: false}
      result: video.url

What a model does not take is None, and must be left out of the deployment's abilities too.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from dailies.catalogue.deployment import Entry
from dailies.providers.base import Submission
from dailies.providers.declaration import Options
from dailies.providers.shapes import aspect_ratio, resolution

__all__ = ["InputNames", "MappedOptions", "SecondsAs", "linked_result", "model_inputs"]


class SecondsAs(StrEnum):
    """How a model takes a length of five seconds."""

    NUMBER = "number"
    """``5``"""
    TEXT = "text"
    """``"5"``"""
    UNIT = "unit"
    """``"5s"``"""


class InputNames(Entry):
    """What a model calls its inputs; None: it takes no such thing.

    Attributes:
        size: takes ``1280x720`` whole.
        references: takes a list of images.
    """

    prompt: str = "prompt"
    seconds: str | None = "duration"
    seconds_as: SecondsAs = SecondsAs.NUMBER
    aspect_ratio: str | None = "aspect_ratio"
    resolution: str | None = "resolution"
    size: str | None = None
    image: str | None = None
    last_frame: str | None = None
    references: str | None = None
    seed: str | None = None
    negative_prompt: str | None = None
    sound: str | None = None


class MappedOptions(Options):
    """The options of a model that is hosted by an aggregator.

    Attributes:
        fixed: inputs that are always sent as they stand here.
        result: where the link to the video stands in the output: names with dots between, a number
            for a place in a list. Empty: the output is the link, or a list that begins with it.
    """

    inputs: InputNames = InputNames()
    fixed: Mapping[str, Any] = {}
    result: str = ""


def model_inputs(options: MappedOptions, submission: Submission) -> dict[str, Any]:
    """The model's inputs for a submission; what the caller wants of this provider comes last."""
    names = options.inputs
    size = submission.size
    images = [reference.data_url for reference in submission.references]
    wanted: list[tuple[str | None, Any]] = [
        (names.prompt, submission.prompt),
        (names.seconds, _seconds(names.seconds_as, submission.seconds)),
        (names.aspect_ratio, aspect_ratio(size) if names.aspect_ratio else None),
        (names.resolution, resolution(size) if names.resolution else None),
        (names.size, str(size)),
        (names.image, submission.reference.data_url if submission.reference else None),
        (names.last_frame, submission.last_frame.data_url if submission.last_frame else None),
        (names.references, images or None),
        (names.seed, submission.seed),
        (names.negative_prompt, submission.negative_prompt),
        (names.sound, submission.sound),
    ]
    named = {name: value for name, value in wanted if name is not None and value is not None}
    return {**options.fixed, **named, **submission.options}


def linked_result(options: MappedOptions, output: object) -> str | None:
    """The link to the video in a model's output; None when there is none."""
    found = output
    for step in filter(None, options.result.split(".")):
        if isinstance(found, Mapping):
            found = found.get(step)
        elif isinstance(found, list) and step.isdecimal() and int(step) < len(found):
            found = found[int(step)]
        else:
            return None
    if isinstance(found, list):
        found = found[0] if found else None
    return found if isinstance(found, str) and found else None


def _seconds(form: SecondsAs, seconds: int) -> int | str:
    match form:
        case SecondsAs.TEXT:
            return str(seconds)
        case SecondsAs.UNIT:
            return f"{seconds}s"
    return seconds
