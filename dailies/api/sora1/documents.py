"""What the OpenAPI document says beyond the types: the body of a create, and the errors."""

from __future__ import annotations

from typing import Any

from dailies.api.documents import answers, content_answers
from dailies.api.schemas import ErrorBody, ErrorEnvelope
from dailies.protocols.requests import MAX_PROMPT_CHARACTERS

__all__ = ["CREATE_BODY", "FlatErrorBody", "flat_answers", "flat_content_answers"]

Schema = dict[str, Any]


class FlatErrorBody(ErrorBody):
    """The jobs API's own errors: the fields without an envelope around them."""

    inner_error: dict[str, Any] | None


_ENVELOPE = FlatErrorBody | ErrorEnvelope


def flat_answers(*errors: int, **further: Any) -> dict[int | str, dict[str, Any]]:
    """``answers`` of a route whose errors are flat, or wrapped where the gateway gives them."""
    return answers(*errors, envelope=_ENVELOPE, **further)


def flat_content_answers() -> dict[int | str, dict[str, Any]]:
    """``content_answers`` of the same."""
    return content_answers("video/mp4", "image/webp", "image/jpg", "image/jpeg", envelope=_ENVELOPE)


_TEXT_NUMBER: Schema = {"type": "string", "pattern": "^[0-9]{1,4}$"}
_NUMBERS = ("width", "height", "n_seconds", "n_variants")
_PROMPT: Schema = {
    "type": "string",
    "minLength": 1,
    "maxLength": MAX_PROMPT_CHARACTERS,
    "pattern": r"\S",
    "description": "What the video shows.",
}
_MODEL: Schema = {
    "type": "string",
    "description": "A Sora 1 model of the catalogue.",
    "example": "sora",
}


def _number(what: str) -> Schema:
    return {"type": "integer", "minimum": 1, "description": what}


_EDGES = ("left_fraction", "top_fraction", "right_fraction", "bottom_fraction")
_FRACTION: Schema = {"type": "number", "minimum": 0, "maximum": 1}
_ITEM: Schema = {
    "type": "object",
    "required": ["type", "file_name"],
    "properties": {
        "frame_index": {
            "type": "integer",
            "minimum": 0,
            "description": "The frame of the video at which it appears; 0 if not given.",
        },
        "type": {"type": "string", "enum": ["image", "video"]},
        "file_name": {"type": "string", "description": "The name of an attached file."},
        "crop_bounds": {
            "type": "object",
            "description": "The part of the picture to use, as fractions of its sides.",
            "properties": dict.fromkeys(
                ("left_fraction", "top_fraction", "right_fraction", "bottom_fraction"), _FRACTION
            ),
        },
    },
}

CREATE_BODY: Schema = {
    "required": True,
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "required": ["prompt", "model"],
                "properties": {
                    "prompt": _PROMPT,
                    "model": _MODEL,
                    "width": _number("Pixels, of a size that the model renders."),
                    "height": _number("Pixels, of a size that the model renders."),
                    "n_seconds": _number("The length of the video."),
                    "n_variants": _number("How many videos to make of the prompt."),
                },
            }
        },
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["prompt", "model"],
                "properties": {
                    "prompt": _PROMPT,
                    "model": _MODEL,
                    **dict.fromkeys(_NUMBERS, _TEXT_NUMBER),
                    "inpaint_items": {
                        "type": "string",
                        "contentMediaType": "application/json",
                        "contentSchema": {"type": "array", "items": _ITEM},
                    },
                    "files": {"type": "array", "items": {"type": "string", "format": "binary"}},
                },
            }
        },
    },
}
