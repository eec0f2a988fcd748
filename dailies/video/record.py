"""The record of a video: everything that Dailies knows about it, as one document.

Records are immutable; a change is a new record, written with the ETag of the one that it was made
from (see ``dailies.stores.records``). Times are Unix seconds, sizes are bytes, money is US dollars.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, PlainValidator

from dailies.video.basics import Operation, Phase, Size, Status, Variant, VideoError
from dailies.video.framing import CropBounds, FitMode
from dailies.video.progress import Sighting, seen

__all__ = [
    "FitMode",
    "Generation",
    "InpaintItem",
    "InpaintType",
    "JobEnd",
    "ReferenceFile",
    "Source",
    "SourceKind",
    "StoredFile",
    "SubmitState",
    "VideoRecord",
    "VideoRequest",
]


def _to_size(value: Any) -> Size:
    return value if isinstance(value, Size) else Size.parse(str(value))


SizeField = Annotated[Size, PlainValidator(_to_size), PlainSerializer(str, return_type=str)]


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class SourceKind(StrEnum):
    """The ways in."""

    HTTP = "http"
    DROP = "drop"
    OPERATOR = "operator"


class Source(_Document):
    """Where a request came from; ``blob`` and ``etag`` name a dropped image."""

    kind: SourceKind = SourceKind.HTTP
    blob: str | None = None
    etag: str | None = None


class StoredFile(_Document):
    """A file in Blob Storage: of the finished video, or one that it starts from."""

    blob: str
    content_type: str
    bytes: int
    sha256: str
    etag: str


class InpaintType(StrEnum):
    """What may appear at a frame of the caller's choice."""

    IMAGE = "image"
    VIDEO = "video"


class InpaintItem(_Document):
    """An image or a video that appears in the video from ``frame_index`` on.

    Attributes:
        crop: the part of the picture to use; None for all of it.
        file: the blob as it is sent; set once it is stored.
        original: the blob as it was given, where that is another.
        fit: how we bring an image to the video's size before it is sent, or only upright where a
            crop is wanted; None: it is sent as it was given.
        prepared: ``fit`` has been done.
    """

    type: InpaintType
    frame_index: int = 0
    crop: CropBounds | None = None
    file: StoredFile | None = None
    original: str | None = None
    fit: FitMode | None = None
    prepared: bool = False

    @property
    def needs_preparing(self) -> bool:
        return self.fit is not None and not self.prepared


class ReferenceFile(_Document):
    """The reference image: the blob as it was given, and the one fitted for the model, which is
    ``file`` (None in records of before it was kept)."""

    original: str = ""
    fitted: str | None = None
    file: StoredFile | None = None
    content_type: str = "application/octet-stream"
    fit: FitMode = FitMode.COVER


class VideoRequest(_Document):
    """What was asked for, valid for its model.

    ``seconds`` is what the provider renders and charges. A remix, edit or extension is tied to the
    ``deployment`` that made its source and starts from ``source_job_id`` there, or from our own
    ``source_file``; an extension is ``source_seconds`` longer than what is rendered.
    """

    model: str
    prompt: str = Field(repr=False)
    seconds: int
    size: SizeField
    user: str | None = None
    operation: Operation = Operation.CREATE
    source_video_id: str | None = None
    source_job_id: str | None = None
    source_file: str | None = None
    source_seconds: int = 0
    deployment: str | None = None
    reference: ReferenceFile | None = None
    n_variants: int = 1
    inpaint: tuple[InpaintItem, ...] = ()

    @property
    def needs_preparing(self) -> bool:
        """Whether something must be done to its images before it can be submitted."""
        return self.reference is not None or any(item.needs_preparing for item in self.inpaint)

    @property
    def total_seconds(self) -> int:
        """How long the finished video is."""
        return self.seconds + self.source_seconds


class JobEnd(StrEnum):
    """How an upstream job has ended, as far as the provider told; it decides what is charged."""

    COMPLETED = "completed"
    FAILED = "failed"
    STOPPING = "stopping"
    """It ran, and the provider was told to stop it; what it said to that is not known yet."""
    STOPPED = "stopped"
    """It ran, and the provider stopped it."""


class SubmitState(_Document):
    """How far the one paid request of this video has come.

    ``sending_since`` is set before the request leaves and cleared only when it is certain that
    nothing was done upstream; whoever finds it set, without a ``job_id``, must reconcile.
    ``failure_reason`` is the provider's own word for why the job failed.
    ``sending_mark`` tells the execution that sends from all others. ``job_end`` is None while the
    job runs, and when nobody knows.
    """

    deployment: str | None = None
    retired: tuple[str, ...] = ()
    first_attempt_at: float | None = None
    sending_since: float | None = None
    sending_mark: str | None = None
    reconciled: int = 0
    attempts: int = 0
    job_id: str | None = None
    submitted_at: float | None = None
    failure_reason: str | None = None
    job_end: JobEnd | None = None


class Generation(_Document):
    """One of the videos that a job made of its prompt; ``id`` is the provider's."""

    id: str
    files: dict[Variant, StoredFile] = {}


class ErrorField(_Document):
    """Why the video failed."""

    code: str
    message: str


class VideoRecord(_Document):
    """One video. ``progress`` never goes back.

    ``cost_usd`` is what it costs, None while it runs and where nobody knows the price;
    ``cost_is_estimate`` says that it is what the provider may charge for a job whose end it has not
    told. ``withdrawn_at`` is when its owner deleted it while it ran: from then on nobody but the
    pipeline sees it, and it is removed once it has ended.

    A provider that makes several videos of a prompt has them in ``generations``; ``files`` are then
    those of the first.
    """

    id: str
    owner: str
    created_at: float
    request: VideoRequest
    source: Source = Source()
    phase: Phase = Phase.ACCEPTED
    progress: int = 0
    sightings: tuple[Sighting, ...] = ()
    submit: SubmitState = SubmitState()
    upstream_expires_at: float | None = None
    rendered_at: float | None = None
    completed_at: float | None = None
    error: ErrorField | None = None
    files: dict[Variant, StoredFile] = {}
    generations: tuple[Generation, ...] = ()
    cost_usd: float | None = None
    cost_is_estimate: bool = False
    published: tuple[str, ...] = ()
    cancel_requested: bool = False
    withdrawn_at: float | None = None
    restarts: int = 0
    idempotency_key: str | None = None
    request_hash: str | None = None
    traceparent: str | None = None

    @property
    def status(self) -> Status:
        return self.phase.status

    @property
    def is_final(self) -> bool:
        return self.phase.is_final

    @property
    def is_withdrawn(self) -> bool:
        return self.withdrawn_at is not None

    @property
    def all_files(self) -> dict[str, StoredFile]:
        """Every stored file: by its variant, and by ``video-1`` … where there are generations."""
        files = {variant.value: file for variant, file in self.files.items()}
        for number, made in enumerate(self.generations, start=1):
            files |= {f"{variant.value}-{number}": file for variant, file in made.files.items()}
        return files

    def moved_to(self, phase: Phase, **changes: Any) -> VideoRecord:
        """This record in another phase. A final phase is never left."""
        if self.is_final:
            return self
        return self.model_copy(update={"phase": phase, **changes})

    def progressed(self, percent: int, now: float) -> VideoRecord:
        """This record with the progress raised; 100 is kept for a stored video."""
        percent = max(0, min(percent, 99))
        if percent <= self.progress or self.submit.submitted_at is None:
            return self
        sightings = seen(self.sightings, now - self.submit.submitted_at, percent)
        return self.model_copy(update={"progress": percent, "sightings": sightings})

    def failed(
        self,
        error: VideoError,
        now: float,
        cost_usd: float | None = 0.0,
        *,
        cost_is_estimate: bool = False,
    ) -> VideoRecord:
        """This record, ended. ``cancelled`` is the code of a video that its owner stopped."""
        phase = Phase.CANCELLED if error.code == "cancelled" else Phase.FAILED
        return self.moved_to(
            phase,
            error=ErrorField(code=error.code, message=error.message),
            completed_at=now,
            cost_usd=cost_usd,
            cost_is_estimate=cost_is_estimate,
        )

    def with_submit(self, **changes: Any) -> VideoRecord:
        """This record with its submit state changed."""
        return self.model_copy(update={"submit": self.submit.model_copy(update=changes)})
