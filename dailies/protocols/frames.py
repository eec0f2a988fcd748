"""Where in a video an image or a clip appears, and which part of it.

The forms are those of Sora 1's jobs API; the videos protocol and dropped files take
``frame_index`` and ``crop_bounds`` as fields of their own.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import suppress
from typing import Annotated

from pydantic import PlainValidator

from dailies.catalogue.offers import whole
from dailies.jsontext import broken_text, parse_json
from dailies.protocols.fields import JSON_TEXT, Schema, said
from dailies.protocols.messages import not_unicode, type_name
from dailies.video.errors import InvalidRequest
from dailies.video.framing import EDGES, CropBounds

__all__ = ["CROP_SCHEMA", "Crop", "FrameIndex", "json_of", "read_crop", "read_frame_index"]

_LONGEST_TEXT = 64 * 1024
_LONGEST_NUMBER = 64
_MOST_PARTS = 1000
_MOST_DEPTH = 8


def read_frame_index(value: object, param: str = "frame_index") -> int:
    """The frame of the video, counted from 0.

    Raises:
        InvalidRequest: it is no whole number from 0.
    """
    if not isinstance(value, str | int | float):
        raise _invalid(param, f"Expected a whole number from 0, but got {type_name(value)}.")
    number = whole(value)
    if number is None or number < 0:
        raise _invalid(param, f"Expected a whole number from 0, but got '{str(value)[:40]}'.")
    return number


def read_crop(value: object, param: str = "crop_bounds") -> CropBounds | None:
    """The part of the picture to use: an object with ``left_fraction`` … ``bottom_fraction`` from 0
    to 1, or the same as JSON text (forms and metadata have nothing else). None is all of it.

    Raises:
        InvalidRequest: it is none.
    """
    if value is None or value == "":
        return None
    bounds = json_of(value, param)
    if not isinstance(bounds, Mapping) or bounds.keys() - set(EDGES):
        raise _invalid(param, f"Expected an object with nothing but {', '.join(EDGES)}.")
    defaults = (0.0, 0.0, 1.0, 1.0)
    edges = [
        _fraction(bounds.get(name, default), f"{param}.{name}")
        for name, default in zip(EDGES, defaults, strict=True)
    ]
    try:
        return CropBounds(*edges)
    except ValueError as error:
        raise _invalid(param, f"{error}.") from None


def json_of(value: object, param: str) -> object:
    """The value, or what its text holds as JSON.

    Raises:
        InvalidRequest: it is a text that can't be read.
    """
    if not isinstance(value, str):
        return value
    if len(value) > _LONGEST_TEXT:
        raise _invalid(param, f"The text has more than {_LONGEST_TEXT:,} characters.")
    try:
        document: object = parse_json(value, most_parts=_MOST_PARTS, most_depth=_MOST_DEPTH)
    except ValueError:
        raise _invalid(param, "The text is no JSON that can be used.") from None
    if broken_text(document) is not None:
        raise not_unicode(param)
    return document


def _fraction(value: object, param: str) -> float:
    if not isinstance(value, str | int | float):
        raise _invalid(param, f"Expected a number from 0 to 1, but got {type_name(value)}.")
    number = math.nan
    if not isinstance(value, str) or len(value) <= _LONGEST_NUMBER:
        with suppress(ValueError, OverflowError):
            number = float(value)
    if isinstance(value, bool) or not math.isfinite(number):
        raise _invalid(param, f"Expected a number from 0 to 1, but got '{str(value)[:40]}'.")
    return number


def _invalid(param: str, message: str) -> InvalidRequest:
    name = param.partition("[")[0].partition(".")[0]
    return InvalidRequest(f"Invalid '{param}': {message}", param=name, code="invalid_value")


CROP_SCHEMA: Schema = {
    "type": "object",
    "properties": {name: {"type": "number", "minimum": 0, "maximum": 1} for name in EDGES},
}
_CROP = (
    "The part of what `input_reference` holds that is used: an object of `left_fraction`, "
    "`top_fraction`, `right_fraction` and `bottom_fraction`, from 0 to 1. Only for models that "
    "know it."
)
FrameIndex = Annotated[
    int | None,
    PlainValidator(lambda value: read_frame_index(value)),
    said(
        "The frame at which what `input_reference` holds appears; 0 if not given. Only for models "
        "that know it.",
        type="integer",
        minimum=0,
    ),
]
Crop = Annotated[
    CropBounds | None,
    PlainValidator(lambda value: read_crop(value)),
    said(
        _CROP,
        {"crop_bounds": JSON_TEXT},
        **CROP_SCHEMA,
    ),
]
