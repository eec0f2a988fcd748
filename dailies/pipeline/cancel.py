"""Tell the provider that nobody waits for a job any more."""

from __future__ import annotations

import logging

from dailies.logs import log_event
from dailies.pipeline.told import answer_fields
from dailies.providers.outcomes import Kind
from dailies.records import VideoRecord
from dailies.services import Services

__all__ = ["cancel_upstream"]

_WORTH_ANOTHER_TRY = frozenset({Kind.TRANSIENT, Kind.THROTTLED, Kind.UNKNOWN})


async def cancel_upstream(services: Services, record: VideoRecord) -> bool:
    """Stop the video's job, or delete it once it is done.

    False when the provider could not be told now and it is worth another try. True also when there
    is no job, and when the provider does not stop what it has begun: then the job ends by itself.
    """
    deployment = services.catalogue.deployment(record.submit.deployment or "")
    job_id = record.submit.job_id
    if deployment is None or job_id is None:
        return True
    outcome = await services.providers.adapter(deployment).cancel(job_id)
    told = outcome.kind is Kind.ACCEPTED
    log_event(
        "upstream_cancelled" if told else "upstream_not_cancelled",
        level=logging.INFO if told else logging.WARNING,
        video_id=record.id,
        job_id=job_id,
        **answer_fields(outcome, record.request.prompt),
    )
    return outcome.kind not in _WORTH_ANOTHER_TRY
