"""Fields of wishes that some models take: a seed, sound, what is not to be seen, a length nearby.

As other services name them; ``dailies.protocols.fields`` has those that every model takes.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, PlainValidator, ValidationInfo

from dailies.protocols.fields import MAX_PROMPT_CHARACTERS, read_text, said
from dailies.protocols.messages import too_long, unicode_text, unsupported, wrong_type
from dailies.video.basics import Priority
from dailies.video.errors import InvalidRequest

__all__ = [
    "Expiry",
    "LengthFit",
    "NegativePrompt",
    "Seed",
    "Sound",
    "Urgency",
    "read_expiry",
    "read_negative_prompt",
    "read_priority",
    "read_seed",
    "read_sound",
]

_LARGEST_SEED = 2**32 - 1
_LONGEST_EXPIRY = 7 * 86_400
_TRUTHS = {"true": True, "false": False}
_LENGTH_FITS = ("exact", "nearest")


def read_negative_prompt(value: object) -> str | None:
    """A text of at most 32,000 characters; None where it says nothing.

    Raises:
        InvalidRequest: it is no string, or too long.
    """
    if not isinstance(value, str):
        raise wrong_type("negative_prompt", "a string", value)
    if len(value) > MAX_PROMPT_CHARACTERS:
        raise too_long("negative_prompt", MAX_PROMPT_CHARACTERS, len(value))
    return unicode_text("negative_prompt", value) if value.strip() else None


def read_seed(value: object) -> int:
    """A whole number from 0 to 2³² - 1, also as a text.

    Raises:
        InvalidRequest: it is none.
    """
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= 10:
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise wrong_type("seed", "an integer", value)
    if not 0 <= value <= _LARGEST_SEED:
        raise InvalidRequest(
            f"Invalid 'seed': expected a whole number from 0 to {_LARGEST_SEED}; leave it out for "
            "one by chance.",
            param="seed",
            code="invalid_value",
        )
    return value


def read_sound(value: object) -> bool:
    """True or false, also as a text.

    Raises:
        InvalidRequest: it is neither.
    """
    if isinstance(value, str):
        value = _TRUTHS.get(value.strip().lower(), value)
    if not isinstance(value, bool):
        raise wrong_type("generate_audio", "a boolean", value)
    return value


def read_priority(value: object) -> Priority:
    """``low``, ``normal`` or ``high``.

    Raises:
        InvalidRequest: it is none of them.
    """
    if not isinstance(value, str):
        raise wrong_type("priority", "a string", value)
    text = value.strip().lower()
    if text not in set(Priority):
        raise unsupported("priority", value, tuple(Priority))
    return Priority(text)


def read_expiry(value: object) -> int:
    """Seconds from 1 to a week, also as a text.

    Raises:
        InvalidRequest: it is none.
    """
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= 10:
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise wrong_type("expires_after", "an integer", value)
    if not 1 <= value <= _LONGEST_EXPIRY:
        raise InvalidRequest(
            f"Invalid 'expires_after': expected seconds from 1 to {_LONGEST_EXPIRY}; leave it out "
            "for a video that waits for as long as it takes.",
            param="expires_after",
            code="invalid_value",
        )
    return value


def _nearest(value: object, info: ValidationInfo) -> bool:
    text = read_text(value, info)
    if text not in _LENGTH_FITS:
        raise unsupported("seconds_fit", text, _LENGTH_FITS)
    return text == "nearest"


Seed = Annotated[
    int | None,
    PlainValidator(read_seed),
    said(
        "The same seed with the same request makes a similar video, with models that take one.",
        type="integer",
        minimum=0,
        maximum=_LARGEST_SEED,
    ),
]
NegativePrompt = Annotated[
    str | None,
    Field(repr=False),
    PlainValidator(read_negative_prompt),
    said(
        "What the video is not to show, with models that take it.",
        type="string",
        maxLength=MAX_PROMPT_CHARACTERS,
    ),
]
Sound = Annotated[
    bool | None,
    PlainValidator(read_sound),
    said("Whether the video is to have sound, with models that say so.", type="boolean"),
]
Urgency = Annotated[
    Priority | None,
    PlainValidator(read_priority),
    said(
        "Which of your own videos that wait goes first; `normal` if not given.",
        type="string",
        enum=[*Priority],
    ),
]
Expiry = Annotated[
    int | None,
    PlainValidator(read_expiry),
    said(
        "For how many seconds it may wait to be sent to the provider; then it fails with `expired`,"
        " and nothing is made. Without it, it waits for as long as it takes.",
        type="integer",
        minimum=1,
        maximum=_LONGEST_EXPIRY,
    ),
]
LengthFit = Annotated[
    bool | None,
    PlainValidator(_nearest),
    said(
        "With `nearest`, a length that the model does not render becomes the nearest one that it "
        "does; the video tells which.",
        type="string",
        enum=[*_LENGTH_FITS],
    ),
]
