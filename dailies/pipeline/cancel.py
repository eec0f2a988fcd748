"""Tell the provider that nobody waits for a job any more, and note how the job ends.

Whether a job ran when it was stopped decides what is charged for it, so it is looked at first: a
provider that stops no running job may well delete one that is complete, and what it says to the
request alone does not tell the two apart.
"""

from __future__ import annotations

import logging
from enum import StrEnum

from dailies.pipeline.endings import answer_fields
from dailies.providers.outcomes import JobStatus, Kind, Outcome
from dailies.services import Services
from dailies.telemetry.logs import log_event
from dailies.video.record import JobEnd, VideoRecord

__all__ = ["READABLE_AFTER", "Told", "cancel_upstream", "tell_provider"]

READABLE_AFTER = 15.0
"""Seconds after which a new job can be read at the provider; scaled like the polling."""

_NOT_FOUND = 404
_WORTH_ANOTHER_TRY = frozenset({Kind.TRANSIENT, Kind.THROTTLED, Kind.UNKNOWN})
_ENDS = {
    JobStatus.COMPLETED: JobEnd.COMPLETED,
    JobStatus.FAILED: JobEnd.FAILED,
    JobStatus.CANCELLED: JobEnd.FAILED,
    JobStatus.EXPIRED: JobEnd.FAILED,
}


class Told(StrEnum):
    """What telling the provider came to."""

    OVER = "over"
    """The job has ended or is gone, or there is none."""
    GOES_ON = "goes_on"
    """The provider does not stop what it has begun."""
    LATER = "later"
    """It could not be told now."""


async def cancel_upstream(services: Services, record: VideoRecord) -> bool:
    """Stop the video's job, or delete it once it is done.

    False when the provider could not be told now and it is worth another try. True also when there
    is no job, and when the provider does not stop what it has begun: then the job ends by itself.
    """
    return await tell_provider(services, record) is not Told.LATER


async def tell_provider(services: Services, record: VideoRecord) -> Told:
    """As ``cancel_upstream``; ``record.submit.job_end``, and what the provider charges for the job,
    are noted as soon as they are known."""
    deployment = services.catalogue.deployment(record.submit.deployment or "")
    job_id = record.submit.job_id
    if deployment is None or job_id is None:
        return Told.OVER
    adapter = services.providers.adapter(deployment)
    seen = None if record.rendered_at is not None else await adapter.status(job_id)
    runs = seen is not None and seen.job is not None and not seen.job.status.is_final
    # Noted before it is told: should the answer be lost, the job will be gone all the same.
    end = JobEnd.STOPPING if runs else _end_of(seen, record.submit.job_end)
    charged = record.submit.charged_usd
    if seen is not None and seen.job is not None:
        charged = seen.job.cost_usd  # of one that runs: what stopping it now costs
    await _note(services, record, end, charged)
    if end is JobEnd.STOPPED:
        return Told.OVER
    outcome = await adapter.cancel(job_id)
    told = outcome.kind is Kind.ACCEPTED
    await _tell_operator(services, record, outcome)
    if outcome.kind in _WORTH_ANOTHER_TRY or _not_there_yet(services, record, outcome):
        return Told.LATER
    if runs:
        stopped = (JobEnd.STOPPED, charged) if told else (None, None)
        await _note(services, record, *stopped)
    has_ended = told or (end is not None and not runs)
    return Told.OVER if has_ended else Told.GOES_ON


async def _tell_operator(services: Services, record: VideoRecord, outcome: Outcome) -> None:
    """Log what the provider said; of one that goes on to say the same, as it is asked every few
    seconds, once."""
    is_told = outcome.kind is Kind.ACCEPTED
    said = None if is_told else f"{outcome.kind}/{outcome.http_status}/{outcome.code}"
    is_news = said != record.submit.not_cancelled
    log_event(
        "upstream_cancelled" if is_told else "upstream_not_cancelled",
        level=logging.INFO if is_told else logging.WARNING if is_news else logging.DEBUG,
        video_id=record.id,
        job_id=record.submit.job_id,
        **answer_fields(outcome, record.request.prompt),
    )
    if is_news:
        await services.records.update(
            record.owner, record.id, lambda current: current.with_submit(not_cancelled=said)
        )


def _end_of(seen: Outcome | None, known: JobEnd | None) -> JobEnd | None:
    """How the job has ended, by a look at it and what was known before."""
    if seen is None or seen.job is None:
        gone = seen is not None and seen.kind is Kind.MISSING
        return JobEnd.STOPPED if gone and known is JobEnd.STOPPING else known
    done = seen.job.is_done_for_nothing
    return JobEnd.COMPLETED if done else _ENDS.get(seen.job.status)


def _not_there_yet(services: Services, record: VideoRecord, outcome: Outcome) -> bool:
    """Whether the provider may know nothing of the job because it is new."""
    age = services.clock() - (record.submit.submitted_at or 0)
    is_new = age < READABLE_AFTER * services.settings.typical_render_scale
    return is_new and outcome.http_status == _NOT_FOUND


async def _note(
    services: Services, record: VideoRecord, end: JobEnd | None, charged: float | None
) -> None:
    await services.records.update(
        record.owner,
        record.id,
        lambda current: current.with_submit(job_end=end, charged_usd=charged),
    )
