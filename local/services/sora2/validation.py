"""Checks of Sora 2's requests, with the messages, params and codes that Azure answers."""

from __future__ import annotations

from typing import Any

from local.services.bodies import Body, Upload, image_size
from local.services.errors import (
    invalid_type,
    invalid_value,
    missing_parameter,
    openai_error,
)

SECONDS = ("4", "8", "12")
EXTENSION_SECONDS = ("4", "8", "12", "16", "20")
ALL_SIZES = ("720x1280", "1280x720", "1024x1792", "1792x1024")
SIZES = {"sora-2": ALL_SIZES[:2], "sora-2-pro": ALL_SIZES}
PROMPT_LENGTH = 32_000
MISMATCH = "Inpaint image must match the requested width and height"
_CREATE_FIELDS = frozenset({"model", "prompt", "seconds", "size", "input_reference"})


def check_known(body: Body, known: frozenset[str] = _CREATE_FIELDS) -> None:
    """No parameter is unknown."""
    for name in (*body.fields, *body.files):
        if name not in known:
            raise openai_error(
                400, f"Unknown parameter: '{name}'.", param=name, code="unknown_parameter"
            )


def text(fields: dict[str, Any], name: str) -> str:
    """A required string."""
    value = fields.get(name)
    if value is None:
        raise missing_parameter(name)
    if not isinstance(value, str):
        raise invalid_type(name, "a string", value)
    return value


def prompt_of(fields: dict[str, Any]) -> str:
    """The prompt, 1 to 32,000 characters."""
    prompt = text(fields, "prompt")
    if not prompt:
        raise openai_error(
            400,
            "Invalid 'prompt': empty string. Expected a string with minimum length 1, but got an "
            "empty string instead.",
            param="prompt",
            code="empty_string",
        )
    if len(prompt) > PROMPT_LENGTH:
        raise openai_error(
            400,
            f"Invalid 'prompt': string too long. Expected a string with maximum length "
            f"{PROMPT_LENGTH}, but got a string with length {len(prompt)} instead.",
            param="prompt",
            code="string_above_max_length",
        )
    return prompt


def seconds_of(
    fields: dict[str, Any], supported: tuple[str, ...] = SECONDS, default: str | None = "4"
) -> int:
    """The length; Azure takes a string and refuses a number."""
    value = fields.get("seconds", default)
    if value is None:
        raise missing_parameter("seconds")
    if not isinstance(value, str):
        quoted = [f"'{item}'" for item in supported]
        expected = f"one of {', '.join(quoted[:-1])}, or {quoted[-1]}"
        raise invalid_type("seconds", expected, value)
    if value not in supported:
        raise invalid_value("seconds", value, list(supported))
    return int(value)


def size_of(fields: dict[str, Any], model: str) -> tuple[int, int]:
    """Width and height that the model can do."""
    value = fields.get("size", "720x1280")
    if not isinstance(value, str):
        raise invalid_type("size", "a string", value)
    if value not in ALL_SIZES:
        raise invalid_value("size", value, list(ALL_SIZES))
    if value not in SIZES[model]:
        raise invalid_value("size", value, list(SIZES[model]))
    width, _, height = value.partition("x")
    return int(width), int(height)


def reference_of(body: Body, size: tuple[int, int]) -> Upload | None:
    """The reference image: a file, of exactly the size of the video."""
    if "input_reference" in body.fields:
        value = body.fields["input_reference"]
        if value is not None:
            raise invalid_type("input_reference", "a file", value)
    uploads = body.files.get("input_reference", [])
    if not uploads:
        return None
    if len(uploads) > 1:
        raise openai_error(400, "Only one 'input_reference' may be given.", param="input_reference")
    if image_size(uploads[0], "input_reference") != size:
        raise openai_error(400, MISMATCH)
    return uploads[0]


def source_of(fields: dict[str, Any]) -> str:
    """The id in ``video: {"id": …}``."""
    video = fields.get("video")
    if video is None:
        raise missing_parameter("video")
    if not isinstance(video, dict):
        raise invalid_type("video", "an object", video)
    if video.get("id") is None:
        raise missing_parameter("video.id")
    return text(video, "id")
