"""What the OpenAPI document says of a batch's body."""

from __future__ import annotations

from dailies.api.documents import CREATE_BODY, SENDING_HEADERS
from dailies.protocols.fields import JSON_TEXT, Schema

__all__ = ["BATCH_BODY", "SENDING_OF_BATCHES"]

_FIELDS = CREATE_BODY["content"]["application/json"]["schema"]["properties"]
# Without types: a line that is wrong is told of by a dry run, and not refused as a whole.
_SHOT: Schema = {
    "type": "object",
    "description": "The fields of a create, as in the body of `POST /v1/videos`, over `defaults`; "
    "and which image it starts from.",
    "properties": {
        **{
            name: {"description": schema.get("description", "As in a create.")}
            for name, schema in _FIELDS.items()
            if name != "remix_video_id"
        },
        "custom_id": {
            "description": "Your own word for the shot, given back in the results; at most 64 "
            "characters."
        },
        "image_file": {"description": "The file name of an image that came with the batch."},
        "image_blob": {"description": "A blob in the container of dropped images, for its owner."},
    },
}
_OPTIONS: Schema = {
    "limit_usd": {
        "type": "number",
        "exclusiveMinimum": 0,
        "description": "The most that the batch may cost.",
    },
    "max_in_progress": {
        "type": "integer",
        "minimum": 1,
        "maximum": 100,
        "default": 20,
        "description": "How many of its videos are under way at once.",
    },
    "name": {"type": "string", "maxLength": 128},
}
_LINES: Schema = {
    "schema": {
        "type": "string",
        "description": "A shot as JSON in each line. A first line may have the fields of the batch "
        "instead: `defaults`, `limit_usd`, `max_in_progress`, `name`.",
    }
}
_CSV: Schema = {
    "schema": {
        "type": "string",
        "description": "Shots as rows; the first row has the names of their fields.",
    }
}

BATCH_BODY: Schema = {
    "required": True,
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "required": ["shots"],
                "properties": {
                    "shots": {"type": "array", "minItems": 1, "maxItems": 20_000, "items": _SHOT},
                    **{
                        # Null is the same as leaving it out.
                        name: {"anyOf": [schema, {"type": "null"}]}
                        for name, schema in {"defaults": _SHOT, **_OPTIONS}.items()
                    },
                },
            }
        },
        "application/jsonl": _LINES,
        "text/csv": _CSV,
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["file"],
                "properties": {
                    "file": {
                        "type": "string",
                        "format": "binary",
                        "description": "The shots; its name ends with .jsonl, .csv or .json.",
                    },
                    "images": {
                        "type": "array",
                        "items": {"type": "string", "format": "binary"},
                        "description": "Images that shots name in `image_file`.",
                    },
                    "defaults": JSON_TEXT,
                    **_OPTIONS,
                },
            }
        },
    },
}

SENDING_OF_BATCHES: list[Schema] = [
    {**SENDING_HEADERS[0], "description": "The same key with the same batch gives the first one."},
    SENDING_HEADERS[1],
]
