"""From what a caller wrote to a request that is valid for its model.

The messages, params and codes are those of Azure's Sora 2 and OpenAI, so that a caller's error
handling works unchanged; the values come from the catalogue.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from dailies.catalogue import Catalogue, Deployment, Model
from dailies.catalogue.offers import check_variants
from dailies.inputs.geometry import nearest_size
from dailies.video.basics import Size
from dailies.video.errors import InvalidRequest
from dailies.video.framing import FitMode
from dailies.video.record import VideoRequest

__all__ = [
    "MAX_PROMPT_CHARACTERS",
    "build_request",
    "check_choice",
    "check_prompt",
    "check_user",
    "enumerated",
    "fit_mode",
    "missing",
    "read_length",
    "wrong_type",
]

MAX_PROMPT_CHARACTERS = 32_000
_MAX_USER_CHARACTERS = 512
_LENGTH = re.compile(r"\s*([0-9]{1,4})(?:\.0+)?\s*s?\s*", re.IGNORECASE)


def build_request(
    catalogue: Catalogue, fields: Mapping[str, Any], *, image: Size | None = None
) -> VideoRequest:
    """Check the fields of a create (``model, prompt, seconds, size, n_variants, user``).

    What else is in ``fields`` is for their reader to account for. Without ``size`` the model's
    default is taken, or for a reference image of ``image`` pixels, the one that suits its shape.

    Raises:
        InvalidRequest: naming the field and the values that are supported.
        NotFound: the model is not in the catalogue.
    """
    prompt = check_prompt(fields.get("prompt"))
    model = catalogue.resolve(_text(fields, "model"))
    deployments = _able(model, prompt, with_image=image is not None)
    size = _size(fields, deployments)
    seconds = _seconds(fields, [d for d in deployments if size is None or size in d.sizes])
    if size is None:
        fitting = [d for d in deployments if seconds in d.seconds]
        size = nearest_size(image.width, image.height, fitting[0].sizes) if image else None
        size = size or fitting[0].default_size
    return VideoRequest(
        model=model.name,
        prompt=prompt,
        seconds=seconds,
        size=size,
        n_variants=check_variants(fields.get("n_variants"), model, deployments, size),
        user=check_user(fields),
    )


def _able(model: Model, prompt: str, *, with_image: bool) -> Sequence[Deployment]:
    """The model's deployments that take such a prompt, and an image where there is one."""
    longest = max(deployment.max_prompt_characters for deployment in model.deployments)
    if len(prompt) > longest:
        raise _too_long("prompt", longest, len(prompt))
    able = [d for d in model.deployments if len(prompt) <= d.max_prompt_characters]
    if with_image:
        able = [deployment for deployment in able if deployment.reference is not None]
    if not able:
        raise InvalidRequest(
            f"The model '{model.name}' takes no reference image with such a prompt. Leave "
            "'input_reference' out, or use another model.",
            param="input_reference",
            code="unsupported_parameter",
        )
    return able


def check_prompt(value: object) -> str:
    """A prompt of 1 to 32,000 characters.

    Raises:
        InvalidRequest: it is missing, no string, empty or too long.
    """
    if value is None:
        raise missing("prompt")
    if not isinstance(value, str):
        raise wrong_type("prompt", "a string", value)
    if not value.strip():
        raise InvalidRequest(
            "Invalid 'prompt': empty string. Describe the video that you want.",
            param="prompt",
            code="empty_string",
        )
    if len(value) > MAX_PROMPT_CHARACTERS:
        raise _too_long("prompt", MAX_PROMPT_CHARACTERS, len(value))
    # A lone surrogate (JSON can spell one) is no text: it can't be stored or sent.
    return value.encode("utf-8", "replace").decode("utf-8")


def fit_mode(fields: Mapping[str, Any]) -> FitMode:
    """How the reference image is brought to size: the extension field ``fit``."""
    value = _text(fields, "fit")
    if value is None:
        return FitMode.COVER
    try:
        return FitMode(value)
    except ValueError:
        raise _unsupported("fit", value, list(FitMode)) from None


def _size(fields: Mapping[str, Any], deployments: Iterable[Deployment]) -> Size | None:
    text = _text(fields, "size")
    if text is None or text == "auto":
        return None
    supported = _union(deployment.sizes for deployment in deployments)
    try:
        size = Size.parse(text)
    except ValueError:
        size = None
    if size is None or size not in supported:
        raise _unsupported("size", text, supported)
    return size


def _seconds(fields: Mapping[str, Any], deployments: Sequence[Deployment]) -> int:
    if fields.get("seconds") is None:
        return deployments[0].default_seconds
    supported = _union(deployment.seconds for deployment in deployments)
    return check_choice(fields, "seconds", supported)


def check_choice(fields: Mapping[str, Any], name: str, supported: Sequence[int]) -> int:
    """One of the supported lengths, as ``read_length`` reads it.

    Raises:
        InvalidRequest: it is missing, of another type or another number.
    """
    value = fields.get(name)
    if value is None:
        raise missing(name)
    length = read_length(value)
    if length is not None and length in supported:
        return length
    if length is None and not isinstance(value, str):
        raise wrong_type(name, "a string", value)
    raise _unsupported(name, str(value), supported)


def read_length(value: object) -> int | None:
    """Whole seconds, written as a number or as a string (``4``, ``4.0``, ``"4"``, ``"4s"``); None
    for anything else."""
    if isinstance(value, str) and (written := _LENGTH.fullmatch(value)):
        return int(written[1])
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def check_user(fields: Mapping[str, Any]) -> str | None:
    """The caller's own name for whom the video is for, at most 512 characters.

    Raises:
        InvalidRequest: it is no string, or too long.
    """
    user = _text(fields, "user")
    if user is not None and len(user) > _MAX_USER_CHARACTERS:
        raise _too_long("user", _MAX_USER_CHARACTERS, len(user))
    return user.encode("utf-8", "replace").decode("utf-8") if user else None


def _text(fields: Mapping[str, Any], name: str) -> str | None:
    value = fields.get(name)
    if value is None:
        return None
    if not isinstance(value, str):
        raise wrong_type(name, "a string", value)
    return value


def _union(groups: Iterable[Sequence[Any]]) -> list[Any]:
    return list(dict.fromkeys(item for group in groups for item in group))


def missing(name: str) -> InvalidRequest:
    """The error for a required parameter that is not there."""
    return InvalidRequest(
        f"Missing required parameter: '{name}'.", param=name, code="missing_required_parameter"
    )


def _too_long(name: str, most: int, length: int) -> InvalidRequest:
    return InvalidRequest(
        f"Invalid '{name}': string too long. Expected a string with maximum length {most}, but "
        f"got a string with length {length} instead.",
        param=name,
        code="string_above_max_length",
    )


def _unsupported(name: str, value: str, supported: Sequence[object]) -> InvalidRequest:
    return InvalidRequest(
        f"Invalid value: '{value[:64]}'. Supported values are: {enumerated(supported)}.",
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


def wrong_type(name: str, expected: str, value: object) -> InvalidRequest:
    """The error for a parameter of another JSON type than expected."""
    names = {
        type(None): "null",
        bool: "a boolean",
        int: "an integer",
        float: "a decimal",
        str: "a string",
        list: "an array",
        dict: "an object",
    }
    got = names.get(type(value), "a file")
    return InvalidRequest(
        f"Invalid type for '{name}': expected {expected}, but got {got} instead.",
        param=name,
        code="invalid_type",
    )
