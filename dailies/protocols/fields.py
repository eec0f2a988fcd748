"""The fields of requests: types that check them, and what the OpenAPI document says of them.

Each type reads what JSON or a form holds, and raises ``InvalidRequest`` itself, in the words of
Azure's Sora 2 and OpenAI, so that a caller's error handling works unchanged. What only the
catalogue can judge stays a text where it is none of the values that it could be.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Annotated, Any, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    PlainValidator,
    ValidationInfo,
    WithJsonSchema,
    model_validator,
)

from dailies.catalogue.offers import whole
from dailies.jsontext import parse_json
from dailies.protocols.messages import too_long, unsupported, wrong_type
from dailies.video.basics import Size
from dailies.video.errors import InvalidRequest
from dailies.video.framing import EDGES, CropBounds, FitMode

__all__ = [
    "CROP_SCHEMA",
    "FORM",
    "MAX_PROMPT_CHARACTERS",
    "UNDOCUMENTED",
    "UNSAID",
    "Count",
    "Crop",
    "Fields",
    "Fit",
    "FrameIndex",
    "Length",
    "ModelName",
    "PictureSize",
    "Prompt",
    "Schema",
    "Side",
    "User",
    "Word",
    "json_of",
    "read_crop",
    "read_frame_index",
    "read_length",
    "read_prompt",
    "wire",
]

Schema = dict[str, Any]

FORM = "x-form"
"""In a type's schema: what the field is in a form, ``{name: schema}``, where that is another."""
UNSAID = "x-unsaid"
"""In a type's schema: there is no such field in JSON, or none that is told of."""

MAX_PROMPT_CHARACTERS = 32_000
_MAX_USER_CHARACTERS = 512
_LONGEST_TEXT = 64 * 1024
_LONGEST_NUMBER = 64
_MOST_PARTS = 1000
_MOST_DEPTH = 8
_LENGTH = re.compile(r"\s*([0-9]{1,4})(?:\.0+)?\s*s?\s*", re.IGNORECASE)


class Fields(BaseModel):
    """The fields of a body that a call reads, checked. Null counts as left out."""

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)

    @classmethod
    def read(cls, fields: Mapping[str, Any]) -> Self:
        """Check the fields of a body.

        Raises:
            InvalidRequest: naming the field.
        """
        return cls.model_validate(dict(fields))

    @model_validator(mode="before")
    @classmethod
    def _given(cls, fields: Mapping[str, Any]) -> dict[str, Any]:
        # What is required is asked for in its turn, so that the first wrong field is named.
        required = [name for name, field in cls.model_fields.items() if field.is_required()]
        given = {name: value for name, value in fields.items() if value is not None}
        return dict.fromkeys(required) | given


UNDOCUMENTED = WithJsonSchema({UNSAID: True})
"""For a field that is read and not told of: it may only say again what is known."""


def wire(json: Schema | None, form: Schema | None = None) -> WithJsonSchema:
    """What the document says of a field: in JSON (None: not there), and by name in a form."""
    return WithJsonSchema({**(json or {UNSAID: True}), **({FORM: form} if form else {})})


def read_prompt(value: object) -> str:
    """A prompt of 1 to 32,000 characters.

    Raises:
        InvalidRequest: it is no string, empty or too long.
    """
    if not isinstance(value, str):
        raise wrong_type("prompt", "a string", value)
    if not value.strip():
        raise InvalidRequest(
            "Invalid 'prompt': empty string. Describe the video that you want.",
            param="prompt",
            code="empty_string",
        )
    if len(value) > MAX_PROMPT_CHARACTERS:
        raise too_long("prompt", MAX_PROMPT_CHARACTERS, len(value))
    # A lone surrogate (JSON can spell one) is no text: it can't be stored or sent.
    return value.encode("utf-8", "replace").decode("utf-8")


def read_length(value: object, name: str = "seconds") -> int | str:
    """Whole seconds, written as a number or as a string (``4``, ``4.0``, ``"4"``, ``"4s"``); any
    other text as it is.

    Raises:
        InvalidRequest: it is neither a whole number nor a string.
    """
    if isinstance(value, str):
        written = _LENGTH.fullmatch(value)
        return int(written[1]) if written else value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise wrong_type(name, "a string", value)
    return value


def read_frame_index(value: object, param: str = "frame_index") -> int:
    """The frame of the video, counted from 0.

    Raises:
        InvalidRequest: it is no whole number from 0.
    """
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
        return parse_json(value, most_parts=_MOST_PARTS, most_depth=_MOST_DEPTH)
    except ValueError:
        raise _invalid(param, "The text is no JSON that can be used.") from None


def _fraction(value: object, param: str) -> float:
    number = math.nan
    if isinstance(value, int | float) or (isinstance(value, str) and len(value) <= _LONGEST_NUMBER):
        with suppress(ValueError, OverflowError):
            number = float(value)
    if isinstance(value, bool) or not math.isfinite(number):
        raise _invalid(param, f"Expected a number from 0 to 1, but got '{str(value)[:40]}'.")
    return number


def _invalid(param: str, message: str) -> InvalidRequest:
    name = param.partition("[")[0].partition(".")[0]
    return InvalidRequest(f"Invalid '{param}': {message}", param=name, code="invalid_value")


def _text(value: object, info: ValidationInfo) -> str:
    if not isinstance(value, str):
        raise wrong_type(info.field_name or "", "a string", value)
    return value


def _user(value: object, info: ValidationInfo) -> str | None:
    user = _text(value, info)
    if len(user) > _MAX_USER_CHARACTERS:
        raise too_long("user", _MAX_USER_CHARACTERS, len(user))
    return user.encode("utf-8", "replace").decode("utf-8") or None


def _size(value: object, info: ValidationInfo) -> Size | str | None:
    text = _text(value, info)
    with suppress(ValueError):
        return Size.parse(text)
    return None if text == "auto" else text


def _fit(value: object, info: ValidationInfo) -> FitMode:
    text = _text(value, info)
    if text not in set(FitMode):
        raise unsupported("fit", text, list(FitMode))
    return FitMode(text)


def _length(value: object, info: ValidationInfo) -> int | str:
    return read_length(value, info.field_name or "")


def _word(value: object) -> str | None:
    return None if value in ("", "auto") else str(value)


def _count(value: object) -> int | str:
    number = whole(value)
    return str(value) if number is None else number


_NUMBER: Schema = {"type": "integer", "minimum": 0}
_EDGE: Schema = {"type": "number", "minimum": 0, "maximum": 1}
CROP_SCHEMA: Schema = {"type": "object", "properties": dict.fromkeys(EDGES, _EDGE)}
_CROP = (
    "The part of what `input_reference` holds that is used: an object of `left_fraction`, "
    "`top_fraction`, `right_fraction` and `bottom_fraction`, from 0 to 1. Only for models that "
    "know it."
)

Prompt = Annotated[
    str,
    PlainValidator(read_prompt),
    wire(
        {
            "type": "string",
            "minLength": 1,
            "maxLength": MAX_PROMPT_CHARACTERS,
            "pattern": r"\S",
            "description": "What the video shows.",
        }
    ),
]
ModelName = Annotated[
    str | None,
    PlainValidator(_text),
    wire({"type": "string", "description": "A model of the catalogue.", "example": "sora-2"}),
]
User = Annotated[
    str | None,
    PlainValidator(_user),
    wire(
        {
            "type": "string",
            "maxLength": _MAX_USER_CHARACTERS,
            "description": "Whom the video is for, in the caller's own words; it is kept and given "
            "back.",
        }
    ),
]
Length = Annotated[
    int | str | None,
    PlainValidator(_length),
    wire(
        {
            "description": "The length, of those that the model renders, as a string or a number.",
            "anyOf": [
                {"type": "string", "pattern": "^[0-9]{1,3}$"},
                {"type": "integer", "minimum": 1},
            ],
        }
    ),
]
PictureSize = Annotated[
    Size | str | None,
    PlainValidator(_size),
    wire(
        {
            "type": "string",
            "pattern": r"^([1-9][0-9]{0,4}x[1-9][0-9]{0,4}|auto)$",
            "description": "Width x height, of those that the model renders; without it, or with "
            "`auto`, the one that suits the image, else the model's default.",
            "example": "1280x720",
        }
    ),
]
Count = Annotated[
    int | str | None,
    PlainValidator(_count),
    wire({**_NUMBER, "description": "Videos to make of the prompt; 1 if not given."}),
]
Word = Annotated[str | None, PlainValidator(_word)]
"""A text or a number of another service; empty, or ``auto``, it says nothing."""
Side = Annotated[
    Word, wire({**_NUMBER, "description": "Pixels; with the other side, the same as `size`."})
]
Fit = Annotated[
    FitMode | None,
    PlainValidator(_fit),
    wire(
        {
            "type": "string",
            "enum": [mode.value for mode in FitMode],
            "description": "How the image is brought to the size of the video.",
        }
    ),
]
FrameIndex = Annotated[
    int | None,
    PlainValidator(lambda value: read_frame_index(value)),
    wire(
        {
            **_NUMBER,
            "description": "The frame at which what `input_reference` holds appears; 0 if not "
            "given. Only for models that know it.",
        }
    ),
]
Crop = Annotated[
    CropBounds | None,
    PlainValidator(lambda value: read_crop(value)),
    wire(
        {**CROP_SCHEMA, "description": _CROP},
        {
            "crop_bounds": {
                "type": "string",
                "contentMediaType": "application/json",
                "description": _CROP,
            }
        },
    ),
]
