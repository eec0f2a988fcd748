"""The fields of requests: types that check them, and what the OpenAPI document says of them.

Each type reads what JSON or a form holds, and raises ``InvalidRequest`` itself, in the words of
Azure's Sora 2 and OpenAI, so that a caller's error handling works unchanged. What only the
catalogue can judge stays a text where it is none of the values that it could be.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Annotated, Any, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PlainValidator,
    ValidationInfo,
    WithJsonSchema,
    model_validator,
)

from dailies.catalogue.offers import whole
from dailies.protocols.messages import missing, too_long, unicode_text, unsupported, wrong_type
from dailies.video.basics import Size
from dailies.video.errors import InvalidRequest
from dailies.video.framing import FitMode

__all__ = [
    "FORM",
    "JSON_TEXT",
    "MAX_PROMPT_CHARACTERS",
    "UNDOCUMENTED",
    "UNSAID",
    "Count",
    "Fields",
    "Fit",
    "Length",
    "ModelName",
    "PictureSize",
    "Prompt",
    "SafetyIdentifier",
    "Schema",
    "Side",
    "User",
    "Word",
    "read_count",
    "read_length",
    "read_prompt",
    "read_safety_identifier",
    "read_text",
    "said",
]

Schema = dict[str, Any]

FORM = "x-form"
"""In a type's schema: what the field is in a form, ``{name: schema}``, where that is another."""
JSON_TEXT: Schema = {"type": "string", "contentMediaType": "application/json"}
"""What a form has in place of an object or an array."""
UNSAID = "x-unsaid"
"""In a type's schema: there is no such field in JSON, or none that is told of."""

MAX_PROMPT_CHARACTERS = 32_000
_MAX_USER_CHARACTERS = 512
_MAX_IDENTIFIER_CHARACTERS = 64
_LENGTH = re.compile(r"\s*([0-9]{1,4})(?:\.0+)?\s*s?\s*", re.IGNORECASE)


class Fields(BaseModel):
    """The fields of a body that a call reads, checked. Null counts as left out, and so does an
    empty text, which is what a form has in the fields that were not filled in."""

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)

    @classmethod
    def read(cls, fields: Mapping[str, Any]) -> Self:
        """Check the fields of a body.

        Raises:
            InvalidRequest: naming the field.
        """
        return cls.model_validate(fields)

    @model_validator(mode="before")
    @classmethod
    def _given(cls, fields: Mapping[str, Any]) -> dict[str, Any]:
        # What is required is asked for in its turn, so that the first wrong field is named.
        required = [name for name, field in cls.model_fields.items() if field.is_required()]
        # An empty one is for its own type to tell of.
        given = {
            name: value
            for name, value in fields.items()
            if value is not None and (value != "" or name in required)
        }
        return dict.fromkeys(required) | given


UNDOCUMENTED = WithJsonSchema({UNSAID: True})
"""For a field that is read and not told of, as it is for few."""


def said(about: str, form: Schema | None = None, /, **schema: Any) -> WithJsonSchema:
    """What the document says of a field, in words and as a schema; ``form`` has the schema of what
    a form has in its place, by name."""
    words = {"description": about} if about else {}
    parts = {name: {**words, **part} for name, part in (form or {}).items()}
    return WithJsonSchema({**words, **schema, **({FORM: parts} if parts else {})})


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
    return unicode_text("prompt", value)


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


def read_text(value: object, info: ValidationInfo) -> str:
    """A text.

    Raises:
        InvalidRequest: it is none.
    """
    if not isinstance(value, str):
        raise wrong_type(info.field_name or "", "a string", value)
    return value


def _model(value: object, info: ValidationInfo) -> str:
    if value == "":
        raise missing(info.field_name or "")
    return read_text(value, info)


def _user(value: object, info: ValidationInfo) -> str:
    user = read_text(value, info)
    if len(user) > _MAX_USER_CHARACTERS:
        raise too_long("user", _MAX_USER_CHARACTERS, len(user))
    return unicode_text("user", user)


def read_safety_identifier(value: object) -> str | None:
    """A text of at most 64 characters, as OpenAI has it; None where it says nothing.

    Raises:
        InvalidRequest: it is no string, or too long.
    """
    if not isinstance(value, str):
        raise wrong_type("safety_identifier", "a string", value)
    if len(value) > _MAX_IDENTIFIER_CHARACTERS:
        raise too_long("safety_identifier", _MAX_IDENTIFIER_CHARACTERS, len(value))
    return unicode_text("safety_identifier", value) if value.strip() else None


def _size(value: object, info: ValidationInfo) -> Size | str | None:
    text = read_text(value, info)
    with suppress(ValueError):
        return Size.parse(text)
    return None if text == "auto" else text


def _fit(value: object, info: ValidationInfo) -> FitMode:
    text = read_text(value, info)
    if text not in set(FitMode):
        raise unsupported("fit", text, list(FitMode))
    return FitMode(text)


def _length(value: object, info: ValidationInfo) -> int | str:
    return read_length(value, info.field_name or "")


def _word(value: object, info: ValidationInfo) -> str | None:
    if not isinstance(value, str | int | float):
        raise wrong_type(info.field_name or "", "a string", value)
    return None if value == "auto" else str(value)


def read_count(value: object, info: ValidationInfo) -> int | str:
    """A whole number; any other number or text as a text.

    Raises:
        InvalidRequest: it is neither.
    """
    if not isinstance(value, str | int | float):
        raise wrong_type(info.field_name or "", "an integer", value)
    number = whole(value)
    return str(value) if number is None else number


_LENGTHS = [
    {"type": "string", "pattern": "^[0-9]{1,3}$"},
    {"type": "integer", "minimum": 1},
]

Prompt = Annotated[
    str,
    Field(repr=False),
    PlainValidator(read_prompt),
    said(
        "What the video shows.",
        type="string",
        minLength=1,
        maxLength=MAX_PROMPT_CHARACTERS,
        pattern=r"\S",
    ),
]
ModelName = Annotated[
    str | None,
    PlainValidator(_model),
    said("A model of the catalogue.", type="string", example="sora-2"),
]
User = Annotated[
    str | None,
    PlainValidator(_user),
    said(
        "Whom the video is for, in the caller's own words; it is kept and given back.",
        type="string",
        maxLength=_MAX_USER_CHARACTERS,
    ),
]
SafetyIdentifier = Annotated[
    str | None,
    PlainValidator(read_safety_identifier),
    said(
        "Tells one of your end users from another, and not who it is: a hash of their name, say. "
        "It is kept, shown to guards, and passed on to providers that take it.",
        type="string",
        maxLength=_MAX_IDENTIFIER_CHARACTERS,
    ),
]
Length = Annotated[
    int | str | None,
    PlainValidator(_length),
    said("The length, of those that the model renders, as a string or a number.", anyOf=_LENGTHS),
]
PictureSize = Annotated[
    Size | str | None,
    PlainValidator(_size),
    said(
        "Width x height, of those that the model renders; without it, or with `auto`, the one that "
        "suits the image, else the model's default.",
        type="string",
        pattern=r"^([1-9][0-9]{0,4}x[1-9][0-9]{0,4}|auto)$",
        example="1280x720",
    ),
]
Count = Annotated[
    int | str | None,
    PlainValidator(read_count),
    said("Videos to make of the prompt; 1 if not given.", type="integer", minimum=0),
]
Word = Annotated[str | None, PlainValidator(_word)]
"""A text or a number of another service; ``auto`` says nothing."""
Side = Annotated[
    Word,
    said("Pixels; with the other side, the same as `size`.", type="integer", minimum=0),
]
Fit = Annotated[
    FitMode | None,
    PlainValidator(_fit),
    said("How the image is brought to the size of the video.", type="string", enum=[*FitMode]),
]
