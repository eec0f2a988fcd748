"""Errors in the words of OpenAI, which clients know by heart."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from dailies.jsontext import is_unicode
from dailies.video.errors import InvalidRequest

__all__ = [
    "enumerated",
    "missing",
    "not_unicode",
    "too_long",
    "type_name",
    "unicode_text",
    "unsupported",
    "wrong_type",
]

_LONGEST_NAME = 64
_TYPES = {
    bool: "a boolean",
    int: "an integer",
    float: "a decimal",
    str: "a string",
    list: "an array",
    dict: "an object",
    type(None): "null",
}


def missing(name: str) -> InvalidRequest:
    """The error for a required parameter that is not there."""
    return InvalidRequest(
        f"Missing required parameter: '{name}'.", param=name, code="missing_required_parameter"
    )


def too_long(name: str, most: int, length: int) -> InvalidRequest:
    """The error for a text of more characters than are taken."""
    return InvalidRequest(
        f"Invalid '{name}': string too long. Expected a string with maximum length {most}, but "
        f"got a string with length {length} instead.",
        param=name,
        code="string_above_max_length",
    )


def not_unicode(name: str) -> InvalidRequest:
    """The error for a text with half a character, which JSON can spell; ``name`` is empty where it
    is in the name of a field."""
    shown = name[:_LONGEST_NAME]
    return InvalidRequest(
        f"Invalid '{shown or 'body'}': the text holds half a surrogate pair, which is no Unicode. "
        "Send whole characters.",
        param=shown or None,
        code="invalid_value",
    )


def unicode_text(name: str, text: str) -> str:
    """The text.

    Raises:
        InvalidRequest: it can be neither stored nor sent.
    """
    if not is_unicode(text):
        raise not_unicode(name)
    return text


def unsupported(
    name: str, value: object, supported: Sequence[object], *, beside: Collection[str] = ()
) -> InvalidRequest:
    """The error for a value that is none of those that there are, with what is ``beside`` it."""
    values = f"With {' and '.join(beside)}, supported values" if beside else "Supported values"
    return InvalidRequest(
        f"Invalid value: '{str(value)[:64]}'. {values} are: {enumerated(supported)}.",
        param=name,
        code="invalid_value",
    )


def enumerated(values: Sequence[object]) -> str:
    """Values in words, as OpenAI's messages have them: ``'4', '8', and '12'``."""
    numbers = sorted(value for value in values if isinstance(value, int))
    if len(numbers) == len(values) > 3 and numbers == list(range(numbers[0], numbers[-1] + 1)):
        return f"'{numbers[0]}' to '{numbers[-1]}'"
    quoted = [f"'{value}'" for value in values]
    if len(quoted) < 3:
        return " and ".join(quoted)
    return ", ".join(quoted[:-1]) + f", and {quoted[-1]}"


def type_name(value: object) -> str:
    """The JSON type of a value in words; what JSON has no type for came as a file."""
    return _TYPES.get(type(value), "a file")


def wrong_type(name: str, expected: str, value: object) -> InvalidRequest:
    """The error for a parameter of another JSON type than expected; null counts as left out."""
    if value is None:
        return missing(name)
    return InvalidRequest(
        f"Invalid type for '{name}': expected {expected}, but got {type_name(value)} instead.",
        param=name,
        code="invalid_type",
    )
