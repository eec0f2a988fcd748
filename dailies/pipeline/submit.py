"""Send the one paid request of a video, at most once.

*Sending* is written, with the record's ETag, before the request leaves; the job id after. Whoever
finds *sending* without a job id can't know whether the provider took the request, and reconciles.
First it waits until the request can no longer leave: a job that came into being after its video had
taken another one would be paid for and serve nobody. Then the provider's list is read, a job that
fits and belongs to nobody is adopted, and only after two empty reads, the last of them when the
provider can no longer be at work on the request, is it sent again.

Durable Functions may run one activity twice at the same time. So everything that is written after a
request is written for that attempt alone: an execution that comes late changes nothing.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence

from dailies.catalogue import Deployment
from dailies.engine import QuotaRequest, Step, VideoRef, ask, done, hold, stop, wait
from dailies.pipeline import metrics
from dailies.pipeline.cancel import cancel_upstream
from dailies.pipeline.endings import (
    CANCELLED,
    answer_fields,
    deployment_removed,
    no_slot,
    nothing_left,
    unresolved,
)
from dailies.pipeline.pace import poll_wait, typical_seconds
from dailies.pipeline.submission import submission_of
from dailies.providers.base import find_submitted
from dailies.providers.outcomes import Kind, Outcome, UpstreamJob
from dailies.routing.choose import serving
from dailies.services import Services
from dailies.settings import UnresolvedSubmit
from dailies.telemetry.logs import log_event
from dailies.video.basics import Phase, VideoError
from dailies.video.record import VideoRecord

__all__ = ["quota_of", "submit_video"]

_REFERENCE_GONE = VideoError(
    "invalid_reference",
    "The fitted reference image is gone from storage, and the video is not made without it. Create "
    "the video again.",
)
_SOURCE_GONE = VideoError(
    "source_expired",
    "The video to start from is gone at the provider and from storage. Create it again first.",
)

_RECONCILE_READS = 2
# A provider may still work on a request that we have given up: in submit timeouts since it left.
_UNDER_WAY = 2


async def submit_video(services: Services, video: VideoRef) -> Step:
    """Get the video an upstream job: send the request, adopt a job, or say when to try again.

    While our own quota has no place for it (``waiting``), nothing is sent: its phase says so.
    """
    record = await services.records.get(video["owner"], video["id"])
    if record is None or record.is_final or record.submit.job_id is not None:
        return _submitted(services, record)
    if record.submit.sending_since is not None:
        return await _reconcile(services, record)
    if record.cancel_requested:
        return stop(CANCELLED)
    if video.get("woken"):
        return wait(0)
    if _waited_too_long(services, record):
        return no_slot(services, record)
    if video.get("waiting"):
        await services.records.update(record.owner, record.id, _waiting)
        return wait(0)
    deployment = _choose(services, record)
    if deployment is None:
        return nothing_left(record)
    place = _place_at(services, record, deployment)
    if place is not None and video.get("place", deployment.name) != deployment.name:
        return ask(place)
    return await _send(services, record, deployment)


def _submitted(services: Services, record: VideoRecord | None, after: float = 0.0) -> Step:
    """Done; the job holds the quota of its deployment, if that has one."""
    name = None if record is None else record.submit.deployment
    deployment = services.catalogue.deployment(name or "")
    if record is None or deployment is None or _place_at(services, record, deployment) is None:
        return done(after)
    return {**done(after), "deployment": name}


def _waiting(record: VideoRecord) -> VideoRecord:
    # An execution that comes late tells of what is over.
    return record.moved_to(Phase.WAITING) if record.phase is Phase.ACCEPTED else record


def quota_of(services: Services, record: VideoRecord) -> QuotaRequest | None:
    """What the quota entity must know before this video may be submitted; None for no quota."""
    deployment = _choose(services, record)
    return None if deployment is None else _place_at(services, record, deployment)


def _place_at(
    services: Services, record: VideoRecord, deployment: Deployment
) -> QuotaRequest | None:
    settings, quota = services.settings, deployment.quota
    if not settings.enforce_quota:
        return None
    if quota.requests_per_minute is None and quota.concurrent is None:
        return None
    return {
        "deployment": deployment.name,
        "per_window": quota.requests_per_minute,
        "window_seconds": settings.quota_window_seconds,
        "concurrent": quota.concurrent,
        "typical_seconds": typical_seconds(services, record, deployment),
        "lease_seconds": settings.video_deadline_seconds * 1.5,
    }


async def _send(services: Services, record: VideoRecord, deployment: Deployment) -> Step:
    submission = await submission_of(services, record, deployment)
    if submission.lacks_source:
        return stop(_SOURCE_GONE)
    if record.request.first_frame is not None and submission.reference is None:
        return stop(_REFERENCE_GONE)
    now = services.clock()
    before = record.submit
    mark = secrets.token_hex(8)

    def sending(current: VideoRecord) -> VideoRecord:
        # Only one of two executions that read the same state gets past this line.
        if current.is_final or current.cancel_requested or current.submit != before:
            return current
        return current.moved_to(Phase.SUBMITTING).with_submit(
            deployment=deployment.name,
            sending_since=now,
            sending_mark=mark,
            first_attempt_at=before.first_attempt_at or now,
            attempts=before.attempts + 1,
            reconciled=0,
        )

    marked = await services.records.update(record.owner, record.id, sending)
    if marked is None or marked.is_final:
        return done()
    if marked.submit.sending_mark != mark:
        return hold(services.settings.reconcile_pause_seconds)
    adapter = services.providers.adapter(deployment)
    # Counted from the mark: whoever finds it relies on it that nothing leaves later than that.
    left = now + services.settings.submit_timeout_seconds - services.clock()
    if left <= 0:
        await _not_sent(services, marked)
        return wait(services.settings.retry_seconds)
    try:
        async with asyncio.timeout(left):
            outcome = await adapter.submit(submission)
    except TimeoutError:
        outcome = Outcome(Kind.UNKNOWN, code="timeout", message="No answer to the create request.")
    log_event(
        "submit_answered",
        video_id=record.id,
        deployment=deployment.name,
        attempt=marked.submit.attempts,
        **{
            **answer_fields(outcome, record.request.prompt),
            "job_id": outcome.job.id if outcome.job is not None else None,
            "provider_request_id": outcome.request_id,
        },
    )
    return await _after_send(services, marked, deployment, outcome)


async def _after_send(
    services: Services, record: VideoRecord, deployment: Deployment, outcome: Outcome
) -> Step:
    settings = services.settings
    match outcome.kind:
        case Kind.ACCEPTED if outcome.job is not None:
            if await _adopt(services, record, deployment, outcome.job):
                sent = record.with_submit(deployment=deployment.name)
                return _submitted(services, sent, poll_wait(services, record, deployment))
            # Another video took this job while reconciling; ours may be the one it left behind.
            return hold(settings.reconcile_pause_seconds)
        case Kind.THROTTLED:
            await _not_sent(services, record, waiting=True)
            pause = outcome.retry_after or settings.throttle_wait_seconds
            metrics.put_off(deployment.name, pause, by="provider")
            return wait(pause)
        case Kind.TRANSIENT:
            await _not_sent(services, record, waiting=True)
            pause = settings.retry_seconds * 2 ** min(record.submit.attempts - 1, 4)
            return wait(max(pause, outcome.retry_after or 0))
        case Kind.RETIRED:
            await _not_sent(services, record, retired=deployment.name)
            gone = (*record.submit.retired, deployment.name)
            return ask(quota_of(services, record.with_submit(retired=gone)))
        case Kind.REFUSED | Kind.UNAUTHORISED | Kind.MISSING:
            await _not_sent(services, record)
            return stop(_error_of(outcome))
        case _:
            return hold(settings.reconcile_pause_seconds)


async def _reconcile(services: Services, record: VideoRecord) -> Step:
    """Find out whether the request that was being sent made a job."""
    settings = services.settings
    since = record.submit.sending_since or 0.0
    may_leave = since + settings.submit_timeout_seconds - services.clock()
    if may_leave > 0:
        return hold(may_leave)
    deployment = services.catalogue.deployment(record.submit.deployment or "")
    if deployment is None:
        return deployment_removed(record)
    submission = await submission_of(services, record, deployment)
    adapter = services.providers.adapter(deployment)
    asked_at = services.clock()
    # From the first attempt on: a job of an earlier one may show up late.
    found = await find_submitted(adapter, submission, record.submit.first_attempt_at or since)
    if found.outcome.kind is not Kind.ACCEPTED:
        return _list_unavailable(services, record, found.outcome)
    for job in await _own_first(services, record, deployment, found.jobs):
        if await _adopt(services, record, deployment, job):
            log_event("job_adopted", video_id=record.id, job_id=job.id)
            return _submitted(services, record)
    await services.records.update(
        record.owner,
        record.id,
        lambda current: (
            current.with_submit(reconciled=record.submit.reconciled + 1)
            if _same_attempt(current, record)
            else current
        ),
    )
    too_early = since + _UNDER_WAY * settings.submit_timeout_seconds - asked_at
    if record.submit.reconciled + 1 < _RECONCILE_READS or too_early > 0:
        return hold(max(settings.reconcile_pause_seconds, too_early))
    log_event("submit_not_found", video_id=record.id, attempts=record.submit.attempts)
    if settings.unresolved_submit is UnresolvedSubmit.FAIL:
        return unresolved(record, "no job of it was found")
    await _not_sent(services, record)
    return stop(CANCELLED) if record.cancel_requested else wait(0)


def _list_unavailable(services: Services, record: VideoRecord, outcome: Outcome) -> Step:
    """The list can't be read, so nobody knows: wait for it, but never send again without it."""
    log_event(
        "reconcile_unavailable",
        video_id=record.id,
        **answer_fields(outcome, record.request.prompt),
    )
    passing = outcome.kind in (Kind.TRANSIENT, Kind.THROTTLED, Kind.UNAUTHORISED)
    if not passing or _waited_too_long(services, record):
        return unresolved(record, f"its list of jobs can't tell ({outcome.code})")
    return hold(outcome.retry_after or services.settings.reconcile_pause_seconds)


async def _own_first(
    services: Services, record: VideoRecord, deployment: Deployment, jobs: Sequence[UpstreamJob]
) -> list[UpstreamJob]:
    """The jobs, those first that this video claimed before it died: nobody else can take them."""
    holders = {job.id: await services.claims.holder(deployment.name, job.id) for job in jobs}
    return sorted(jobs, key=lambda job: holders[job.id] != record.id)


async def _adopt(
    services: Services, record: VideoRecord, deployment: Deployment, job: UpstreamJob
) -> bool:
    """Make the job this video's own; False when it belongs to another."""
    if not await services.claims.claim(deployment.name, job.id, record.id):
        return False
    now = services.clock()

    def adopted(current: VideoRecord) -> VideoRecord:
        if current.submit.job_id is not None:
            return current
        return current.moved_to(Phase.RENDERING).with_submit(
            deployment=deployment.name, job_id=job.id, submitted_at=now, sending_since=None
        )

    updated = await services.records.update(record.owner, record.id, adopted)
    if updated is not None and updated.submit.job_id != job.id:
        # It has another one by now: this one is left to whoever lost theirs.
        await services.claims.release(deployment.name, job.id, record.id)
        return False
    if updated is None or updated.is_final:
        # It was ended while its request was under way: nobody waits for this job.
        await services.records.remind(record.id, record.owner)
        ended = record.with_submit(deployment=deployment.name, job_id=job.id, submitted_at=now)
        await cancel_upstream(services, updated or ended)
        return True
    metrics.video_submitted(updated)
    return True


async def _not_sent(
    services: Services, record: VideoRecord, *, waiting: bool = False, retired: str | None = None
) -> None:
    """Note that nothing was done upstream, so that the request may be sent again.

    Only of the attempt that ``record`` tells of: another execution may have sent the next one.
    """

    def cleared(current: VideoRecord) -> VideoRecord:
        if current.submit.job_id is not None or not _same_attempt(current, record):
            return current
        gone = current.submit.retired + ((retired,) if retired else ())
        current = current.with_submit(
            sending_since=None, sending_mark=None, reconciled=0, retired=gone
        )
        return current.moved_to(Phase.WAITING) if waiting else current

    await services.records.update(record.owner, record.id, cleared)


def _same_attempt(one: VideoRecord, other: VideoRecord) -> bool:
    return one.submit.sending_mark == other.submit.sending_mark


def _choose(services: Services, record: VideoRecord) -> Deployment | None:
    for deployment in serving(services.catalogue, record.request):
        if deployment.name not in record.submit.retired:
            return deployment
    return None


def _waited_too_long(services: Services, record: VideoRecord) -> bool:
    return services.clock() - record.created_at > services.settings.submit_deadline_seconds


def _error_of(outcome: Outcome) -> VideoError:
    return VideoError(
        outcome.code or "provider_error",
        outcome.message or "The provider refused the request without a reason.",
    )
