"""How the models of an aggregator name what is asked of them: data of the catalogue, not code.

Each model that such a service hosts has inputs of its own. A deployment's
``options: {inputs: …}`` says what they are called there::

    options:
      inputs: {image: start_image, last_frame: end_image, seconds_as: text, resolution: null}
      fixed: {enhance_prompt: false}
      by_size: {1280x720: {mode: standard}, 1920x1080: {mode: pro}}
      result: video.url
      schema: film-1.json

What a model does not take is null, and must be left out of the deployment's abilities too:
``dailies.providers.map_check`` tells at start where the two differ.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from dailies.catalogue.entry import Entry
from dailies.providers.base import Reference, Submission
from dailies.providers.declaration import CallerOptions, Options
from dailies.providers.shapes import aspect_ratio, resolution
from dailies.video.basics import Size

__all__ = [
    "InputNames",
    "MappedOptions",
    "SchemaFile",
    "SecondsAs",
    "linked_result",
    "model_inputs",
    "of_model",
    "read_schema",
]


SchemaFile = Annotated[str, Field(alias="schema", pattern=r"^([\w.-]+\.json)?$")]
"""A file in ``dailies/providers/schemas``; empty: there is none."""


_SCHEMAS = Path(__file__).parent / "schemas"
_COUNTS = frozenset(
    {"n", "num_videos", "num_outputs", "num_samples", "number_of_videos", "batch_size"}
    | {"multi_prompt"}
)
"""What models call the number of videos, of which one is ordered, kept and paid for; and parts with
lengths of their own."""


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

    @property
    def named(self) -> dict[str, str]:
        """Our words for what the model takes, with the model's own."""
        every = {field: getattr(self, field) for field in InputNames.model_fields}
        return {field: name for field, name in every.items() if name and field != "seconds_as"}

    @property
    def files(self) -> frozenset[str]:
        """The model's inputs that are files, or lists of them."""
        return frozenset(filter(None, (self.image, self.last_frame, self.references)))


def _by_size(value: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Mapping[str, Any]]:
    return {str(Size.parse(size)): inputs for size, inputs in value.items()}


class MappedOptions(Options):
    """The options of a model that is hosted by an aggregator.

    Attributes:
        fixed: inputs that are always sent as they stand here.
        by_size: inputs that are sent with a video of that size.
        fixed_with_image: inputs that are sent, in place of others, when there is a first or last
            frame.
        result: where the link to the video stands in the output: names with dots between, a number
            for a place in a list. Empty: the output is the link, or a list that begins with it.
        input_schema: the file of the model's own JSON schema of its inputs, in
            ``dailies/providers/schemas``, by which all of this is checked at start; the YAML's key
            is ``schema``. Empty: there is none.
    """

    inputs: InputNames = InputNames()
    fixed: Mapping[str, Any] = {}
    by_size: Annotated[Mapping[str, Mapping[str, Any]], AfterValidator(_by_size)] = {}
    fixed_with_image: Mapping[str, Any] = {}
    result: str = ""
    input_schema: SchemaFile = ""

    def own_inputs(self, submission: Submission) -> dict[str, Any]:
        """The inputs that the row itself sets for such a submission."""
        has_image = submission.reference is not None or submission.last_frame is not None
        by_size = self.by_size.get(str(submission.size), {})
        return {**self.fixed, **by_size, **(self.fixed_with_image if has_image else {})}


def model_inputs(
    options: MappedOptions,
    submission: Submission,
    link: Callable[[Reference], str] = lambda image: image.data_url,
) -> dict[str, Any]:
    """The model's inputs for a submission.

    What the caller wants of this provider comes first, so that it can't change what the request's
    own fields say and what was agreed on as its price; see ``of_model``.

    Args:
        link: the URL under which the model finds an image.

    Raises:
        ValueError: the size has no aspect ratio or resolution that models take.
    """
    names = options.inputs
    size = submission.size
    first, last = submission.reference, submission.last_frame
    wanted: list[tuple[str | None, Any]] = [
        (names.prompt, submission.prompt),
        (names.seconds, _seconds(names.seconds_as, submission.seconds)),
        (names.aspect_ratio, aspect_ratio(size) if names.aspect_ratio else None),
        (names.resolution, resolution(size) if names.resolution else None),
        (names.size, str(size)),
        (names.image, link(first) if first and names.image else None),
        (names.last_frame, link(last) if last and names.last_frame else None),
        (names.references, [*map(link, submission.references)] if names.references else None),
        (names.seed, submission.seed),
        (names.negative_prompt, submission.negative_prompt),
        (names.sound, submission.sound),
    ]
    named = {name: value for name, value in wanted if name and value is not None and value != []}
    return {**submission.options, **named, **options.own_inputs(submission)}


def of_model(options: MappedOptions, *others: InputNames) -> CallerOptions:
    """Which of a caller's own options go along: any input but those that the request has a field
    for, or the row sets, since length and size are what was paid for. Where the row names the
    model's schema, only those that it knows.

    Args:
        others: what other endpoints of the deployment call their inputs.
    """
    own = {name for names in (options.inputs, *others) for name in names.named.values()}
    own |= {*options.fixed, *options.fixed_with_image}
    own |= {name for inputs in options.by_size.values() for name in inputs}
    try:
        schema = read_schema(options.input_schema) if options.input_schema else None
    except (OSError, ValueError):  # which the check of the row tells
        schema = None
    only = None if schema is None else frozenset(schema["properties"]) - own - _COUNTS
    return CallerOptions(only=only, own=own | _COUNTS)


def read_schema(file: str) -> dict[str, Any]:
    """A kept copy of a model's JSON schema of its inputs.

    Raises:
        OSError: it is not there.
        ValueError: it is none.
    """
    document = json.loads((_SCHEMAS / file).read_text(encoding="utf-8"))
    if not isinstance(document, dict) or not isinstance(document.get("properties"), dict):
        raise ValueError(file)
    return document


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
