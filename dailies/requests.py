"""From what a caller wrote to a request that is valid for its model.

The messages, params and codes are those of Azure's Sora 2 and OpenAI, so that a caller's error
handling works unchanged; the values come from the catalogue.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from dailies.catalogue import Catalogue, Deployment
from dailies.errors import InvalidRequest, RequestError
from dailies.records import VideoRequest
from dailies.references.geometry import FitMode, nearest_size
from dailies.videos import Size

__all__ = ["MAX_PROMPT_CHARACTERS", "build_request", "check_prompt", "fit_mode", "serving"]

MAX_PROMPT_CHARACTERS = 32_000
_MAX_USER_CHARACTERS = 512


def build_request(
    catalogue: Catalogue, fields: Mapping[str, Any], *, image: Size | None = None
) -> VideoRequest:
    """Check the fields of a create (``model, prompt, seconds, size, user, fit``).

    Unknown fields are ignored, as OpenAI does. Without ``size`` the model's default is taken, or
    for a reference image of ``image`` pixels, the one that suits its shape.

    Raises:
        InvalidRequest: naming the field and the values that are supported.
        NotFound: the model is not in the catalogue.
    """
    prompt = check_prompt(fields.get("prompt"))
    model = catalogue.resolve(_text(fields, "model"))
    deployments = model.deployments
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
        user=_user(fields),
    )


def serving(catalogue: Catalogue, request: VideoRequest) -> list[Deployment]:
    """The deployments that can serve this request, in the order of preference."""
    try:
        model = catalogue.resolve(request.model)
    except RequestError:
        # The model was taken out of the catalogue after the request was accepted.
        return []
    return [
        deployment
        for deployment in catalogue.candidates(model)
        if request.seconds in deployment.seconds and request.size in deployment.sizes
    ]


def check_prompt(value: object) -> str:
    """A prompt of 1 to 32,000 characters.

    Raises:
        InvalidRequest: it is missing, no string, empty or too long.
    """
    if value is None:
        raise _missing("prompt")
    if not isinstance(value, str):
        raise _wrong_type("prompt", "a string", value)
    if not value.strip():
        raise InvalidRequest(
            "Invalid 'prompt': empty string. Describe the video that you want.",
            param="prompt",
            code="empty_string",
        )
    if len(value) > MAX_PROMPT_CHARACTERS:
        raise InvalidRequest(
            f"Invalid 'prompt': string too long. Expected a string with maximum length "
            f"{MAX_PROMPT_CHARACTERS}, but got a string with length {len(value)} instead.",
            param="prompt",
            code="string_above_max_length",
        )
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
    value = fields.get("seconds")
    if value is None:
        return deployments[0].default_seconds
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise _wrong_type("seconds", "a string", value)
    supported = _union(deployment.seconds for deployment in deployments)
    text = str(value).strip()
    if text not in {str(seconds) for seconds in supported}:
        raise _unsupported("seconds", text, supported)
    return int(text)


def _user(fields: Mapping[str, Any]) -> str | None:
    user = _text(fields, "user")
    if user is not None and len(user) > _MAX_USER_CHARACTERS:
        raise InvalidRequest(
            f"Invalid 'user': string too long. Expected a string with maximum length "
            f"{_MAX_USER_CHARACTERS}, but got a string with length {len(user)} instead.",
            param="user",
            code="string_above_max_length",
        )
    return user.encode("utf-8", "replace").decode("utf-8") if user else None


def _text(fields: Mapping[str, Any], name: str) -> str | None:
    value = fields.get(name)
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise _wrong_type(name, "a string", value)
    return value


def _union(groups: Iterable[Sequence[Any]]) -> list[Any]:
    return list(dict.fromkeys(item for group in groups for item in group))


def _missing(name: str) -> InvalidRequest:
    return InvalidRequest(
        f"Missing required parameter: '{name}'.", param=name, code="missing_required_parameter"
    )


def _unsupported(name: str, value: str, supported: Sequence[object]) -> InvalidRequest:
    return InvalidRequest(
        f"Invalid value: '{value[:64]}'. Supported values are: {_enumerate(supported)}.",
        param=name,
        code="invalid_value",
    )


def _enumerate(values: Sequence[object]) -> str:
    quoted = [f"'{value}'" for value in values]
    if len(quoted) < 3:
        return " and ".join(quoted)
    return ", ".join(quoted[:-1]) + f", and {quoted[-1]}"


def _wrong_type(name: str, expected: str, value: object) -> InvalidRequest:
    names = {
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
