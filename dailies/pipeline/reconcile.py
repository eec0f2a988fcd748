"""Find out what became of the one paid request of a video, when its answer was lost.

First it is waited until the request can no longer leave: a job that came into being after its video
had taken another one would be paid for and serve nobody. What then follows is the provider's
*recovery*:

- ``keyed``: the same request is sent again, to the same deployment with the same key; it makes no
  second job. Until it is taken, the first one stays in doubt: whatever would end the video or hand
  it to another deployment meanwhile, holds it instead.
- ``listed``: the provider's list is read, a job that fits and belongs to nobody is adopted, and
  only after two empty reads, the last of them when the provider can no longer be at work on the
  request, may it be sent again.
- ``called-back``: its call is waited for (``dailies.pipeline.callbacks``).
- all others, and whatever stays unknown: the video is held, and an operator decides
  (``dailies.pipeline.resolve``).
"""

from __future__ import annotations

from collections.abc import Sequence

from dailies.catalogue import Deployment
from dailies.engine import Step, ask, hold, stop, wait
from dailies.pipeline import metrics
from dailies.pipeline.cancel import cancel_upstream
from dailies.pipeline.endings import (
    CANCELLED,
    answer_fields,
    deployment_removed,
    has_expired,
    tell_operator,
    unresolved,
)
from dailies.pipeline.places import submitted
from dailies.pipeline.publish import publish_events
from dailies.pipeline.submission import callback_url, submission_of
from dailies.providers.base import find_submitted
from dailies.providers.declaration import Recovery
from dailies.providers.outcomes import Kind, Outcome, UpstreamJob
from dailies.services import Services
from dailies.settings import UnresolvedSubmit
from dailies.telemetry.logs import log_event
from dailies.video.basics import Phase
from dailies.video.record import VideoRecord

__all__ = ["NOT_TAKEN_AGAIN", "adopt", "held", "not_sent", "reconcile", "waited_too_long"]

NOT_TAKEN_AGAIN = "it does not take the request again"

_RECONCILE_READS = 2
_LONGEST_HOLD = 3600.0  # seconds until a held video is looked at again
# A provider may still work on a request that we have given up: in submit timeouts since it left.
_UNDER_WAY = 2


async def reconcile(services: Services, record: VideoRecord) -> Step:
    """Find out whether the request that was being sent, or is in doubt, made a job."""
    settings = services.settings
    since = record.submit.sending_since or 0.0
    may_leave = since + settings.submit_timeout_seconds - services.clock()
    if may_leave > 0:
        return hold(may_leave)
    deployment = services.catalogue.deployment(record.submit.deployment or "")
    if deployment is None:
        return deployment_removed(record)
    if record.submit.given_up:
        return unresolved(record, "an operator has ended it")
    match services.providers.recovery(deployment):
        case Recovery.KEYED if record.submit.unresolved_since is None:
            return await _again(services, record, in_doubt=True)
        case Recovery.KEYED:
            return await held(services, record, NOT_TAKEN_AGAIN)
        case Recovery.LISTED:
            return await _look(services, record, deployment, since)
    until = since + settings.callback_wait_seconds - services.clock()
    if callback_url(services, record, deployment) is not None and until > 0:
        return hold(until)
    return await held(services, record, "it has no list of jobs")


async def _look(
    services: Services, record: VideoRecord, deployment: Deployment, since: float
) -> Step:
    """Look for the job in the provider's list."""
    settings = services.settings
    submission = await submission_of(services, record, deployment)
    adapter = services.providers.adapter(deployment)
    asked_at = services.clock()
    # From the first attempt on: a job of an earlier one may show up late.
    found = await find_submitted(adapter, submission, record.submit.first_attempt_at or since)
    if found.outcome.kind is not Kind.ACCEPTED:
        return await _list_unavailable(services, record, found.outcome)
    for job in await _own_first(services, record, deployment, found.jobs):
        if await adopt(services, record, deployment, job):
            log_event("job_adopted", video_id=record.id, deployment=deployment.name, job_id=job.id)
            return submitted(services, record)
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
    return await _again(services, record)


async def _again(services: Services, record: VideoRecord, *, in_doubt: bool = False) -> Step:
    await not_sent(services, record, in_doubt=in_doubt)
    return stop(CANCELLED) if record.cancel_requested else wait(0)


async def _list_unavailable(services: Services, record: VideoRecord, outcome: Outcome) -> Step:
    """The list can't be read, so nobody knows: wait for it, but never send again without it."""
    log_event(
        "reconcile_unavailable",
        video_id=record.id,
        **answer_fields(outcome, record.request.prompt),
    )
    passing = outcome.kind in (Kind.TRANSIENT, Kind.THROTTLED, Kind.UNAUTHORISED)
    if not passing or _past_deadline(services, record):
        return await held(services, record, f"its list of jobs can't tell ({outcome.code})")
    return hold(outcome.retry_after or services.settings.reconcile_pause_seconds)


async def held(services: Services, record: VideoRecord, why: str) -> Step:
    """Nobody can tell: the video waits for an operator's word, which wakes it.

    Args:
        why: nobody can; the half sentence after "The provider did not say …, and".
    """
    if record.cancel_requested:
        return stop(CANCELLED)
    now = services.clock()

    def unresolved_now(current: VideoRecord) -> VideoRecord:
        if current.submit.job_id is not None or not _same_attempt(current, record):
            return current
        since = current.submit.unresolved_since or now
        return current.moved_to(Phase.UNRESOLVED).with_submit(unresolved_since=since)

    updated = await services.records.update(record.owner, record.id, unresolved_now)
    since = None if updated is None else updated.submit.unresolved_since
    if updated is None or updated.submit.job_id is not None or since is None:
        return wait(0)
    if record.submit.unresolved_since is None:
        tell_operator(record, why)
    left = since + services.settings.unresolved_hold_seconds - now
    if left <= 0:
        return unresolved(record, f"{why}, and no operator decided")
    await publish_events(services, {"id": record.id, "owner": record.owner})
    # It needs no place meanwhile: whether anything runs there is what nobody knows.
    return {**ask(None), "seconds": min(left, _LONGEST_HOLD)}


async def _own_first(
    services: Services, record: VideoRecord, deployment: Deployment, jobs: Sequence[UpstreamJob]
) -> list[UpstreamJob]:
    """The jobs, those first that this video claimed before it died: nobody else can take them."""
    holders = {job.id: await services.claims.holder(deployment, job.id) for job in jobs}
    return sorted(jobs, key=lambda job: holders[job.id] != record.id)


async def adopt(
    services: Services, record: VideoRecord, deployment: Deployment, job: UpstreamJob
) -> bool:
    """Make the job this video's own; False when it belongs to another."""
    if not await services.claims.claim(deployment, job.id, record.id):
        return False
    now = services.clock()

    def adopted(current: VideoRecord) -> VideoRecord:
        if current.submit.job_id is not None or current.submit.given_up:
            return current
        return current.moved_to(Phase.RENDERING).with_submit(
            deployment=deployment.name,
            job_id=job.id,
            provider=deployment.provider,
            submitted_at=now,
            way=current.submit.came_to(Kind.ACCEPTED.value, None),
            sending_since=None,
            in_doubt=False,
            unresolved_since=None,
        )

    updated = await services.records.update(record.owner, record.id, adopted)
    if updated is not None and updated.submit.job_id != job.id:
        # It has another one by now, or none any more: this one is left to whoever lost theirs.
        await services.claims.release(deployment, job.id, record.id)
        return False
    if updated is None or updated.is_final:
        # It was ended while its request was under way: nobody waits for this job.
        await services.records.open.remind(record.id, record.owner)
        ended = record.with_submit(deployment=deployment.name, job_id=job.id, submitted_at=now)
        await cancel_upstream(services, updated or ended)
        return True
    metrics.video_submitted(updated)
    return True


async def not_sent(
    services: Services,
    record: VideoRecord,
    *,
    waiting: bool = False,
    answer: Outcome | None = None,
    rules_out: str | None = None,
    in_doubt: bool | None = None,
) -> bool:
    """Note that this attempt did nothing upstream, so that the request may be sent again; whether
    it was still the one that counts.

    Only of the attempt that ``record`` tells of: another execution may have sent the next one.

    Args:
        answer: of the provider, which tells so; None where it was found out without one.
        rules_out: the deployment that the video is not sent to again.
        in_doubt: whether an earlier attempt may have made a job all the same; as before, if None.
    """

    counts = False

    def cleared(current: VideoRecord) -> VideoRecord:
        nonlocal counts
        submit = current.submit
        counts = submit.job_id is None and not submit.given_up and _same_attempt(current, record)
        if not counts:
            return current
        retired = rules_out and answer is not None and answer.kind is Kind.RETIRED
        outcome, code = (answer.kind, answer.code) if answer else (Kind.UNKNOWN, None)
        current = current.with_submit(
            sending_since=None,
            sending_mark=None,
            reconciled=0,
            way=submit.came_to(outcome.value, code),
            retired=submit.retired + ((rules_out,) if rules_out and retired else ()),
            ruled_out=submit.ruled_out + ((rules_out,) if rules_out and not retired else ()),
            in_doubt=current.submit.in_doubt if in_doubt is None else in_doubt,
            unresolved_since=None,
        )
        return current.moved_to(Phase.WAITING) if waiting else current

    await services.records.update(record.owner, record.id, cleared)
    return counts


def _same_attempt(one: VideoRecord, other: VideoRecord) -> bool:
    return one.submit.sending_mark == other.submit.sending_mark


def waited_too_long(services: Services, record: VideoRecord) -> bool:
    """Whether the video waits for a provider to take it for longer than it may.

    To wait for a place is no fault: time counts from the first request on, unless its owner set a
    limit.
    """
    return has_expired(services, record) or _past_deadline(services, record)


def _past_deadline(services: Services, record: VideoRecord) -> bool:
    first = record.submit.first_attempt_at
    waited = 0.0 if first is None else services.clock() - first
    return waited > services.settings.submit_deadline_seconds
