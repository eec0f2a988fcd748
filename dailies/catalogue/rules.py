"""What the entry of a deployment is made of: how we prove ourselves there, what we may do, what it
takes."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from pydantic import Field, model_validator

from dailies.catalogue.entry import Entry

__all__ = [
    "MOST_SECONDS",
    "Credential",
    "FieldProblem",
    "InpaintRules",
    "Quota",
    "ReferenceRules",
    "Sound",
    "utf16_units",
]

MOST_SECONDS = 600
_EARLIER_KEYS = {"formats", "exact_size", "max_bytes"}


def utf16_units(text: str) -> int:
    """The length of a text as JavaScript counts it: an emoji has two units."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


class Credential(StrEnum):
    """How the app proves itself to a deployment."""

    ENTRA = "entra"
    """A token of the app's own identity."""
    API_KEY = "api-key"
    """A key, sent as the provider takes keys."""
    BEARER = "bearer"
    """A key, sent as a bearer token, where the provider leaves the choice."""
    NONE = "none"
    """Nothing: the network alone keeps others out."""

    @property
    def needs_key(self) -> bool:
        return self in (Credential.API_KEY, Credential.BEARER)


class Sound(StrEnum):
    """Whether a model's videos have sound."""

    NEVER = "never"
    ALWAYS = "always"
    CHOSEN = "chosen"
    """The request says so."""


class FieldProblem(NamedTuple):
    """What is wrong with a field of a deployment.

    Attributes:
        field: its path in the entry, e.g. ``options.region``.
        is_unset: it is only not set, so the deployment is not in use here.
    """

    field: str
    message: str
    is_unset: bool = False


class Quota(Entry):
    """What a deployment lets us do; None is no limit.

    Attributes:
        requests_per_minute: jobs that may be created within a minute.
        concurrent: jobs that may run at once.
    """

    requests_per_minute: int | None = Field(default=None, ge=1)
    concurrent: int | None = Field(default=None, ge=1)


class ReferenceRules(Entry):
    """It takes a reference image. What files of earlier versions say of its format is accepted and
    does nothing: an image is brought to what every provider takes."""

    @model_validator(mode="before")
    @classmethod
    def _without_earlier_keys(cls, value: object) -> object:
        if not isinstance(value, Mapping):
            return value
        return {key: said for key, said in value.items() if key not in _EARLIER_KEYS}


class InpaintRules(Entry):
    """What may appear in the video at a frame of the caller's choice: images, or a video.

    Attributes:
        max_images, max_videos: how many of each; never both kinds in one request.
        max_video_seconds: the length of the longest video that is taken.
        frames_per_second: of the finished video, by which frames are counted.
        crop_bounds: the part of a picture that is used may be chosen.
    """

    max_images: int = Field(default=0, ge=0, le=16)
    max_videos: int = Field(default=0, ge=0, le=16)
    max_video_seconds: float = Field(default=5, gt=0, le=MOST_SECONDS)
    frames_per_second: int = Field(default=30, ge=1, le=240)
    crop_bounds: bool = True
