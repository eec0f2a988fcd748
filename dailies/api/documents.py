"""What the OpenAPI document says beyond the types: bodies, headers, errors.

The routes read bodies themselves, since one route takes JSON and forms; what they take is written
down here.
"""

from __future__ import annotations

from typing import Any

from dailies.api.schemas import ErrorEnvelope
from dailies.protocols.requests import MAX_PROMPT_CHARACTERS

__all__ = [
    "CHARACTER_BODY",
    "CONTENT_PARAMETERS",
    "CREATE_BODY",
    "EDIT_BODY",
    "EXTENSION_BODY",
    "POLL_AFTER",
    "REMIX_BODY",
    "REPLAYED",
    "SENDING_HEADERS",
    "answers",
    "content_answers",
]

Schema = dict[str, Any]
Answers = dict[int | str, dict[str, Any]]

_WHY = {
    400: "A field is missing or wrong; `param` names it.",
    401: "No key, or one that is not known.",
    403: "A known key that may not do this.",
    404: "There is no such video, deployment or variant that the caller may see.",
    408: "The body did not arrive in time.",
    409: "The request contradicts the state of what it names.",
    413: "The body, or a file in it, is too large.",
    415: "The body is compressed.",
    416: "No byte of the file is in the range.",
    429: "More than the caller, or the provider, takes at once.",
    503: "A part that the app stands on does not answer.",
}

POLL_AFTER: Schema = {
    "openai-poll-after-ms": {
        "description": "Milliseconds after which to look again; absent once the video has ended.",
        "schema": {"type": "integer", "minimum": 100},
    }
}
REPLAYED: Schema = {
    "Idempotent-Replayed": {
        "description": "`true` when the video was made before: by an earlier request with the same "
        "key, or by an earlier sending of this one.",
        "schema": {"type": "string", "enum": ["true"]},
    }
}
_REQUEST_ID: Schema = {
    "x-request-id": {
        "description": "The request's id: the caller's own, or a new one.",
        "required": True,
        "schema": {"type": "string"},
    }
}
_RETRY_AFTER: Schema = {
    "Retry-After": {
        "description": "Seconds after which to try again.",
        "required": True,
        "schema": {"type": "integer"},
    }
}

SENDING_HEADERS: list[Schema] = [
    {
        "name": "Idempotency-Key",
        "in": "header",
        "required": False,
        "description": "The same key with the same request gives the video that it made first.",
        "schema": {"type": "string", "maxLength": 255},
    },
    {
        "name": "x-stainless-retry-count",
        "in": "header",
        "required": False,
        "description": "How often the client has sent this request before, as official clients "
        "say it. From 1 to 999, and without a key, it is answered with the video that an equal "
        "request of the last ten minutes made; anything else says nothing.",
        "schema": {"type": "string", "example": "1"},
    },
]
"""For whatever creates a video: what tells a request that is sent again from a new one."""


def answers(
    *errors: int, ok: Schema | None = None, success: int = 200, envelope: Any = ErrorEnvelope
) -> Answers:
    """The answers of a route: ``success`` with further headers, its errors in their envelope, and
    those that every route has."""
    documented: Answers = {success: {"headers": {**_REQUEST_ID, **(ok or {})}}}
    for status in sorted({*errors, 401, 503}):
        headers = {**_REQUEST_ID, **(_RETRY_AFTER if status in (429, 503) else {})}
        documented[status] = {
            "model": envelope,
            "description": _WHY[status],
            "headers": headers,
        }
    return documented


def _file(*types: str) -> Schema:
    return {type_: {"schema": {"type": "string", "format": "binary"}} for type_ in types}


def content_answers(*types: str, envelope: Any = ErrorEnvelope) -> Answers:
    """The answers of a route that gives a file of one of the media types, or a link to it."""
    content_range = {"Content-Range": {"required": True, "schema": {"type": "string"}}}
    location = {"Location": {"required": True, "schema": {"type": "string"}}}
    return {
        **answers(400, 404, 409, envelope=envelope),
        200: {
            "description": "The file, where content is streamed.",
            "headers": _REQUEST_ID,
            "content": _file(*types),
        },
        206: {
            "description": "The range of the file, or as much of it as one answer holds.",
            "headers": {**_REQUEST_ID, **content_range},
            "content": _file(*types),
        },
        302: {
            "description": "Where the file is: a link that lasts minutes.",
            "headers": {**_REQUEST_ID, **location},
        },
        416: {"description": _WHY[416], "headers": {**_REQUEST_ID, **content_range}},
    }


CONTENT_PARAMETERS: list[Schema] = [
    {
        "name": "Range",
        "in": "header",
        "required": False,
        "description": "One range of bytes, where content is streamed; others count as none.",
        "schema": {"type": "string"},
    }
]

_PROMPT: Schema = {
    "type": "string",
    "minLength": 1,
    "maxLength": MAX_PROMPT_CHARACTERS,
    "pattern": r"\S",
    "description": "What the video shows.",
}
_USER: Schema = {
    "type": "string",
    "maxLength": 512,
    "description": "Whom the video is for, in the caller's own words; it is kept and given back.",
}
_TEXTS: Schema = {
    "model": {"type": "string", "description": "A model of the catalogue.", "example": "sora-2"},
    "size": {
        "type": "string",
        "pattern": r"^([1-9][0-9]{0,4}x[1-9][0-9]{0,4}|auto)$",
        "description": "Width x height, of those that the model renders; without it, or with "
        "`auto`, the one that suits the image, else the model's default.",
        "example": "1280x720",
    },
    "user": _USER,
    "crop_bounds": {
        "type": "string",
        "contentMediaType": "application/json",
        "description": "The part of what `input_reference` holds that is used: an object of "
        "`left_fraction`, `top_fraction`, `right_fraction` and `bottom_fraction`, from 0 to 1. "
        "Only for models that know it.",
    },
    "fit": {
        "type": "string",
        "enum": ["cover", "contain", "stretch"],
        "description": "How the image is brought to the size of the video.",
    },
}
_SECONDS: Schema = {
    "description": "The length, of those that the model renders, as a string or a number.",
    "anyOf": [{"type": "string", "pattern": "^[0-9]{1,3}$"}, {"type": "integer", "minimum": 1}],
}
_SAME_AS = "The same as `{}`, in words of other services."
_WORDS: Schema = {
    "duration": {**_SECONDS, "description": _SAME_AS.format("seconds")},
    "n_seconds": {**_SECONDS, "description": _SAME_AS.format("seconds")},
    "aspect_ratio": {
        "type": "string",
        "description": "Instead of `size`, where exactly one size of the model has it.",
        "example": "16:9",
    },
    "resolution": {
        "type": "string",
        "description": "Instead of `size`, where exactly one size of the model has it, together "
        "with `aspect_ratio`: the shorter side, or the whole size.",
        "example": "720p",
    },
    "image_url": {"type": "string", "description": _SAME_AS.format("input_reference.image_url")},
}
_WHOLE: Schema = {"type": "integer", "minimum": 0}
_NUMBERS: dict[str, Schema] = {
    "n_variants": {
        **_WHOLE,
        "description": "Videos to make of the prompt; 1 if not given.",
    },
    "n": {**_WHOLE, "description": _SAME_AS.format("n_variants")},
    "width": {**_WHOLE, "description": "With `height`, the same as `size`."},
    "height": {**_WHOLE, "description": "With `width`, the same as `size`."},
    "frame_index": {
        **_WHOLE,
        "description": "The frame at which what `input_reference` holds appears; 0 if not given. "
        "Only for models that know it.",
    },
}
_SECONDS_TEXT: Schema = {"type": "string", "pattern": "^[0-9]{1,3}$"}
_IMAGE_URL: Schema = {
    "type": "object",
    "required": ["image_url"],
    "properties": {
        "image_url": {
            "type": "string",
            "description": "An https URL on the public internet, or a data URL.",
        }
    },
}
_IMAGE_FILE: Schema = {
    "type": "string",
    "format": "binary",
    "description": "A JPEG, PNG, WebP, HEIC or AVIF that the video starts from; with some models, "
    "a short MP4.",
}


def _nullable(schema: Schema) -> Schema:
    """In JSON, null is the same as leaving an optional field out."""
    return {"anyOf": [schema, {"type": "null"}]}


def _body(json: Schema, form: Schema) -> Schema:
    return {
        "required": True,
        "content": {
            "application/json": {"schema": json},
            "multipart/form-data": {"schema": form},
        },
    }


def _object(required: list[str], properties: Schema) -> Schema:
    return {"type": "object", "required": required, "properties": properties}


_OPTIONAL = {name: _nullable(schema) for name, schema in _TEXTS.items()}
_VIDEO_ID: Schema = {"type": "string", "description": "One of the caller's completed videos."}
_VIDEO: Schema = _object(["id"], {"id": _VIDEO_ID})
_REMIXED: Schema = {
    **_VIDEO_ID,
    "description": "Make a remix of this video, as `POST /videos/{video_id}/remix` does.",
}

CREATE_BODY = _body(
    _object(
        ["prompt"],
        {
            "prompt": _PROMPT,
            "seconds": _nullable(_SECONDS),
            **_OPTIONAL,
            **{name: _nullable(schema) for name, schema in (_WORDS | _NUMBERS).items()},
            "crop_bounds": _nullable(_object([], {})),
            "input_reference": _nullable(_IMAGE_URL),
            "remix_video_id": _nullable(_REMIXED),
        },
    ),
    _object(
        ["prompt"],
        {
            "prompt": _PROMPT,
            "seconds": _SECONDS_TEXT,
            **_TEXTS,
            **_WORDS,
            **_NUMBERS,
            "input_reference": _IMAGE_FILE,
            "remix_video_id": _REMIXED,
        },
    ),
)
REMIX_BODY = _body(
    _object(["prompt"], {"prompt": _PROMPT, "user": _nullable(_USER)}),
    _object(["prompt"], {"prompt": _PROMPT, "user": _USER}),
)
EDIT_BODY = _body(
    _object(["prompt", "video"], {"prompt": _PROMPT, "video": _VIDEO, "user": _nullable(_USER)}),
    _object(["prompt", "video[id]"], {"prompt": _PROMPT, "video[id]": _VIDEO_ID, "user": _USER}),
)
EXTENSION_BODY = _body(
    _object(
        ["prompt", "seconds", "video"],
        {"prompt": _PROMPT, "seconds": _SECONDS, "video": _VIDEO, "user": _nullable(_USER)},
    ),
    _object(
        ["prompt", "seconds", "video[id]"],
        {"prompt": _PROMPT, "seconds": _SECONDS_TEXT, "video[id]": _VIDEO_ID, "user": _USER},
    ),
)
CHARACTER_BODY: Schema = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": _object(
                ["name", "video"],
                {
                    "name": {"type": "string", "minLength": 1, "maxLength": 80, "pattern": r"\S"},
                    "video": {"type": "string", "format": "binary"},
                    "model": _TEXTS["model"],
                },
            )
        }
    },
}
