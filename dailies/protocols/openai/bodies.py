"""The bodies of the videos protocol, as typed models; the OpenAPI document is made of them.

Beside the protocol's own fields they have those that other services have for the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import ConfigDict, Field, PlainValidator, ValidationInfo

from dailies.inputs.examine import InputSource
from dailies.protocols.fields import (
    UNDOCUMENTED,
    Count,
    Fields,
    Fit,
    Length,
    ModelName,
    PictureSize,
    Prompt,
    SafetyIdentifier,
    Side,
    User,
    Word,
    read_text,
    said,
)
from dailies.protocols.frames import Crop, FrameIndex
from dailies.protocols.messages import missing, unicode_text, wrong_type
from dailies.protocols.options import ProviderOptions, Routing
from dailies.protocols.pictures import FrameImages, InputReferences, Picture, url_of
from dailies.protocols.webhooks import WebhookEvents, WebhookUrl
from dailies.protocols.wishes import Expiry, LengthFit, NegativePrompt, Seed, Sound, Urgency
from dailies.video.errors import InvalidRequest
from dailies.video.request import Role

__all__ = [
    "REFERENCE",
    "CreateCharacter",
    "CreateVideo",
    "EditVideo",
    "ExtendVideo",
    "NamedVideo",
    "RemixByCreate",
    "RemixVideo",
]

REFERENCE = "input_reference"
_LONGEST_NAME = 80


def _image_url(value: object) -> InputSource | str:
    return url_of(value, "image_url")


def _reference(value: object) -> InputSource | str:
    if isinstance(value, InputSource):
        return value
    if not isinstance(value, dict):
        raise wrong_type(REFERENCE, "a file", value)
    if value.get("file_id") not in (None, ""):
        raise InvalidRequest(
            f"Invalid '{REFERENCE}': files can't be named by 'file_id' here. Send the image as "
            'a file of a multipart form, or as {"image_url": …} with an https or a data URL.',
            param=REFERENCE,
            code="unsupported_file_id",
        )
    return url_of(value.get("image_url"), f"{REFERENCE}.image_url")


@dataclass(frozen=True, slots=True)
class NamedVideo:
    """One of the caller's videos, and the parameter that names it, as in ``video.id``."""

    id: str
    param: str


def _video(value: object, info: ValidationInfo) -> NamedVideo:
    name = info.field_name or ""
    if isinstance(value, InputSource):
        raise InvalidRequest(
            "Uploaded videos can't be edited or extended here. Name one of your own videos: "
            '{"video": {"id": "video_…"}}.',
            param=name,
            code="unsupported_video_file",
        )
    video_id, param = (value.get("id"), f"{name}.id") if isinstance(value, dict) else (value, name)
    if video_id == "":
        raise missing(param)
    if not isinstance(video_id, str):
        raise wrong_type(param, "a string", video_id)
    return NamedVideo(video_id, param)


def _name(value: object) -> str:
    if not isinstance(value, str):
        raise wrong_type("name", "a string", value)
    text = unicode_text("name", value)
    if not 1 <= len(text) <= _LONGEST_NAME or not text.strip():
        raise InvalidRequest(
            f"Invalid 'name': expected 1 to {_LONGEST_NAME} characters.",
            param="name",
            code="invalid_value",
        )
    return text


def _clip(value: object) -> InputSource:
    if not isinstance(value, InputSource):
        raise wrong_type("video", "a file", value)
    return value


_FILE = {"type": "string", "format": "binary"}
_URL = {"type": "string", "description": "An https URL on the public internet, or a data URL."}
_VIDEO_ID = {"type": "string", "description": "One of the caller's completed videos."}

Image = Annotated[
    InputSource | str | None,
    PlainValidator(_reference),
    said(
        "A JPEG, PNG, WebP, HEIC or AVIF that the video starts from; with some models, a short "
        "MP4.",
        {REFERENCE: _FILE},
        type="object",
        required=["image_url"],
        properties={"image_url": _URL},
    ),
]
ImageUrl = Annotated[InputSource | str | None, PlainValidator(_image_url), said("", type="string")]
AspectRatio = Annotated[
    Word,
    said(
        "Instead of `size`, where exactly one size of the model has it.",
        type="string",
        example="16:9",
    ),
]
Resolution = Annotated[
    Word,
    said(
        "Instead of `size`, where exactly one size of the model has it, together with "
        "`aspect_ratio`: the shorter side, or the whole size.",
        type="string",
        example="720p",
    ),
]
Remixed = Annotated[
    str,
    PlainValidator(read_text),
    said("Make a remix of this video, as `POST /videos/{video_id}/remix` does.", type="string"),
]
Source = Annotated[
    NamedVideo | None,
    PlainValidator(_video),
    said(
        "",
        {"video[id]": _VIDEO_ID},
        type="object",
        required=["id"],
        properties={"id": _VIDEO_ID},
    ),
]
Name = Annotated[
    str,
    PlainValidator(_name),
    said("", type="string", minLength=1, maxLength=_LONGEST_NAME, pattern=r"\S"),
]


def _same_as(name: str) -> Any:
    return Field(default=None, description=f"The same as `{name}`, in words of other services.")


class CreateVideo(Fields):
    """A new video, of a prompt and of what it starts from."""

    prompt: Prompt
    model: ModelName = None
    seconds: Length = None
    size: PictureSize = None
    input_reference: Image = None
    fit: Fit = None
    user: User = None
    safety_identifier: SafetyIdentifier = None
    n_variants: Count = None
    frame_index: FrameIndex = None
    crop_bounds: Crop = None
    duration: Length = _same_as("seconds")
    n_seconds: Length = _same_as("seconds")
    n: Count = _same_as("n_variants")
    image_url: ImageUrl = _same_as("input_reference.image_url")
    width: Side = None
    height: Side = None
    aspect_ratio: AspectRatio = None
    resolution: Resolution = None
    frame_images: FrameImages = ()
    input_references: InputReferences = ()
    generate_audio: Sound = None
    seed: Seed = None
    negative_prompt: NegativePrompt = None
    provider_options: ProviderOptions = Field(default_factory=dict)
    provider: Routing = Field(default_factory=dict)
    seconds_fit: LengthFit = None
    priority: Urgency = None
    expires_after: Expiry = None
    webhook_url: WebhookUrl = None
    webhook_events: WebhookEvents = None
    remix_video_id: Remixed = ""

    @property
    def reference(self) -> InputSource | str | None:
        """What it starts from: a file, or where one is to be fetched."""
        return self.image_url if self.input_reference is None else self.input_reference

    @property
    def pictures(self) -> tuple[Picture, ...]:
        """All that it is to be made of: the first frame, the last, what it is to look like."""
        first = [] if self.reference is None else [Picture(Role.FIRST, self.reference, REFERENCE)]
        frames = sorted(self.frame_images, key=lambda frame: frame.role is Role.LAST)
        return (*first, *frames, *self.input_references)


class RemixVideo(Fields):
    """A new video made from one that is there; it may say again what it keeps of that."""

    prompt: Prompt
    user: User = None
    safety_identifier: SafetyIdentifier = None
    priority: Urgency = None
    expires_after: Expiry = None
    webhook_url: WebhookUrl = None
    webhook_events: WebhookEvents = None
    model: Annotated[ModelName, UNDOCUMENTED] = None
    seconds: Annotated[Length, UNDOCUMENTED] = None
    size: Annotated[PictureSize, UNDOCUMENTED] = None
    duration: Annotated[Length, UNDOCUMENTED] = None
    n_seconds: Annotated[Length, UNDOCUMENTED] = None


class RemixByCreate(RemixVideo):
    """A create with ``remix_video_id``, as Azure documents it: a remix by another way."""

    remix_video_id: Remixed


class EditVideo(RemixVideo):
    """A change of a video that its body names; LiteLLM writes ``video_id``."""

    model_config = ConfigDict(json_schema_extra={"required": ["prompt", "video"]})

    video: Source = None
    video_id: Annotated[Source, UNDOCUMENTED] = None

    @property
    def source(self) -> NamedVideo:
        """The video to start from.

        Raises:
            InvalidRequest: none is named, or two are.
        """
        named = [video for video in (self.video, self.video_id) if video is not None]
        if not named:
            raise missing("video")
        if len({video.id for video in named}) > 1:
            raise InvalidRequest(
                "'video' and 'video_id' name two videos. Send one of them.",
                param="video_id",
                code="invalid_value",
            )
        return named[0]


class ExtendVideo(EditVideo):
    """What goes on where a video ends, ``seconds`` longer."""

    model_config = ConfigDict(json_schema_extra={"required": ["prompt", "seconds", "video"]})

    seconds: Length = None


class CreateCharacter(Fields):
    """A name and a clip to keep under it."""

    name: Name
    video: Annotated[InputSource, PlainValidator(_clip), said("", **_FILE)]
    model: ModelName = None
