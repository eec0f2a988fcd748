"""What the OpenAPI document says beyond the types: bodies, headers, errors.

The routes read bodies themselves, since one route takes JSON and forms; what they take is written
down here.
"""

from __future__ import annotations

from typing import Any

from dailies.protocols.fields import FORM, UNSAID, Fields, Schema
from dailies.protocols.openai.bodies import (
    CreateCharacter,
    CreateVideo,
    EditVideo,
    ExtendVideo,
    RemixVideo,
)
from dailies.protocols.openai.objects import ErrorEnvelope
from dailies.protocols.sora1.job import CreateJob

__all__ = [
    "CHARACTER_BODY",
    "CONTENT_PARAMETERS",
    "CREATE_BODY",
    "EDIT_BODY",
    "EXTENSION_BODY",
    "JOB_BODY",
    "POLL_AFTER",
    "REMIX_BODY",
    "REPLAYED",
    "SENDING_HEADERS",
    "answers",
    "body_of",
    "content_answers",
]

Answers = dict[int | str, dict[str, Any]]

_WHY = {
    400: "A field is missing or wrong; `param` names it.",
    401: "No key, or one that is not known.",
    403: "A known key that may not do this.",
    404: "There is no such video, deployment or variant that the caller may see.",
    408: "The body did not arrive in time.",
    409: "The request contradicts the state of what it names.",
    413: "The body, or a file in it, is too large.",
    415: "The body is compressed, or of a type that is not read.",
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

_RATE: Schema = {
    f"x-ratelimit-{name}-requests": {
        "description": f"{about} Only where the key has a limit on its requests.",
        "schema": schema,
    }
    for name, about, schema in (
        ("limit", "Requests a minute that the key may make.", {"type": "integer"}),
        ("remaining", "Those left in this minute.", {"type": "integer"}),
        ("reset", "Until all are there again.", {"type": "string", "example": "12s"}),
    )
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
    documented: Answers = {success: {"headers": {**_REQUEST_ID, **_RATE, **(ok or {})}}}
    for status in sorted({*errors, 401, 403, 429, 503}):
        headers = {**_REQUEST_ID, **_RATE, **(_RETRY_AFTER if status in (429, 503) else {})}
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


def body_of(model: type[Fields], *, files: str | None = None, form_only: bool = False) -> Schema:
    """The body that a call reads, in JSON and as a form.

    Args:
        files: the part of a form that may hold several files, where there is one.
    """
    schema = model.model_json_schema()
    required = schema.get("required", [])
    json: Schema = {}
    form: Schema = {}
    wanted: list[str] = []
    for name, told in schema["properties"].items():
        plain = {key: told[key] for key in told if key not in (FORM, UNSAID, "title", "default")}
        parts = told.get(FORM, {} if UNSAID in told else {name: plain})
        form |= parts
        if name in required:
            wanted += parts
        if UNSAID not in told:
            # Null is the same as leaving an optional field out.
            json[name] = plain if name in required else {"anyOf": [plain, {"type": "null"}]}
    if files is not None:
        form[files] = {"type": "array", "items": {"type": "string", "format": "binary"}}
    content = {"multipart/form-data": {"schema": _object(wanted, form)}}
    if not form_only:
        content = {"application/json": {"schema": _object(required, json)}, **content}
    return {"required": True, "content": content}


def _object(required: list[str], properties: Schema) -> Schema:
    return {"type": "object", "required": required, "properties": properties}


CREATE_BODY = body_of(CreateVideo)
REMIX_BODY = body_of(RemixVideo)
EDIT_BODY = body_of(EditVideo)
EXTENSION_BODY = body_of(ExtendVideo)
CHARACTER_BODY = body_of(CreateCharacter, form_only=True)
JOB_BODY = body_of(CreateJob, files="files")
