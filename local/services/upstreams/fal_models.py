"""Some of the models that fal hosts: what each takes, and what is wrong with inputs.

Sources: the schemas of fal's model pages and of its client for JavaScript (1.10.1). Of Kling 4 only
lengths and resolutions are told, of Seedance 2.5 and H3 what others send.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from local.services.bodies import Upload, image_size
from local.services.errors import ServiceError

__all__ = ["MODELS", "Model", "Wanted"]

_WIDE = ("auto", "21:9", "16:9", "4:3", "1:1", "3:4", "9:16")
_HD = ("720p", "1080p")
_LINES = {"2k": 1440, "4k": 2160}
_MOST_IMAGES = 9
_AUTO_SECONDS = 5
_IMAGE, _IMAGES = "image", "images"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What valid inputs ask for."""

    seconds: int
    width: int
    height: int
    images: tuple[bytes, ...]
    sound: bool


@dataclass(frozen=True, slots=True)
class Model:
    """A model's inputs.

    Attributes:
        fields: what each may be: one of some values, a number of a range, a type, an image or
            several. Beside the prompt, images are required unless they are ``optional``.
        defaults: of length, resolution and shape, where they are not given.
    """

    fields: Mapping[str, Any]
    optional: tuple[str, ...] = ()
    defaults: Mapping[str, Any] = field(default_factory=dict)

    def problems(self, inputs: Mapping[str, Any]) -> list[dict[str, Any]]:
        """What is wrong with inputs, each as fal tells it."""
        fields = {"prompt": str, **self.fields}
        needed = {"prompt", *(name for name, kind in fields.items() if kind in (_IMAGE, _IMAGES))}
        found = [
            _problem(name, "missing", "Field required")
            for name in sorted(needed - inputs.keys() - set(self.optional))
        ]
        for name, value in inputs.items():
            if name not in fields:
                found.append(_problem(name, "extra_forbidden", "Extra inputs are not permitted"))
            elif (wrong := _wrong(fields[name], value)) is not None:
                found.append(_problem(name, *wrong))
        return found

    def wanted(self, inputs: Mapping[str, Any]) -> Wanted:
        """What inputs without problems ask for."""
        images = tuple(
            picture
            for name, kind in self.fields.items()
            if kind in (_IMAGE, _IMAGES) and name in inputs
            for picture in _pictures(inputs[name])
        )
        given = {**self.defaults, **inputs}
        width, height = _size(str(given["resolution"]), str(given["aspect_ratio"]), images)
        length = str(given["duration"])
        seconds = _AUTO_SECONDS if length == "auto" else int(length.removesuffix("s"))
        return Wanted(seconds, width, height, images, given.get("generate_audio", True))


def _wrong(kind: Any, value: object) -> tuple[str, str] | None:
    """The type and the text of what is wrong with a value."""
    if isinstance(kind, tuple):
        fits = any(type(value) is type(option) and value == option for option in kind)
        return (
            None if fits else ("literal_error", f"Input should be {' or '.join(map(repr, kind))}")
        )
    if isinstance(kind, range):
        if not isinstance(value, int) or isinstance(value, bool):
            return "int_type", "Input should be a valid integer"
        fits = value in kind
        return None if fits else ("value_error", f"Input should be {kind.start} to {kind.stop - 1}")
    if kind in (_IMAGE, _IMAGES):
        return _wrong_images(value, several=kind == _IMAGES)
    fits = isinstance(value, kind) and (kind is bool or not isinstance(value, bool))
    return None if fits else (f"{kind.__name__}_type", f"Input should be a valid {kind.__name__}")


def _wrong_images(value: object, *, several: bool) -> tuple[str, str] | None:
    if several and not (isinstance(value, list) and 1 <= len(value) <= _MOST_IMAGES):
        return "list_type", f"Input should be a list of 1 to {_MOST_IMAGES} images"
    try:
        for _ in _pictures(value):
            pass
    except _Unreachable:
        # fal would fetch links; here there is no such place.
        return "file_download_error", "Failed to download the file."
    except (binascii.Error, ServiceError):
        return "image_load_error", "Failed to load the image."
    return None


class _Unreachable(ValueError):
    pass


def _pictures(value: object) -> Iterator[bytes]:
    for url in value if isinstance(value, list) else [value]:
        head, comma, data = url.partition(",") if isinstance(url, str) else ("", "", "")
        if not comma or not head.startswith("data:image/") or not head.endswith(";base64"):
            raise _Unreachable
        picture = base64.b64decode(data, validate=True)
        image_size(Upload("image", head[5:-7], picture), "image")
        yield picture


def _size(resolution: str, ratio: str, images: tuple[bytes, ...]) -> tuple[int, int]:
    """Width and height; a shape that is not given is the first image's."""
    name = resolution.lower()
    lines = _LINES.get(name) or int(name.removesuffix("p"))
    across, down = 16, 9
    if ratio not in ("auto", "adaptive"):
        across, down = map(int, ratio.split(":"))
    elif images:
        across, down = image_size(Upload("image", "", images[0]), "image")
    longer = round(lines * max(across, down) / min(across, down) / 16) * 16
    return (longer, lines) if across >= down else (lines, longer)


def _problem(name: str, kind: str, text: str) -> dict[str, Any]:
    return {"loc": ["body", name], "msg": text, "type": kind}


def _texts(first: int, last: int) -> tuple[str, ...]:
    return tuple(map(str, range(first, last + 1)))


_SEEDANCE = {
    "resolution": ("480p", "720p"),
    "duration": ("auto", *_texts(4, 30)),
    "aspect_ratio": _WIDE,
    "generate_audio": bool,
}
_SEEDANCE_DEFAULTS = {"resolution": "720p", "duration": 5, "aspect_ratio": "auto"}
_FLUX = {
    "duration": range(5, 21),
    "aspect_ratio": (*_WIDE, "2:1"),
    "resolution": _HD,
    "generate_audio": bool,
    "reasoning_level": ("low", "high"),
    "seed": int,
}
_FLUX_DEFAULTS = {"resolution": "720p", "duration": 5, "aspect_ratio": "auto"}
_H3 = {
    "duration": range(5, 16),
    "resolution": ("480P", "768P", "2K", "4K"),
    "seed": int,
    "enable_prompt_expansion": bool,
}
_H3_SHAPES = {"aspect_ratio": ("adaptive", *_WIDE[1:])}
_H3_DEFAULTS = {"resolution": "2K", "duration": 5, "aspect_ratio": "auto"}
_HORSE = {
    "resolution": _HD,
    "duration": range(3, 16),
    "seed": int,
    "enable_safety_checker": bool,
}
_HORSE_SHAPES = {"aspect_ratio": (*_WIDE[1:], "9:21", "5:4", "4:5")}
_HORSE_DEFAULTS = {"resolution": "1080p", "duration": 5, "aspect_ratio": "auto"}
_RAY = {
    "aspect_ratio": ("3:1", "2:1", *_WIDE[1:], "3:2", "2:3", "1:2", "1:3"),
    "resolution": ("540p", *_HD),
    "duration": ("5s", "10s"),
    "loop": bool,
}
_RAY_DEFAULTS = {
    "resolution": "540p",
    "duration": "5s",
    "aspect_ratio": "16:9",
    "generate_audio": False,
}
_KLING = {"resolution": _HD, "duration": _texts(3, 30)}
_KLING_DEFAULTS = {"resolution": "720p", "duration": 5, "aspect_ratio": "auto"}
_VEO = {
    "resolution": (*_HD, "4k"),
    "duration": ("4s", "6s", "8s"),
    "generate_audio": bool,
    "auto_fix": bool,
    "safety_tolerance": _texts(1, 6),
}
_VEO_MORE = {"seed": int, "negative_prompt": str}
_VEO_SHAPES = {"aspect_ratio": ("auto", "16:9", "9:16")}
_VEO_DEFAULTS = {"resolution": "720p", "duration": "8s", "aspect_ratio": "auto"}
_FRAMES = {"image_url": _IMAGE, "end_image_url": _IMAGE}
_END = ("end_image_url",)

MODELS = {
    "bytedance/seedance-2.5/text-to-video": Model(_SEEDANCE, (), _SEEDANCE_DEFAULTS),
    "bytedance/seedance-2.5/image-to-video": Model(_SEEDANCE | _FRAMES, _END, _SEEDANCE_DEFAULTS),
    "bytedance/seedance-2.5/reference-to-video": Model(
        _SEEDANCE | {"image_urls": _IMAGES}, (), _SEEDANCE_DEFAULTS
    ),
    "blackforestlabs/flux-3-max/text-to-video": Model(_FLUX, (), _FLUX_DEFAULTS),
    "blackforestlabs/flux-3-max/image-to-video": Model(_FLUX | _FRAMES, _END, _FLUX_DEFAULTS),
    "minimax/h3/text-to-video": Model(_H3 | _H3_SHAPES, (), _H3_DEFAULTS),
    "minimax/h3/image-to-video": Model(_H3 | _FRAMES, _END, _H3_DEFAULTS),
    "minimax/h3/reference-to-video": Model(
        _H3 | _H3_SHAPES | {"reference_image_urls": _IMAGES}, (), _H3_DEFAULTS
    ),
    "alibaba/happy-horse/v1.1/text-to-video": Model(_HORSE | _HORSE_SHAPES, (), _HORSE_DEFAULTS),
    "alibaba/happy-horse/v1.1/image-to-video": Model(
        _HORSE | {"image_url": _IMAGE}, (), _HORSE_DEFAULTS
    ),
    "alibaba/happy-horse/v1.1/reference-to-video": Model(
        _HORSE | _HORSE_SHAPES | {"image_urls": _IMAGES}, (), _HORSE_DEFAULTS
    ),
    "luma/agent/ray/v3.2/text-to-video": Model(_RAY, (), _RAY_DEFAULTS),
    "luma/agent/ray/v3.2/image-to-video": Model(_RAY | {"image_url": _IMAGE}, (), _RAY_DEFAULTS),
    "kling/v4/text-to-video": Model(
        _KLING | {"aspect_ratio": ("16:9", "9:16", "1:1")}, (), _KLING_DEFAULTS
    ),
    "kling/v4/image-to-video": Model(
        _KLING | {"start_image_url": _IMAGE, "end_image_url": _IMAGE}, _END, _KLING_DEFAULTS
    ),
    "fal-ai/veo3.1": Model(_VEO | _VEO_MORE | _VEO_SHAPES, (), _VEO_DEFAULTS),
    "fal-ai/veo3.1/image-to-video": Model(
        _VEO | _VEO_MORE | _VEO_SHAPES | {"image_url": _IMAGE}, (), _VEO_DEFAULTS
    ),
    "fal-ai/veo3.1/first-last-frame-to-video": Model(
        _VEO | _VEO_MORE | _VEO_SHAPES | {"first_frame_url": _IMAGE, "last_frame_url": _IMAGE},
        (),
        _VEO_DEFAULTS,
    ),
    "fal-ai/veo3.1/reference-to-video": Model(
        _VEO | _VEO_SHAPES | {"image_urls": _IMAGES}, (), _VEO_DEFAULTS
    ),
}
"""By their ids, which are the paths of the queue."""
