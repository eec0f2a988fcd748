"""What the OpenAPI document says of a create, whose body the route reads itself."""

from __future__ import annotations

from typing import Any

from dailies.requests import MAX_PROMPT_CHARACTERS

__all__ = ["CREATE_BODY"]

Schema = dict[str, Any]

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
