"""A batch: many shots that one request orders, and how far they have come.

Its document has a size that does not grow with the number of shots: what is to be made stands in a
file, what has become of each shot in a row of its own (``dailies.stores.batches``), and here are
the sums, and the few videos that are under way. Times are Unix seconds; money is US dollars, and
sums of it whole micro-dollars.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Self

from pydantic import Field

from dailies.video.basics import VideoError, new_id
from dailies.video.request import Document, StoredFile

__all__ = [
    "BATCH_PREFIX",
    "PAGE_SHOTS",
    "Batch",
    "BatchStatus",
    "Shot",
    "ShotState",
    "UnderWay",
    "is_batch_id",
    "new_batch_id",
]

BATCH_PREFIX = "batch_"
PAGE_SHOTS = 100
"""How many shots there are between two of the offsets by which the file of shots is read."""


class BatchStatus(StrEnum):
    """Where a batch is in its life."""

    IN_PROGRESS = "in_progress"
    PAUSED = "paused"
    """No new video of it is begun; those under way go on."""
    CANCELING = "canceling"
    COMPLETED = "completed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        return self in (self.COMPLETED, self.CANCELLED)


class ShotState(StrEnum):
    """What has become of a shot."""

    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class UnderWay(Document):
    """A video of the batch that has not ended; ``micros`` is the most that it could cost, None
    where nobody knows. The rest is as in ``Shot``."""

    number: int
    line: int
    video_id: str
    custom_id: str | None = None
    model: str | None = None
    micros: int | None = None


class Shot(Document):
    """What has become of one shot, once its turn has come.

    Attributes:
        number: its place in the batch, from 1.
        line: where it stands in the file, or its number in the array, from 1.
        custom_id: the caller's own word for it.
        run: in which run of the batch it was last begun; see ``Batch.run``.
        video_id: None where it was refused before there was a video.
    """

    number: int
    line: int
    custom_id: str | None = None
    run: int
    state: ShotState
    video_id: str | None = None
    model: str | None = None
    cost_usd: float | None = None
    error: VideoError | None = None


class Batch(Document):
    """One batch.

    Attributes:
        key_id: the key that it goes on with; None where it was dropped.
        file: its shots, one in a line; ``pages`` has the offset of every hundredth of them.
        images: the images that came with it, by their names.
        estimated_micros: the most that it could cost, as far as is known; ``unpriced`` is how
            many shots nobody knows the price of.
        reason: why it has paused itself.
        run: 1, and one more each time that what has failed is tried again.
        run_keys: the hashed Idempotency-Keys of the requests that began those further runs, the
            last of them; ``run_asked`` is when the last one came.
        turn: counts what was done for it, so that nothing is counted twice.
        cursor: the number of the last shot that was begun in this run; ``is_fed`` once there is
            no other.
        rendering: how many of those under way are being made now.
        told: the last run whose end was announced.
    """

    id: str
    owner: str
    created_at: float
    name: str | None = None
    key_id: str | None = None
    blob: str | None = None
    file: StoredFile | None = None
    pages: tuple[int, ...] = ()
    images: dict[str, StoredFile] = Field(default_factory=dict)
    total: int = 0
    limit_usd: float | None = None
    max_in_progress: int = 1
    estimated_micros: int = 0
    unpriced: int = 0
    status: BatchStatus = BatchStatus.IN_PROGRESS
    reason: VideoError | None = None
    run: int = 1
    turn: int = 0
    cursor: int = 0
    is_fed: bool = False
    under_way: tuple[UnderWay, ...] = ()
    rendering: int = 0
    completed: int = 0
    failed: int = 0
    cancelled: int = 0
    spent_micros: int = 0
    results: StoredFile | None = None
    ended_at: float | None = None
    told: int = 0
    run_keys: tuple[str, ...] = ()
    run_asked: float | None = None
    request_hash: str | None = None
    traceparent: str | None = None

    @property
    def queued(self) -> int:
        """Shots that wait: for their turn, or for a place at a provider."""
        ended = self.completed + self.failed + self.cancelled
        return max(0, self.total - ended - self.rendering)

    def with_changes(self, **changes: Any) -> Self:
        """This batch, changed."""
        return self.model_copy(update=changes)


def new_batch_id(now: float) -> str:
    """A fresh id: ``batch_`` and 32 hex digits whose order is the order of time."""
    return BATCH_PREFIX + new_id(now).partition("_")[2]


def is_batch_id(text: str) -> bool:
    """Whether this can be the id of a batch at all."""
    digits = text.removeprefix(BATCH_PREFIX)
    return len(digits) == 32 and digits != text and all(c in "0123456789abcdef" for c in digits)
