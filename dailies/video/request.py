"""What was asked for: the request of a video, and what the video starts from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    model_validator,
)

from dailies.video.basics import Operation, Priority, Size
from dailies.video.framing import CropBounds, FitMode

__all__ = ["Document", "Input", "InputKind", "Role", "StoredFile", "VideoRequest", "Webhook"]


def _to_size(value: Any) -> Size:
    return value if isinstance(value, Size) else Size.parse(str(value))


SizeField = Annotated[Size, PlainValidator(_to_size), PlainSerializer(str, return_type=str)]


class Document(BaseModel):
    """A part of a record; what a later version has written beside it is left alone."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class StoredFile(Document):
    """A file in Blob Storage: of the finished video, or one that it starts from.

    Only the name is known of what records of earlier versions name: ``etag`` is empty then.
    """

    blob: str
    content_type: str
    bytes: int
    sha256: str
    etag: str


class InputKind(StrEnum):
    """What an input is."""

    IMAGE = "image"
    VIDEO = "video"


class Role(StrEnum):
    """What an input is for: the first or last frame, a frame of choice, something to look like, or
    the video that is edited or extended."""

    FIRST = "first"
    LAST = "last"
    FRAME = "frame"
    REFERENCE = "reference"
    SOURCE = "source"


class Input(Document):
    """An image or a video that a video starts from.

    Attributes:
        frame_index: of the role ``frame``: where it appears.
        crop: the part of the picture to use; None for all of it.
        file: the blob as it is sent, once it is prepared; until then as it was given. None while it
            is not stored.
        original: the blob as it was given, where that is another; it is deleted.
        fit: how we bring an image to the video's size before it is sent, or only upright where a
            crop is wanted; None: it is sent as it was given.
        prepared: ``fit`` has been done.
    """

    role: Role
    type: InputKind
    frame_index: int = 0
    crop: CropBounds | None = None
    file: StoredFile | None = None
    original: str | None = None
    fit: FitMode | None = None
    prepared: bool = False

    @property
    def needs_preparing(self) -> bool:
        return self.fit is not None and not self.prepared


class Webhook(Document):
    """An address of the caller's that is told what becomes of a video.

    ``events`` are the types of those that it is told, as ``dailies.video.completed``. The address
    may hold a secret, so it is never logged.
    """

    url: str = Field(repr=False)
    events: tuple[str, ...]


class VideoRequest(Document):
    """What was asked for, valid for its model.

    ``seconds`` is what the provider renders and charges. A remix, edit or extension is tied to the
    ``deployment`` that made its source and starts from ``source_job_id`` there, or from our own
    file, the input of the role ``source``; an extension is ``source_seconds`` longer than what is
    rendered. ``sound`` and the other wishes are None where nothing was said; ``provider_options``
    are for the provider alone that makes the video. ``priority`` is as it was asked for, None where
    nothing was said; ``expires_after`` is for how many seconds it may wait to be sent.
    ``safety_identifier`` tells the provider one end user from another. ``webhook`` is told what
    becomes of it.
    """

    model: str
    prompt: str = Field(repr=False)
    seconds: int
    size: SizeField
    user: str | None = None
    operation: Operation = Operation.CREATE
    source_video_id: str | None = None
    source_job_id: str | None = None
    source_seconds: int = 0
    deployment: str | None = None
    n_variants: int = 1
    seed: int | None = None
    negative_prompt: str | None = Field(default=None, repr=False)
    sound: bool | None = None
    provider_options: dict[str, Any] = Field(default_factory=dict, repr=False)
    priority: Priority | None = None
    expires_after: int | None = None
    safety_identifier: str | None = None
    webhook: Webhook | None = None
    inputs: tuple[Input, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _of_before(cls, document: Any) -> Any:
        """Read what versions wrote that had a model for each kind of input."""
        if not isinstance(document, Mapping) or "inputs" in document:
            return document
        return {**document, "inputs": tuple(_inputs_of_before(document))}

    @property
    def needs_preparing(self) -> bool:
        """Whether something is done to its images before it can be submitted. That is safe to do
        again, so also where it has been done."""
        return any(item.fit is not None for item in self.inputs)

    @property
    def total_seconds(self) -> int:
        """How long the finished video is."""
        return self.seconds + self.source_seconds

    @property
    def first_frame(self) -> Input | None:
        """The image that it starts with."""
        return next(iter(self.inputs_of(Role.FIRST)), None)

    @property
    def source_file(self) -> StoredFile | None:
        """Our own file of the video that is edited or extended, where the provider has no copy."""
        return next((item.file for item in self.inputs_of(Role.SOURCE)), None)

    def inputs_of(self, role: Role) -> tuple[Input, ...]:
        """The inputs of a role, in their order."""
        return tuple(item for item in self.inputs if item.role is role)


def _inputs_of_before(document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The inputs of a request that has ``reference``, ``inpaint`` or ``source_file``."""
    image = {"role": Role.FIRST, "type": InputKind.IMAGE}
    if reference := document.get("reference"):
        fitted = reference.get("fitted")
        known = reference.get("file") or _only_named(
            fitted or reference.get("original", ""), reference.get("content_type")
        )
        yield {
            **image,
            "file": known,
            "original": (reference.get("original") or None) if fitted else None,
            "fit": reference.get("fit", FitMode.COVER),
            "prepared": fitted is not None,
        }
    for item in document.get("inpaint") or ():
        yield {**item, "role": Role.FRAME}
    if name := document.get("source_file"):
        file = _only_named(name, "video/mp4")
        yield {"role": Role.SOURCE, "type": InputKind.VIDEO, "file": file}


def _only_named(blob: str, content_type: str | None) -> dict[str, Any]:
    media = content_type or "application/octet-stream"
    return {"blob": blob, "content_type": media, "bytes": 0, "sha256": "", "etag": ""}
