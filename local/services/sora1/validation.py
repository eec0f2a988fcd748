"""Checks of Sora 1's requests and their limits."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from local.services.bodies import Body, Upload, image_size
from local.services.errors import ServiceError
from local.services.jobs import Reference
from local.services.media.clip import UnreadableClipError, probe_clip
from local.services.media.library import MediaLibrary
from local.services.media.spec import FRAME_RATE, Crop, Input
from local.services.sora1.errors import bad_parameter, flat_error

SIZES = (
    (480, 480),
    (480, 854),
    (854, 480),
    (720, 720),
    (720, 1280),
    (1280, 720),
    (1080, 1080),
    (1080, 1920),
    (1920, 1080),
)
SECONDS = range(1, 21)
DEFAULT_SECONDS = 5
PROMPT_LENGTH = 32_000
MOST_IMAGES = 2
LONGEST_CLIP = 5.0  # seconds
_CLIP_TOLERANCE = 0.1  # seconds; containers round up to whole frames
_FIELDS = frozenset(
    {"prompt", "model", "width", "height", "n_seconds", "n_variants", "inpaint_items", "files"}
)
_FRACTIONS = ("left_fraction", "top_fraction", "right_fraction", "bottom_fraction")


@dataclass(frozen=True, slots=True)
class Shape:
    """The parameters that are numbers."""

    width: int
    height: int
    seconds: int
    variants: int


def most_variants(width: int, height: int) -> int:
    """How many variants a job of this size may have."""
    edge = min(width, height)
    return 1 if edge >= 1080 else 2 if edge >= 720 else 4


def check_known(body: Body) -> None:
    """No parameter is unknown."""
    for name in (*body.fields, *body.files):
        if name not in _FIELDS:
            raise flat_error(
                400, f"Unknown parameter: '{name}'.", code="unknown_parameter", param=name
            )


def text(body: Body, name: str) -> str:
    """A required string."""
    value = body.fields.get(name)
    if value is None:
        raise flat_error(
            400,
            f"Missing required parameter: '{name}'.",
            code="missing_required_parameter",
            param=name,
        )
    if not isinstance(value, str) or not value:
        raise bad_parameter(name, f"'{name}' must be a string of at least one character.")
    return value


def prompt_of(body: Body) -> str:
    """The prompt."""
    prompt = text(body, "prompt")
    if len(prompt) > PROMPT_LENGTH:
        raise bad_parameter("prompt", f"'prompt' may have at most {PROMPT_LENGTH} characters.")
    return prompt


def shape_of(body: Body) -> Shape:
    """Size, length and number of variants, within the model's limits."""
    width, height = _whole(body, "width", None), _whole(body, "height", None)
    if (width, height) not in SIZES:
        listing = ", ".join(f"{w}x{h}" for w, h in SIZES)
        raise bad_parameter(
            "width", f"Invalid resolution {width}x{height}. Supported resolutions are: {listing}."
        )
    seconds = _whole(body, "n_seconds", DEFAULT_SECONDS)
    if seconds not in SECONDS:
        raise bad_parameter(
            "n_seconds", f"'n_seconds' must be from {SECONDS[0]} to {SECONDS[-1]}; got {seconds}."
        )
    variants = _whole(body, "n_variants", 1)
    most = most_variants(width, height)
    if not 1 <= variants <= most:
        raise bad_parameter(
            "n_variants",
            f"'n_variants' must be from 1 to {most} at {width}x{height}; got {variants}.",
        )
    return Shape(width, height, seconds, variants)


def inputs_of(
    body: Body, shape: Shape, library: MediaLibrary
) -> tuple[tuple[Input, ...], tuple[Reference, ...]]:
    """The images or the video that the job starts from."""
    items = _items(body)
    kinds = [item.get("type") for item in items]
    for kind in kinds:
        if kind not in ("image", "video"):
            raise _bad_item(f"'type' must be 'image' or 'video'; got {kind!r}")
    if kinds.count("video") > 1 or ("video" in kinds and "image" in kinds):
        raise _bad_item("use either images or one video")
    if len(kinds) > MOST_IMAGES:
        raise _bad_item(f"at most {MOST_IMAGES} images can be used")
    found = [_input(item, body, shape, library) for item in items]
    frames = [item.frame_index for item, _ in found]
    if len(set(frames)) < len(frames):
        raise _bad_item("two images can't stand at one 'frame_index'")
    return tuple(item for item, _ in found), tuple(reference for _, reference in found)


def _input(
    item: dict[str, Any], body: Body, shape: Shape, library: MediaLibrary
) -> tuple[Input, Reference]:
    frame_index = item.get("frame_index", 0)
    last = shape.seconds * FRAME_RATE - 1
    if isinstance(frame_index, bool) or not isinstance(frame_index, int):
        raise _bad_item("'frame_index' must be an integer")
    if not 0 <= frame_index <= last:
        raise _bad_item(f"'frame_index' must be from 0 to {last}; got {frame_index}")
    upload = _named(item.get("file_name"), body)
    crop = _crop(item.get("crop_bounds"))
    sha256 = library.keep_input(upload.data)
    if item["type"] == "image":
        width, height = _image_size(upload)
        return (
            Input("image", sha256, frame_index, crop),
            Reference(len(upload.data), sha256, width, height),
        )
    try:
        clip = probe_clip(library.input_path(sha256))
    except UnreadableClipError as exc:
        raise bad_parameter("files", f"'{upload.name}' can't be used: {exc}.") from exc
    if clip.seconds > LONGEST_CLIP + _CLIP_TOLERANCE:
        raise bad_parameter(
            "files",
            f"An input video may be at most {LONGEST_CLIP:g} seconds long; '{upload.name}' has "
            f"{clip.seconds:.1f}.",
        )
    return (
        Input("video", sha256, frame_index, crop),
        Reference(len(upload.data), sha256, clip.width, clip.height),
    )


def _items(body: Body) -> list[dict[str, Any]]:
    given = body.fields.get("inpaint_items")
    if body.is_form and isinstance(given, str):
        try:
            given = json.loads(given)
        except ValueError:
            raise _bad_item("it is not a JSON array") from None
    if given is None:
        if body.files.get("files"):
            raise _bad_item("files were sent, but nothing says where they belong")
        return []
    if not isinstance(given, list) or not all(isinstance(item, dict) for item in given):
        raise _bad_item("it must be an array of objects")
    return given


def _named(name: object, body: Body) -> Upload:
    for upload in body.files.get("files", []):
        if upload.name == name:
            return upload
    raise _bad_item(f"no attached file is named {name!r}: 'file_name' must equal its filename")


def _crop(bounds: object) -> Crop:
    if bounds is None:
        return Crop()
    if not isinstance(bounds, dict):
        raise _bad_item("'crop_bounds' must be an object")
    values = [
        bounds.get(name, default) for name, default in zip(_FRACTIONS, (0, 0, 1, 1), strict=True)
    ]
    for name, value in zip(_FRACTIONS, values, strict=True):
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
            raise _bad_item(f"'{name}' must be a number from 0 to 1; got {value!r}")
    left, top, right, bottom = (float(value) for value in values)
    if left >= right or top >= bottom:
        raise _bad_item("'crop_bounds' leaves nothing of the image")
    return Crop(left, top, right, bottom)


def _image_size(upload: Upload) -> tuple[int, int]:
    try:
        return image_size(upload, "files")
    except ServiceError as exc:
        raise bad_parameter("files", str(exc.body["error"]["message"])) from exc


def _whole(body: Body, name: str, default: int | None) -> int:
    value = body.fields.get(name, default)
    if value is None:
        raise flat_error(
            400,
            f"Missing required parameter: '{name}'.",
            code="missing_required_parameter",
            param=name,
        )
    if body.is_form and isinstance(value, str) and value.isascii() and value.isdigit():
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise bad_parameter(name, f"'{name}' must be an integer; got {value!r}.")
    return value


def _bad_item(problem: str) -> ServiceError:
    return bad_parameter("inpaint_items", f"Invalid 'inpaint_items': {problem}.")
