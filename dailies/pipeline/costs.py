"""What a video costs, by the catalogue's prices, and how sure that is.

Whoever has a job at a provider pays for it, whatever becomes of the video: a cancelled one whose
job goes on costs as much as a finished one. So a job costs its whole price, as an estimate, until
the provider has told how it ended:

==============================================  ==============================================
what is known                                   the video's cost
==============================================  ==============================================
no request has left, or none was taken          nothing
nobody knows whether the request was taken      the whole price, as an estimate
the provider said what it charges               that (of a job that runs: if it is stopped)
the job was complete, or was when it was        the whole price
cancelled
the job failed, or the provider stopped it      the share that the provider charges for that
anything else (it goes on, it is gone, nobody   the whole price, as an estimate
could ask)
==============================================  ==============================================

The sweeper looks after jobs that may go on, for as long as providers know them.
"""

from __future__ import annotations

from dataclasses import dataclass

from dailies.catalogue.offers import price_of
from dailies.pipeline.cancel import Told, tell_provider
from dailies.services import Services
from dailies.telemetry.logs import log_event
from dailies.video.record import JobEnd, VideoRecord

__all__ = ["Cost", "cost_of", "may_go_on", "settle_cost"]

# Providers delete jobs a day after their creation.
_LONGEST_KNOWN = 86_400.0


@dataclass(frozen=True, slots=True)
class Cost:
    """What a video costs in US dollars, None where nobody knows the price."""

    usd: float | None
    is_estimate: bool = False


def cost_of(services: Services, record: VideoRecord) -> Cost:
    """What the video has cost, or may still."""
    submit = record.submit
    if submit.job_id is None and submit.sending_since is None and not submit.in_doubt:
        return Cost(0.0)
    if submit.charged_usd is not None:
        return Cost(round(submit.charged_usd, 4), is_estimate=submit.job_end is JobEnd.STOPPING)
    deployment = services.catalogue.deployment(submit.deployment or "")
    price = None if deployment is None else price_of(deployment, record.request)
    if price is None or deployment is None:
        return Cost(None)
    if record.rendered_at is not None or submit.job_end is JobEnd.COMPLETED:
        return Cost(price)
    if submit.job_end in (JobEnd.FAILED, JobEnd.STOPPED):
        return Cost(round(price * deployment.failed_share, 4))
    return Cost(price, is_estimate=True)


def may_go_on(record: VideoRecord) -> bool:
    """Whether the video has a job at its provider that may run still, for all that was told."""
    ended = record.submit.job_end in (JobEnd.COMPLETED, JobEnd.FAILED, JobEnd.STOPPED)
    return record.submit.job_id is not None and record.rendered_at is None and not ended


async def settle_cost(services: Services, owner: str, video_id: str) -> bool:
    """Look after the job of a video that has ended before it; False to do so again later.

    It is stopped, if the provider stops it now; when it has ended, its cost is known.
    """
    record = await services.records.get(owner, video_id)
    if record is not None and not record.is_final:
        return False
    if record is None or not (may_go_on(record) or record.cost_is_estimate):
        return True
    since = record.submit.submitted_at or record.created_at
    if services.clock() - since > _LONGEST_KNOWN:
        return True
    told = await tell_provider(services, record) if may_go_on(record) else Told.OVER

    def settled(current: VideoRecord) -> VideoRecord:
        cost = cost_of(services, current)
        return current.model_copy(
            update={"cost_usd": cost.usd, "cost_is_estimate": cost.is_estimate}
        )

    changed = await services.records.update(owner, video_id, settled)
    if changed is not None and record.cost_is_estimate and not changed.cost_is_estimate:
        log_event(
            "cost_settled",
            video_id=video_id,
            owner=owner,
            model=changed.request.model,
            cost_usd=changed.cost_usd,
            estimated_usd=record.cost_usd,
        )
    return told is Told.OVER
