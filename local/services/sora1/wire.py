"""The job and generation objects of Sora 1."""

from __future__ import annotations

from typing import Any

from local.services.jobs import Job, State
from local.services.studio import Studio

STATUSES = frozenset(
    {"preprocessing", "queued", "running", "processing", "succeeded", "failed", "cancelled"}
)
# While a job runs, its status goes through these; the share of its time at which each begins.
_RUNNING = ((0.0, "preprocessing"), (0.25, "running"), (0.85, "processing"))


def generation_id(job: Job, variant: int) -> str:
    """The id of one of a job's generations; the same whenever it is asked for."""
    return f"gen_{job.id.removeprefix('task_')}{variant}"


def job_of_generation(wanted: str) -> tuple[str, int] | None:
    """The job's id and the number of the variant behind a generation's id."""
    unique = wanted.removeprefix("gen_")
    if unique == wanted or not unique[-1:].isdigit():
        return None
    return f"task_{unique[:-1]}", int(unique[-1])


def status_of(state: State) -> str:
    """A status word of this API."""
    if state.phase == "running":
        return [name for begin, name in _RUNNING if state.fraction >= begin][-1]
    return {"completed": "succeeded", "moderated": "failed", "expired": "failed"}.get(
        state.phase, state.phase
    )


def job_object(studio: Studio, job: Job, state: State | None = None) -> dict[str, Any]:
    """A job as the API shows it; generations are there once it has succeeded."""
    state = state or studio.state(job)
    done = state.phase == "completed"
    return {
        "object": "video.generation.job",
        "id": job.id,
        "status": status_of(state),
        "created_at": job.created_at,
        "finished_at": None if state.active else studio.finished_at(job),
        "expires_at": studio.expires_at(job) if done else None,
        "generations": [generation_object(job, n) for n in range(job.variants)] if done else [],
        "prompt": job.prompt,
        "model": job.deployment,
        "n_variants": job.variants,
        "n_seconds": job.seconds,
        "height": job.height,
        "width": job.width,
        "failure_reason": _failure_reason(job, state),
    }


def generation_object(job: Job, variant: int) -> dict[str, Any]:
    """One of the videos that a job made."""
    return {
        "object": "video.generation",
        "id": generation_id(job, variant),
        "job_id": job.id,
        "created_at": job.created_at,
        "width": job.width,
        "height": job.height,
        "n_seconds": job.seconds,
        "prompt": job.prompt,
    }


def _failure_reason(job: Job, state: State) -> str | None:
    if state.phase == "moderated":
        return "output_moderation"
    if state.phase == "expired":
        return "expired"
    return job.directive.error if state.phase == "failed" else None
