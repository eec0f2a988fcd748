"""Lists of pictures, as OpenRouter's API has them: frames, and what a video is to look like.

An item is ``{"type": "image_url", "image_url": {"url": "https://…"}}``; one of ``frame_images`` has
``"frame_type": "first_frame"`` or ``"last_frame"`` beside it.
https://openrouter.ai/docs/api/api-reference/video-generation/create-videos
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import PlainValidator

from dailies.inputs.examine import InputSource
from dailies.protocols.fields import JSON_TEXT, said
from dailies.protocols.frames import json_of
from dailies.protocols.messages import missing, unsupported, wrong_type
from dailies.video.errors import InvalidRequest
from dailies.video.request import Role

__all__ = [
    "FRAMES",
    "REFERENCES",
    "FrameImages",
    "InputReferences",
    "Picture",
    "read_frames",
    "read_references",
    "url_of",
]

FRAMES = "frame_images"
REFERENCES = "input_references"
_MOST_REFERENCES = 16
_ROLES = {"first_frame": Role.FIRST, "last_frame": Role.LAST}
_IMAGE = "image_url"


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture of a request.

    Attributes:
        source: a file, or the URL where one is to be fetched.
        param: the field that holds it.
    """

    role: Role
    source: InputSource | str = field(repr=False)
    param: str


def read_frames(value: object) -> tuple[Picture, ...]:
    """The first and the last frame, at most one of each.

    Raises:
        InvalidRequest: it is no such list.
    """
    pictures: dict[Role, Picture] = {}
    for item in _items(value, FRAMES):
        if not isinstance(item, Mapping):
            raise wrong_type(FRAMES, "an array of objects", item)
        kind = item.get("frame_type")
        if not isinstance(kind, str):
            raise wrong_type(f"{FRAMES}.frame_type", "a string", kind)
        if kind not in _ROLES:
            raise unsupported(f"{FRAMES}.frame_type", kind, list(_ROLES))
        role = _ROLES[kind]
        if role in pictures:
            raise _invalid(FRAMES, f"two items are the '{kind}'")
        pictures[role] = Picture(role, _source(item, FRAMES), FRAMES)
    return tuple(pictures.values())


def read_references(value: object) -> tuple[Picture, ...]:
    """What the video is to look like: items as above, files, or URLs alone.

    Raises:
        InvalidRequest: it is no such list, or very long.
    """
    items = _items(value, REFERENCES)
    if len(items) > _MOST_REFERENCES:
        raise _invalid(REFERENCES, f"more than {_MOST_REFERENCES} images")
    return tuple(Picture(Role.REFERENCE, _source(item, REFERENCES), REFERENCES) for item in items)


def url_of(value: object, name: str) -> InputSource | str:
    """Where a picture is: a URL, the same as ``{"url": …}``, as OpenAI's endpoints nest it, or a
    file in its place.

    Raises:
        InvalidRequest: it is none of that.
    """
    url = value.get("url") if isinstance(value, dict) else value
    if url == "":
        raise missing(name)
    if not isinstance(url, str | InputSource):
        raise wrong_type(name, "a string", url)
    return url


def _items(value: object, name: str) -> list[Any]:
    items = json_of(value, name)
    if isinstance(items, Mapping) and items and all(key.isdecimal() for key in items):
        # A form that numbers them: input_references[0], input_references[1], …
        items = [items[key] for key in sorted(items, key=lambda key: (len(key), key))]
    if isinstance(items, Mapping | InputSource):
        items = [items]
    if not isinstance(items, list):
        raise wrong_type(name, "an array", items)
    return items


def _source(item: object, name: str) -> InputSource | str:
    if isinstance(item, str | InputSource):
        return _checked(url_of(item, name), name)
    if not isinstance(item, Mapping):
        raise wrong_type(name, "an array of objects", item)
    kind = item.get("type", _IMAGE)
    if kind != _IMAGE:
        raise unsupported(f"{name}.type", kind, [_IMAGE])
    return _checked(url_of(item.get(_IMAGE), f"{name}.{_IMAGE}"), name)


def _checked(source: InputSource | str, name: str) -> InputSource | str:
    # Those in base64 became files while the body was read, unless they stood in another text.
    if isinstance(source, str) and source[:5].lower() == "data:":
        raise _invalid(
            name,
            "a data URL is read in base64 only, from a JSON body and not from JSON in a form's "
            "field; a form may have the picture as a file",
        )
    return source


def _invalid(name: str, why: str) -> InvalidRequest:
    return InvalidRequest(f"Invalid '{name}': {why}.", param=name, code="invalid_value")


_FILE = {"type": "string", "format": "binary"}
_URL = {"type": "string", "description": "An https URL on the public internet, or a data URL."}
_IMAGE_URL: dict[str, Any] = {
    "type": {"type": "string", "enum": ["image_url"]},
    "image_url": {"type": "object", "required": ["url"], "properties": {"url": _URL}},
}
_FRAME_TYPE = {"type": "string", "enum": ["first_frame", "last_frame"]}
_ABOUT_FRAMES = (
    "Images that the video starts and ends with. The first is the same as `input_reference`; a "
    "last one is only for models that take it."
)
_ABOUT_REFERENCES = "Images that the video is to look like. Only for models that take them."
FrameImages = Annotated[
    tuple[Picture, ...],
    PlainValidator(read_frames),
    said(
        _ABOUT_FRAMES,
        {"frame_images": JSON_TEXT},
        type="array",
        maxItems=2,
        items={
            "type": "object",
            "required": ["image_url", "frame_type"],
            "properties": {**_IMAGE_URL, "frame_type": _FRAME_TYPE},
        },
    ),
]
InputReferences = Annotated[
    tuple[Picture, ...],
    PlainValidator(read_references),
    said(
        _ABOUT_REFERENCES,
        {"input_references": {"type": "array", "items": _FILE}},
        type="array",
        maxItems=16,
        items={"type": "object", "required": ["image_url"], "properties": _IMAGE_URL},
    ),
]
