"""The models that the simulated Replicate hosts: what each takes, and how large its videos are.

As its model pages have it (autumn 2026): names, types and ranges; where a page does not show the
allowed values of an input, those that others published.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["MODELS", "Film", "HostedModel"]

_LINES = {"480p": 480, "540p": 540, "720p": 720, "768P": 768, "1080p": 1080}
_LINES |= {"2K": 1440, "2k": 1440, "4k": 2160, "standard": 720, "pro": 1080}
_EXACT = {(768, 16 / 9): 1366, (480, 16 / 9): 854}
"""The longer side where it is no even share of the shorter one."""


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number from ``least`` to ``most``."""

    least: int
    most: int


@dataclass(frozen=True, slots=True)
class Film:
    """What is to be made."""

    prompt: str
    seconds: int
    width: int
    height: int
    sound: bool


TEXT, FLAG, NUMBER, FILE = "string", "boolean", "integer", "uri"
Rule = str | Whole | tuple[Any, ...]
"""A type, a range, or the values that are allowed; a tuple with ``FILE`` is a list of files."""


@dataclass(frozen=True, slots=True)
class HostedModel:
    """One model.

    Attributes:
        takes: the rule of each input.
        defaults: of the inputs that make the film.
        lines, ratio, sound: the inputs that say so, of those that make the film.
    """

    takes: Mapping[str, Rule]
    defaults: Mapping[str, Any] = field(default_factory=dict)
    lines: str = "resolution"
    ratio: str = "aspect_ratio"
    sound: str = "generate_audio"

    def problems(self, inputs: Mapping[str, Any]) -> Iterator[str]:
        """What is wrong with the inputs, as Replicate lists it."""
        if "prompt" not in inputs:
            yield "input: prompt is required"
        for name, value in inputs.items():
            rule = self.takes.get(name)
            if rule is None:
                yield f"input: Additional property {name} is not allowed"
            elif why := _refusal(rule, value):
                yield f"input.{name}: {why}"

    def files(self, inputs: Mapping[str, Any]) -> list[str]:
        """The links to files among the inputs, in the order in which the model lists them."""
        links: list[str] = []
        for name, rule in self.takes.items():
            if name in inputs and _holds_files(rule):
                links += inputs[name] if isinstance(inputs[name], list) else [inputs[name]]
        return links

    def without_files(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """The inputs as they are repeated in answers: without ``data:`` URLs."""
        return {
            name: value
            for name, value in inputs.items()
            if "data:" not in str(value)[:16] or not _holds_files(self.takes[name])
        }

    def film(self, inputs: Mapping[str, Any], picture: tuple[int, int] | None) -> Film:
        """The film that the inputs ask for; ``picture`` is the size of the first image."""
        said = {**self.defaults, **inputs}
        lines, ratio = _LINES[said[self.lines]], said.get(self.ratio, "16:9")
        across, down = picture if picture and ratio == "adaptive" else _parts(ratio)
        longer = _EXACT.get((lines, max(across, down) / min(across, down)))
        longer = longer or _even(lines * max(across, down) / min(across, down))
        width, height = (longer, lines) if across >= down else (lines, longer)
        seconds = said["duration"]
        sound = bool(said.get(self.sound, True))
        return Film(said["prompt"], seconds if seconds > 0 else 5, width, height, sound)


def _parts(ratio: str) -> tuple[int, int]:
    across, colon, down = ratio.partition(":")
    return (int(across), int(down)) if colon else (16, 9)


def _even(pixels: float) -> int:
    return 2 * round(pixels / 2)


def _holds_files(rule: Rule) -> bool:
    return rule == FILE or (isinstance(rule, tuple) and FILE in rule)


def _refusal(rule: Rule, value: object) -> str | None:
    is_number = isinstance(value, int) and not isinstance(value, bool)
    kinds: dict[str, bool] = {
        TEXT: isinstance(value, str),
        FLAG: isinstance(value, bool),
        NUMBER: is_number,
        FILE: isinstance(value, str) and value.startswith(("data:", "http")),
    }
    if isinstance(rule, str):
        return None if kinds[rule] else f"Invalid type. Expected: {rule}"
    if isinstance(rule, Whole):
        if not isinstance(value, int) or not is_number:
            return "Invalid type. Expected: integer"
        if value < rule.least:
            return f"Must be greater than or equal to {rule.least}"
        return f"Must be less than or equal to {rule.most}" if value > rule.most else None
    if FILE in rule:
        return _not_files(value, int(rule[1]))
    if any(value == one and type(value) is type(one) for one in rule):
        return None
    told = ", ".join(map(repr, rule)).replace("'", '"')
    return f"must be one of the following: {told}"


def _not_files(value: object, most: int) -> str | None:
    if not isinstance(value, list) or not all(_refusal(FILE, item) is None for item in value):
        return "Invalid type. Expected: array of uri"
    return f"Array must have at most {most} items" if len(value) > most else None


_WIDE = ("16:9", "4:3", "1:1", "3:4", "9:16", "21:9", "9:21", "adaptive")
_HD = ("720p", "1080p")

MODELS: Mapping[str, HostedModel] = {
    "google/veo-3.1": HostedModel(
        {
            "prompt": TEXT,
            "aspect_ratio": ("16:9", "9:16"),
            "duration": (4, 6, 8),
            "image": FILE,
            "last_frame": FILE,
            "reference_images": (FILE, 3),
            "negative_prompt": TEXT,
            "resolution": _HD,
            "generate_audio": FLAG,
            "seed": NUMBER,
        },
        {"duration": 8, "resolution": "1080p", "generate_audio": True},
    ),
    "kwaivgi/kling-v3-video": HostedModel(
        {
            "prompt": TEXT,
            "negative_prompt": TEXT,
            "start_image": FILE,
            "end_image": FILE,
            "mode": ("standard", "pro"),
            "aspect_ratio": ("16:9", "9:16", "1:1"),
            "duration": Whole(3, 15),
            "generate_audio": FLAG,
            "multi_prompt": TEXT,
        },
        {"duration": 5, "mode": "pro", "generate_audio": False},
        lines="mode",
    ),
    "bytedance/seedance-2.0": HostedModel(
        {
            "prompt": TEXT,
            "image": FILE,
            "last_frame_image": FILE,
            "reference_images": (FILE, 9),
            "duration": Whole(-1, 15),
            "resolution": ("480p", *_HD, "4k"),
            "aspect_ratio": _WIDE,
            "generate_audio": FLAG,
            "seed": NUMBER,
        },
        {"duration": 5, "resolution": "720p", "generate_audio": True},
    ),
    "bytedance/seedance-2.5": HostedModel(
        {
            "prompt": TEXT,
            "image": FILE,
            "last_frame_image": FILE,
            "reference_images": (FILE, 30),
            "duration": Whole(-1, 30),
            "resolution": ("480p", "720p"),
            "aspect_ratio": _WIDE,
            "generate_audio": FLAG,
            "watermark": FLAG,
            "output_format": ("mp4", "mov"),
            "seed": NUMBER,
        },
        {"duration": 5, "resolution": "720p", "generate_audio": True},
    ),
    "minimax/h3": HostedModel(
        {
            "prompt": TEXT,
            "first_frame_image": FILE,
            "last_frame_image": FILE,
            "reference_image_urls": (FILE, 9),
            "duration": Whole(4, 15),
            "resolution": ("768P", "2K"),
            "ratio": _WIDE,
        },
        {"duration": 6, "resolution": "768P"},
        ratio="ratio",
    ),
    "luma/ray-3.2": HostedModel(
        {
            "prompt": TEXT,
            "start_image": FILE,
            "end_image": FILE,
            "duration": (5, 10),
            "resolution": ("540p", *_HD),
            "aspect_ratio": ("9:16", "3:4", "1:1", "4:3", "16:9", "21:9"),
            "loop": FLAG,
        },
        {"duration": 5, "resolution": "720p", "generate_audio": False},
    ),
    "alibaba/wan-3": HostedModel(
        {
            "prompt": TEXT,
            "duration": Whole(2, 30),
            "resolution": ("480p", *_HD),
            "aspect_ratio": ("16:9", "9:16", "1:1", "4:3", "3:4", "adaptive"),
            "negative_prompt": TEXT,
            "seed": NUMBER,
        },
        {"duration": 5, "resolution": "720p"},
    ),
    "lightricks/ltx-2.5-fast": HostedModel(
        {
            "prompt": TEXT,
            "image": FILE,
            "last_frame_image": FILE,
            "duration": (2, 3, 4, 5, 6, 8, 10, 12, 14, 16, 18, 20),
            "resolution": (*_HD, "2k", "4k"),
            "aspect_ratio": ("16:9", "9:16"),
            "generate_audio": FLAG,
        },
        {"duration": 6, "resolution": "1080p", "generate_audio": True},
    ),
}
