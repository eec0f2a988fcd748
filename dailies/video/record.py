"""The record of a video: everything that Dailies knows about it, as one document.

Records are immutable; a change is a new record, written with the ETag of the one that it was made
from (see ``dailies.stores.records``). Times are Unix seconds, sizes are bytes, money is US dollars.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from pydantic import Field

from dailies.video.basics import Phase, Priority, Status, Variant, VideoError
from dailies.video.guarding import FrameCheck
from dailies.video.money import Reserve
from dailies.video.probe import Findings
from dailies.video.progress import Sighting, seen
from dailies.video.request import Document, StoredFile, VideoRequest

__all__ = [
    "Attempt",
    "GeneratedVideo",
    "JobEnd",
    "Source",
    "SourceKind",
    "StoredFile",
    "SubmitState",
    "VideoRecord",
    "VideoRequest",
]


# That is a row of the manifest each; what came before the last ones is of no use to anybody.
_MOST_ATTEMPTS = 50


class SourceKind(StrEnum):
    """The ways in."""

    HTTP = "http"
    DROP = "drop"
    BATCH = "batch"
    OPERATOR = "operator"


class Source(Document):
    """Where a request came from; ``blob`` and ``etag`` name a dropped image, ``video_id`` the
    failed video that was made again."""

    kind: SourceKind = SourceKind.HTTP
    blob: str | None = None
    etag: str | None = None
    video_id: str | None = None


class JobEnd(StrEnum):
    """How an upstream job has ended, as far as the provider told; it decides what is charged."""

    COMPLETED = "completed"
    FAILED = "failed"
    STOPPING = "stopping"
    """It ran, and the provider was told to stop it; what it said to that is not known yet."""
    STOPPED = "stopped"
    """It ran, and the provider stopped it."""


class Attempt(Document):
    """The request was sent to a deployment; what became of it.

    ``outcome`` and ``code`` are those of the provider's answer, None while nobody knows; ``at`` is
    when it left, in Unix seconds. Attempts in a row that came to the same at the same deployment
    are told as one: how many ``times``, and when the last one left (``last_at``).
    """

    deployment: str
    provider: str
    at: float
    outcome: str | None = None
    code: str | None = None
    times: int = 1
    last_at: float | None = None


class SubmitState(Document):
    """How far the one paid request of this video has come.

    ``sending_since`` is set before the request leaves and cleared only when it is certain that
    nothing was done upstream; whoever finds it set, without a ``job_id``, must reconcile.
    ``failure_reason`` is the provider's own word for why the job failed.
    ``sending_mark`` tells the execution that sends from all others. ``job_end`` is None while the
    job runs, and when nobody knows. ``charged_usd`` is what the provider says that it charges.
    ``callback_token`` is the secret part of the address that it may call about this video.

    ``in_doubt``: an earlier attempt may have made a job, and the same request is sent again to the
    same deployment, which knows it by its key. ``unresolved_since``: from then on an operator is
    asked what became of the request; ``given_up``: the answer was that the video ends.
    ``way``: all attempts, the latest at the end; ``ruled_out``: where the video is not sent again,
    beside what is ``retired``. ``provider`` is that of the ``deployment``.
    ``not_cancelled`` is why the provider could not be told to stop, as it was last logged.
    ``empty_since``: from then on the job is said to be done, and gives no video.
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
    charged_usd: float | None = None
    empty_since: float | None = None
    not_cancelled: str | None = None
    callback_token: str | None = Field(default=None, repr=False)
    in_doubt: bool = False
    unresolved_since: float | None = None
    given_up: bool = False
    provider: str | None = None
    ruled_out: tuple[str, ...] = ()
    way: tuple[Attempt, ...] = ()

    def leaves_for(self, deployment: str, provider: str, at: float) -> tuple[Attempt, ...]:
        """Its way, with an attempt that nobody knows the end of yet."""
        return (*self.way, Attempt(deployment=deployment, provider=provider, at=at))

    def came_to(self, outcome: str, code: str | None) -> tuple[Attempt, ...]:
        """Its way, once it is known what became of the last attempt."""
        if not self.way or self.way[-1].outcome is not None:
            return self.way
        last = self.way[-1].model_copy(update={"outcome": outcome, "code": code})
        earlier = self.way[:-1]
        if earlier and (earlier[-1].deployment, earlier[-1].outcome, earlier[-1].code) == (
            last.deployment,
            outcome,
            code,
        ):
            again = {"times": earlier[-1].times + 1, "last_at": last.at}
            return (*earlier[:-1], earlier[-1].model_copy(update=again))
        return (*earlier[-_MOST_ATTEMPTS:], last)


class GeneratedVideo(Document):
    """One of the videos that a job made of its prompt; ``id`` is the provider's."""

    id: str
    files: dict[Variant, StoredFile] = Field(default_factory=dict)
    findings: Findings | None = None


class VideoRecord(Document):
    """One video. ``progress`` never goes back.

    ``cost_usd`` is what it costs, None while it runs and where nobody knows the price;
    ``cost_is_estimate`` says that it is what the provider may charge for a job whose end it has not
    told. ``withdrawn_at`` is when its owner deleted it while it ran: from then on nobody but the
    pipeline sees it, and it is removed once it has ended.

    ``published`` are the events that the topic took, ``handed_over`` those of which the deliveries
    to webhooks are written.

    ``priority`` is what it waits with: as its request says, or its key. ``key_id`` and ``tags`` are
    those of the key that it was made with, None where it was made without one; ``weight`` is the
    share that the key gave its owner then. ``reserve`` is what is held of budgets for it, None
    where none applied when it was accepted. ``frame_check`` is None where nobody looks at the
    finished video. ``batch_id`` and ``batch_line`` say which batch ordered it, and in which line.

    A provider that makes several videos of a prompt has them in ``generations``; ``files`` and
    ``findings`` are then those of the first. ``findings`` is None until the file is stored, and
    where it was not looked into.
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
    error: VideoError | None = None
    files: dict[Variant, StoredFile] = Field(default_factory=dict)
    generations: tuple[GeneratedVideo, ...] = ()
    findings: Findings | None = None
    cost_usd: float | None = None
    cost_is_estimate: bool = False
    published: tuple[str, ...] = ()
    handed_over: tuple[str, ...] = ()
    cancel_requested: bool = False
    withdrawn_at: float | None = None
    restarts: int = 0
    priority: Priority = Priority.NORMAL
    key_id: str | None = None
    tags: tuple[str, ...] = ()
    weight: int | None = None
    batch_id: str | None = None
    batch_line: int | None = None
    reserve: Reserve | None = None
    frame_check: FrameCheck | None = None
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
    def expires_at(self) -> float | None:
        """Until when it may wait to be sent, where its owner set a limit."""
        after = self.request.expires_after
        return None if after is None else self.created_at + after

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
            error=error,
            completed_at=now,
            cost_usd=cost_usd,
            cost_is_estimate=cost_is_estimate,
        )

    def with_submit(self, **changes: Any) -> VideoRecord:
        """This record with its submit state changed."""
        return self.model_copy(update={"submit": self.submit.model_copy(update=changes)})
