"""Send the one paid request of a video, at most once.

*Sending* is written, with the record's ETag, before the request leaves; the job id after. Whoever
finds *sending* without a job id can't know whether the provider took the request, and reconciles
(``dailies.pipeline.reconcile``).

Durable Functions may run one activity twice at the same time. So everything that is written after a
request is written for that attempt alone: an execution that comes late changes nothing.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable

from dailies.catalogue import Deployment
from dailies.catalogue.models import FallbackOn
from dailies.engine import Step, VideoRef, ask, done, hold, stop, wait
from dailies.pipeline import metrics
from dailies.pipeline.callbacks import new_token
from dailies.pipeline.endings import (
    CANCELLED,
    answer_fields,
    no_slot,
    nothing_left,
)
from dailies.pipeline.pace import poll_wait
from dailies.pipeline.places import Choice, choose, is_retired, place_at, submitted
from dailies.pipeline.reconcile import (
    NOT_TAKEN_AGAIN,
    adopt,
    held,
    not_sent,
    reconcile,
    waited_too_long,
)
from dailies.pipeline.submission import lacks_images, submission_of
from dailies.providers.classify import Call
from dailies.providers.outcomes import Kind, Outcome
from dailies.providers.verdicts import Verdict, is_moderated, verdict_of
from dailies.routing import health
from dailies.routing.choose import falls_back_on
from dailies.services import Services
from dailies.telemetry.logs import log_event
from dailies.video.basics import Operation, Phase, VideoError
from dailies.video.record import VideoRecord

__all__ = ["submit_video"]

_REFERENCE_GONE = VideoError(
    "invalid_reference",
    "The fitted reference image is gone from storage, and the video is not made without it. Create "
    "the video again.",
)
_SOURCE_GONE = VideoError(
    "source_expired",
    "The video to start from is gone at the provider and from storage. Create it again first.",
)


async def submit_video(services: Services, video: VideoRef) -> Step:
    """Get the video an upstream job: send the request, adopt a job, or say when to try again.

    While our own quota has no place for it (``waiting``), nothing is sent: its phase says so.
    """
    record = await services.records.get(video["owner"], video["id"])
    if record is None or record.is_final or record.submit.job_id is not None:
        return submitted(services, record)
    if record.submit.sending_since is not None or record.submit.unresolved_since is not None:
        return await reconcile(services, record)
    if record.cancel_requested:
        return stop(CANCELLED)
    if waited_too_long(services, record):
        return await _end(services, record, lambda: no_slot(services, record))
    await health.refresh(services)
    choice = choose(services, record, placed=video.get("place"))
    if video.get("waiting"):
        _put_off(record, choice.deployment if choice else None, by="own")
        await services.records.update(record.owner, record.id, _waiting)
        return wait(0)
    if choice is None:
        return await _end(services, record, lambda: _nothing_left(services, record))
    if choice.wait > 0:
        return await _rest(services, record, choice)
    deployment = choice.deployment
    place = place_at(services, record, deployment)
    if video.get("woken"):
        return ask(place)  # which was not done, wherever it has waited
    if place is not None and video.get("place", deployment.name) != deployment.name:
        return ask(place)
    if choice.is_trial and not await health.begin_trial(services, deployment, record.id):
        return await _rest(services, record, choice)
    return await _send(services, record, deployment)


def _nothing_left(services: Services, record: VideoRecord) -> Step:
    return nothing_left(record, retired=is_retired(services, record))


async def _rest(services: Services, record: VideoRecord, choice: Choice) -> Step:
    """Wait until something may be sent to a deployment that fails on everything; no place there is
    needed meanwhile."""
    seconds = max(choice.wait, services.settings.retry_seconds)
    _put_off(record, choice.deployment, by="health", seconds=seconds)
    await services.records.update(record.owner, record.id, _waiting)
    return {**ask(None), "seconds": seconds}


def _put_off(
    record: VideoRecord, deployment: Deployment | None, *, by: str, seconds: float | None = None
) -> None:
    """Say whose quota the video waits for; how long ours lets it wait, the metric tells."""
    log_event(
        "video_put_off",
        video_id=record.id,
        deployment=deployment.name if deployment is not None else None,
        quota=by,
        seconds=seconds,
    )


def _waiting(record: VideoRecord) -> VideoRecord:
    # An execution that comes late tells of what is over.
    return record.moved_to(Phase.WAITING) if record.phase is Phase.ACCEPTED else record


async def _send(services: Services, record: VideoRecord, deployment: Deployment) -> Step:
    token = record.submit.callback_token or new_token(record.id)
    told = record.with_submit(callback_token=token)
    submission = await submission_of(services, told, deployment)
    if submission.lacks_source:
        return await _end(services, record, lambda: stop(_SOURCE_GONE))
    if lacks_images(record.request, submission):
        return await _end(services, record, lambda: stop(_REFERENCE_GONE))
    now = services.clock()
    before = record.submit
    mark = secrets.token_hex(8)

    def sending(current: VideoRecord) -> VideoRecord:
        # Only one of two executions that read the same state gets past this line.
        if current.is_final or current.cancel_requested or current.submit != before:
            return current
        return current.moved_to(Phase.SUBMITTING).with_submit(
            deployment=deployment.name,
            provider=deployment.provider,
            way=before.leaves_for(deployment.name, deployment.provider, now),
            sending_since=now,
            sending_mark=mark,
            first_attempt_at=before.first_attempt_at or now,
            attempts=before.attempts + 1,
            callback_token=token,
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
        await not_sent(services, marked)
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
    settings, in_doubt = services.settings, record.submit.in_doubt
    call = Call.CREATE if record.request.operation is Operation.CREATE else Call.DERIVE
    await health.saw(services, deployment, call, outcome, record.id)
    match outcome.kind:
        case Kind.ACCEPTED if outcome.job is not None:
            if await adopt(services, record, deployment, outcome.job):
                sent = record.with_submit(deployment=deployment.name)
                return submitted(services, sent, poll_wait(services, record, deployment))
            # Another video took this job while reconciling; ours may be the one it left behind.
            return hold(settings.reconcile_pause_seconds)
        case Kind.THROTTLED:
            await not_sent(services, record, answer=outcome, waiting=True)
            pause = outcome.retry_after or settings.throttle_wait_seconds
            metrics.put_off(deployment.name, pause, by="provider")
            _put_off(record, deployment, by="provider", seconds=pause)
            return wait(pause)
        case Kind.TRANSIENT:
            await not_sent(services, record, answer=outcome, waiting=True)
            pause = settings.retry_seconds * 2 ** min(record.submit.attempts - 1, 4)
            # The same one again, unless this fault was one too many.
            choice = choose(services, record)
            if choice is not None and choice.deployment != deployment and choice.wait <= 0:
                return ask(place_at(services, record, choice.deployment))
            return wait(max(pause, outcome.retry_after or 0))
        case Kind.RETIRED | Kind.REFUSED | Kind.UNAUTHORISED | Kind.MISSING if in_doubt:
            return await held(services, record, NOT_TAKEN_AGAIN)
        case Kind.RETIRED | Kind.REFUSED | Kind.UNAUTHORISED | Kind.MISSING:
            moves = verdict_of(call, outcome) in (Verdict.GONE, Verdict.SHUT) or (
                is_moderated(outcome)
                and falls_back_on(services.catalogue, record.request, FallbackOn.MODERATION)
            )
            rules_out = deployment.name if moves else None
            await not_sent(services, record, answer=outcome, rules_out=rules_out)
            elsewhere = _elsewhere(services, record, deployment) if moves else None
            if elsewhere is not None:
                return elsewhere
            return ask(None) if outcome.kind is Kind.RETIRED else stop(_error_of(outcome))
        case _:
            return hold(settings.reconcile_pause_seconds)


def _elsewhere(services: Services, record: VideoRecord, deployment: Deployment) -> Step | None:
    """On to another deployment at once, where one can take the video now or later."""
    left = record.with_submit(ruled_out=(*record.submit.ruled_out, deployment.name))
    choice = choose(services, left)
    if choice is None:
        return None
    if choice.wait > 0:
        return {**ask(None), "seconds": choice.wait}
    return ask(place_at(services, record, choice.deployment))


async def _end(services: Services, record: VideoRecord, ending: Callable[[], Step]) -> Step:
    """End the video, unless a job of an earlier attempt may be under way: then it is held."""
    if not record.submit.in_doubt:
        return ending()
    return await held(services, record, NOT_TAKEN_AGAIN)


def _error_of(outcome: Outcome) -> VideoError:
    return VideoError(
        outcome.code or "provider_error",
        outcome.message or "The provider refused the request without a reason.",
    )
