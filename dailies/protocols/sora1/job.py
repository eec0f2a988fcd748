"""The body of the jobs API, as a typed model, and what it wishes for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field, PlainValidator, WithJsonSchema

from dailies.protocols.fields import (
    FORM,
    UNDOCUMENTED,
    UNSAID,
    Fields,
    ModelName,
    Prompt,
    User,
    read_count,
    said,
)
from dailies.protocols.frames import CROP_SCHEMA, json_of, read_crop, read_frame_index
from dailies.protocols.messages import missing
from dailies.protocols.wish import Wish, Words
from dailies.video.basics import Size
from dailies.video.errors import InvalidRequest
from dailies.video.request import Input, InputKind, Role

__all__ = ["ITEMS", "CreateJob", "JobWords", "NamedItem", "read_items"]

ITEMS = "inpaint_items"
_KEYS = ("type", "file_name", "frame_index", "crop_bounds")
_MOST_ITEMS = 16


@dataclass(frozen=True, slots=True)
class NamedItem:
    """An image or a video at a frame, and the name of the attached file that it is about."""

    file_name: str
    input: Input


def read_items(value: object) -> tuple[NamedItem, ...]:
    """``inpaint_items``: a JSON array, or that array as text.

    Raises:
        InvalidRequest: it is none, or an item of it is wrong.
    """
    items = json_of(value, ITEMS)
    if not isinstance(items, list) or len(items) > _MOST_ITEMS:
        raise _invalid(ITEMS, f"Expected an array of at most {_MOST_ITEMS} objects.")
    return tuple(_read_item(item, f"{ITEMS}[{place}]") for place, item in enumerate(items))


def _read_item(item: Any, where: str) -> NamedItem:
    if not isinstance(item, Mapping):
        raise _invalid(where, "Expected an object.")
    if unknown := item.keys() - set(_KEYS):
        # A misspelt key would quietly make another video.
        raise _invalid(where, f"Unknown key '{min(unknown)[:40]}'. Known keys: {', '.join(_KEYS)}.")
    name = item.get("file_name")
    if not isinstance(name, str) or not name:
        raise _invalid(f"{where}.file_name", "Expected the name of an attached file.")
    kind = item.get("type")
    if not isinstance(kind, str) or kind not in set(InputKind):
        raise _invalid(f"{where}.type", "Expected 'image' or 'video'.")
    frame = item.get("frame_index")
    return NamedItem(
        name,
        Input(
            role=Role.FRAME,
            type=InputKind(kind),
            frame_index=0
            if frame in (None, "")
            else read_frame_index(frame, f"{where}.frame_index"),
            crop=read_crop(item.get("crop_bounds"), f"{where}.crop_bounds"),
        ),
    )


def _invalid(param: str, message: str) -> InvalidRequest:
    return InvalidRequest(f"Invalid '{param}': {message}", param=ITEMS, code="invalid_value")


def _documented(what: str) -> Any:
    return Field(default=None, description=what)


_FRAME = "The frame of the video at which it appears; 0 if not given."
_ITEM = {
    "type": "object",
    "required": ["type", "file_name"],
    "properties": {
        "frame_index": {"type": "integer", "minimum": 0, "description": _FRAME},
        "type": {"type": "string", "enum": [*InputKind]},
        "file_name": {"type": "string", "description": "The name of an attached file."},
        "crop_bounds": {**CROP_SCHEMA, "description": "The part of the picture to use."},
    },
}
_ITEMS = {
    "type": "string",
    "contentMediaType": "application/json",
    "contentSchema": {"type": "array", "items": _ITEM},
}
Number = Annotated[
    int | str | None, PlainValidator(read_count), said("", type="integer", minimum=1)
]
Items = Annotated[
    tuple[NamedItem, ...],
    PlainValidator(read_items),
    WithJsonSchema({UNSAID: True, FORM: {ITEMS: _ITEMS}}),
]


class CreateJob(Fields):
    """A job: one prompt, of which one or several videos are made."""

    model: Annotated[ModelName, Field(description="A Sora 1 model.", examples=["sora"])]
    prompt: Prompt
    width: Number = _documented("Pixels, of a size that the model renders.")
    height: Number = _documented("Pixels, of a size that the model renders.")
    n_seconds: Number = _documented("The length of the video.")
    n_variants: Number = _documented("How many videos to make of the prompt.")
    user: Annotated[User, UNDOCUMENTED] = None
    inpaint_items: Items = ()

    @property
    def wish(self) -> Wish:
        """What is asked for.

        Raises:
            InvalidRequest: one side of the picture is missing.
        """
        return Wish(
            prompt=self.prompt,
            model=self.model,
            seconds=self.n_seconds,
            size=self._size(),
            n_variants=self.n_variants,
            user=self.user,
        )

    def _size(self) -> Size | str | None:
        width, height = self.width, self.height
        if width is None and height is None:
            return None
        if width is None or height is None:
            raise missing("width" if width is None else "height")
        if isinstance(width, str) or isinstance(height, str) or not width or not height:
            return f"{str(width)[:20]}x{str(height)[:20]}"
        return Size(width, height)


class JobWords(Words):
    """See ``Words``."""

    def too_long(self, most: int, length: int) -> InvalidRequest:
        """See ``Words``."""
        return InvalidRequest(
            f"'prompt' may have at most {most} characters.",
            param="prompt",
            code="string_above_max_length",
        )

    def no_such_size(
        self, size: Size | str, supported: Sequence[Size], beside: Sequence[str] = ()
    ) -> InvalidRequest:
        """See ``Words``."""
        return InvalidRequest(
            f"Invalid resolution {size}. Supported resolutions are: "
            f"{', '.join(map(str, supported))}.",
            param="width",
            code="invalid_value",
        )

    def no_such_length(
        self, seconds: int | str, supported: Sequence[int], beside: Sequence[str] = ()
    ) -> InvalidRequest:
        """See ``Words``."""
        return InvalidRequest(
            f"'n_seconds' must be from {min(supported)} to {max(supported)}; got "
            f"'{str(seconds)[:20]}'.",
            param="n_seconds",
            code="invalid_value",
        )
