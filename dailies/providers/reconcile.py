"""Which of a provider's jobs may be the one that was sent.

To miss a job that was made means paying twice; to take a job that is another's means delivering
the wrong video. So what a provider repeats must agree, and what it leaves out can't speak against
a job, except where that leaves more than one.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from dailies.providers.base import Submission
from dailies.providers.outcomes import Job
from dailies.video.basics import Operation

__all__ = ["CLOCK_SKEW", "Names", "candidates"]

CLOCK_SKEW = 30.0
"""Seconds by which the provider's clock may be behind ours; its times are whole seconds."""


@dataclass(frozen=True, slots=True)
class Names:
    """How a provider may call the model of a job.

    Attributes:
        own: names of the deployment's model (its deployment, its public names).
        others: names of the other models at the same endpoint.
    """

    own: frozenset[str] = frozenset()
    others: frozenset[str] = frozenset()

    def fits(self, model: str | None, deployment: str) -> bool:
        """Whether a job of ``model`` can be one of ours: yes, unless it is known to be another's.

        An answer may give the deployment, the model, or the model with its version's date.
        """
        if model is None or _names(model, self.own | {deployment}):
            return True
        return not _names(model, self.others)


def candidates(
    jobs: Sequence[Job], submission: Submission, since: float, names: Names
) -> tuple[list[Job], list[Job]]:
    """The jobs that agree with the submission, oldest first: those whose prompt agrees, and those
    whose prompt the provider does not repeat."""
    fitting = [
        job
        for job in jobs
        if (job.created_at is None or job.created_at >= since - CLOCK_SKEW)
        and names.fits(job.model, submission.deployment)
        and _same_request(job, submission)
    ]
    fitting.sort(key=lambda job: job.created_at or since)
    wanted = _normal(submission.prompt)
    known = [job for job in fitting if job.prompt is not None and _normal(job.prompt) == wanted]
    return known, [job for job in fitting if job.prompt is None]


def _same_request(job: Job, submission: Submission) -> bool:
    if submission.operation is Operation.CREATE:
        return (
            job.source_id is None
            and job.seconds in (None, submission.seconds)
            and job.size in (None, submission.size)
            and job.n_variants in (None, submission.n_variants)
        )
    # The length and size of what is derived are the source's, or the sum of both.
    return job.source_id in (None, submission.source_job_id)


def _normal(prompt: str) -> str:
    return " ".join(prompt.split())


def _names(model: str, known: Collection[str]) -> bool:
    bare = re.sub(r"-\d{4}-\d{2}-\d{2}$", "", model.lower())
    return any(name.lower() in (model.lower(), bare) for name in known)
