"""Everything that a provider can answer, as values.

An adapter never raises for an answer that can be expected: it returns an ``Outcome`` whose ``kind``
tells the pipeline what to do. Which answer is which kind is decided in one table
(``dailies.providers.classify``).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from dailies.telemetry.spans import note
from dailies.video.basics import Size

__all__ = ["JobStatus", "Kind", "Outcome", "UpstreamJob", "note_outcome"]


_EMPTY = frozenset({"no_video", "no_generations"})
"""The codes of jobs that are done without a video."""


class Kind(StrEnum):
    """What an answer means for the video."""

    ACCEPTED = "accepted"
    """The call worked; a ``job`` comes with it where the call gives one."""
    REFUSED = "refused"
    """Moderation or a bad request: final, sending it again would be refused again."""
    THROTTLED = "throttled"
    """A quota: try again after ``retry_after`` seconds, however often."""
    UNAUTHORISED = "unauthorised"
    """The credential is missing, wrong or lacks a role: final, the message names the remedy."""
    RETIRED = "retired"
    """The model or deployment is gone: final for this deployment, another may serve."""
    MISSING = "missing"
    """The job named in the call is not there (404): vanished or expired."""
    TRANSIENT = "transient"
    """A passing fault, and surely nothing was done: worth an automatic retry."""
    UNKNOWN = "unknown"
    """The request may have been received: reconcile before sending again."""


class JobStatus(StrEnum):
    """The state of an upstream job, across providers."""

    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    UNKNOWN = "unknown"
    """A word that the adapter does not know: still running, under the video's deadline."""

    @property
    def is_final(self) -> bool:
        return self in (
            JobStatus.COMPLETED,
            JobStatus.FAILED,
            JobStatus.CANCELLED,
            JobStatus.EXPIRED,
        )


@dataclass(frozen=True, slots=True)
class UpstreamJob:
    """An upstream job as the provider last told it.

    Attributes:
        id: the provider's id, opaque.
        named: what the answer calls it, where it was asked for by a name that may be another.
        progress: percent, 0 to 100.
        created_at: Unix seconds, by the provider's clock.
        completed_at: Unix seconds at which it was done, if the provider said so.
        expires_at: Unix seconds after which the provider's files are gone, if it said so.
        model, prompt, seconds, size: what was asked, where the provider repeats it.
        n_variants: how many videos it makes, where the provider repeats it.
        generations: the ids of the videos that it made, for providers that make several.
        failure_reason: the provider's own word for why it failed.
        error_code, error_message: why it failed, classified (see ``classify``).
        cost_usd: what the provider says that it charges for the job, failed ones too; of one that
            runs, what it would charge if it were stopped now.
    """

    id: str
    status: JobStatus
    progress: int = 0
    created_at: float | None = None
    completed_at: float | None = None
    expires_at: float | None = None
    model: str | None = None
    prompt: str | None = None
    seconds: int | None = None
    size: Size | None = None
    source_id: str | None = None
    n_variants: int | None = None
    generations: tuple[str, ...] = ()
    failure_reason: str | None = None
    error_code: str | None = None
    error_message: str | None = None
    cost_usd: float | None = None
    named: str | None = None

    @property
    def is_done_for_nothing(self) -> bool:
        """Whether the provider counts it as done, and charges it, though there is no video."""
        return self.error_code in _EMPTY


@dataclass(frozen=True, slots=True)
class Outcome:
    """The classified answer of one call.

    Attributes:
        code: a short code for programs, e.g. ``moderation_blocked``; None when accepted.
        message: what happened and what to do, for a caller; holds no secret and no prompt, and
            nothing that only an operator can change.
        remedy: what the operator can do, for the log alone; names settings and resources.
        detail: what the provider said, made safe by ``readable``, for the log.
        request_id: the provider's own name for the call, which its support asks for.
        retry_after: seconds, when the provider said so.
        http_status: the status that was answered, None when no answer came.
        param: the request's field that the provider complained of, if it named one.
    """

    kind: Kind
    job: UpstreamJob | None = None
    code: str | None = None
    message: str | None = None
    remedy: str | None = None
    detail: str | None = None
    request_id: str | None = None
    retry_after: float | None = None
    http_status: int | None = None
    param: str | None = None


def note_outcome(outcome: Outcome) -> None:
    """What a provider's answer means; told to the step that asked."""
    note({"dailies.outcome": outcome.kind.value, "dailies.outcome.code": outcome.code})
