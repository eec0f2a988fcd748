"""Reading where an image or a video is to appear: frame index, crop bounds, items.

The forms are those of Sora 1's jobs API; the videos protocol and dropped files take
``frame_index`` and ``crop_bounds`` as fields of their own.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from dailies.catalogue.offers import whole
from dailies.jsontext import parse_json
from dailies.video.errors import InvalidRequest
from dailies.video.framing import CropBounds
from dailies.video.record import InpaintItem, InpaintType

__all__ = ["FIELDS", "NamedItem", "read_crop", "read_frame_index", "read_items"]

FIELDS = ("frame_index", "crop_bounds")
"""The fields of the videos protocol and of dropped files that only some models know."""

_EDGES = ("left_fraction", "top_fraction", "right_fraction", "bottom_fraction")
_KEYS = ("type", "file_name", "frame_index", "crop_bounds")
_MOST_ITEMS = 16
_LONGEST_TEXT = 64 * 1024
_LONGEST_NUMBER = 64
_MOST_PARTS = 1000
_MOST_DEPTH = 8


@dataclass(frozen=True, slots=True)
class NamedItem:
    """An item of the jobs API, and the name of the attached file that it is about."""

    file_name: str
    item: InpaintItem


def read_frame_index(value: object, *, param: str = "frame_index") -> int:
    """The frame of the video, counted from 0; 0 if not given.

    Raises:
        InvalidRequest: it is no whole number from 0.
    """
    if value is None:
        return 0
    number = whole(value)
    if number is None or number < 0:
        raise _invalid(param, f"Expected a whole number from 0, but got '{str(value)[:40]}'.")
    return number


def read_crop(value: object, *, param: str = "crop_bounds") -> CropBounds | None:
    """The part of the picture to use: an object with ``left_fraction`` … ``bottom_fraction`` from 0
    to 1, or the same as JSON text (forms and metadata have nothing else). None is all of it.

    Raises:
        InvalidRequest: it is none.
    """
    if value is None or value == "":
        return None
    bounds = _parsed(value, param)
    if not isinstance(bounds, Mapping) or bounds.keys() - set(_EDGES):
        raise _invalid(param, f"Expected an object with nothing but {', '.join(_EDGES)}.")
    defaults = (0.0, 0.0, 1.0, 1.0)
    edges = [
        _fraction(bounds.get(name, default), f"{param}.{name}")
        for name, default in zip(_EDGES, defaults, strict=True)
    ]
    try:
        return CropBounds(*edges)
    except ValueError as error:
        raise _invalid(param, f"{error}.") from None


def read_items(value: object) -> list[NamedItem]:
    """``inpaint_items``: a JSON array, or that array as text.

    Raises:
        InvalidRequest: it is none, or an item of it is wrong.
    """
    param = "inpaint_items"
    if value is None or value == "":
        return []
    items = _parsed(value, param)
    if not isinstance(items, list) or len(items) > _MOST_ITEMS:
        raise _invalid(param, f"Expected an array of at most {_MOST_ITEMS} objects.")
    return [_read_item(item, f"{param}[{place}]") for place, item in enumerate(items)]


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
    if kind not in set(InpaintType):
        raise _invalid(f"{where}.type", "Expected 'image' or 'video'.")
    return NamedItem(
        name,
        InpaintItem(
            type=InpaintType(kind),
            frame_index=read_frame_index(item.get("frame_index"), param=f"{where}.frame_index"),
            crop=read_crop(item.get("crop_bounds"), param=f"{where}.crop_bounds"),
        ),
    )


def _parsed(value: object, param: str) -> object:
    if not isinstance(value, str):
        return value
    if len(value) > _LONGEST_TEXT:
        raise _invalid(param, f"The text has more than {_LONGEST_TEXT:,} characters.")
    try:
        return parse_json(value, most_parts=_MOST_PARTS, most_depth=_MOST_DEPTH)
    except ValueError:
        raise _invalid(param, "The text is no JSON that can be used.") from None


def _fraction(value: object, param: str) -> float:
    number = math.nan
    if isinstance(value, int | float) or (isinstance(value, str) and len(value) <= _LONGEST_NUMBER):
        with suppress(ValueError, OverflowError):
            number = float(value)
    if isinstance(value, bool) or not math.isfinite(number):
        raise _invalid(param, f"Expected a number from 0 to 1, but got '{str(value)[:40]}'.")
    return number


def _invalid(param: str, message: str) -> InvalidRequest:
    name = param.partition("[")[0].partition(".")[0]
    return InvalidRequest(f"Invalid '{param}': {message}", param=name, code="invalid_value")
