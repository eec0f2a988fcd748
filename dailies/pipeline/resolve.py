"""What an operator decides about a video of which nobody knows whether it was ordered."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum

from dailies.catalogue import Deployment
from dailies.engine import Orchestrations, wake_video
from dailies.pipeline.reconcile import adopt, not_sent
from dailies.providers.outcomes import Kind
from dailies.services import Services
from dailies.stores.rows import is_video_id
from dailies.telemetry.logs import log_event
from dailies.video.errors import Conflict, InvalidRequest, NotFound
from dailies.video.record import VideoRecord

__all__ = ["Decision", "resolve_video"]


_LONGEST_ID = 1000


class Decision(StrEnum):
    """What is to become of the video."""

    ADOPT = "adopt"
    """The provider made a job of it, which is taken."""
    RESEND = "resend"
    """It made none: the request may be sent again."""
    END = "end"
    """The video ends, as failed."""


async def resolve_video(
    services: Services,
    orchestrations: Orchestrations,
    video_id: str,
    decision: Decision,
    job_id: str | None = None,
) -> VideoRecord:
    """Carry out a decision; gives the record as it then is.

    Raises:
        NotFound: there is no such video, or it was deleted.
        Conflict: it does not wait for a decision (any more); or the job is another video's.
        InvalidRequest: the provider knows no such job.
        Exception: as the durable client does where the orchestration can't be woken.
    """
    record = await _find(services, video_id)
    if record.is_withdrawn:
        raise NotFound(f"Video '{video_id}' was deleted.", param="video_id", code="video_deleted")
    deployment = services.catalogue.deployment(record.submit.deployment or "")
    if not _waits(record) or deployment is None:
        raise _not_waiting(record)
    if job_id and decision is not Decision.ADOPT:
        raise InvalidRequest(
            f"'job_id' is for 'adopt' only, not for '{decision}'. Leave it out, or adopt the job.",
            param="job_id",
            code="invalid_value",
        )
    match decision:
        case Decision.ADOPT:
            await _adopt(services, record, deployment, job_id)
        case Decision.RESEND:
            if not await not_sent(services, record, waiting=True, in_doubt=False):
                raise _not_waiting(record)
        case Decision.END:
            await _end(services, record)
    log_event(
        "video_resolved",
        video_id=record.id,
        deployment=deployment.name,
        decision=decision,
        job_id=job_id,
    )
    await wake_video(orchestrations, record)
    return await services.records.get(record.owner, record.id) or record


async def _find(services: Services, video_id: str) -> VideoRecord:
    owner = None
    if is_video_id(video_id):
        records = services.records
        owner = await records.open.owner_of(video_id) or await records.all.owner_of(video_id)
    record = None if owner is None else await services.records.get(owner, video_id)
    if record is None:
        raise NotFound(
            f"Video with id '{video_id[:80]}' not found.", param="video_id", code="video_not_found"
        )
    return record


def _waits(record: VideoRecord) -> bool:
    submit = record.submit
    return submit.unresolved_since is not None and submit.job_id is None and not submit.given_up


def _not_waiting(record: VideoRecord) -> Conflict:
    return Conflict(
        f"Video '{record.id}' does not wait for a decision (any more); its phase was "
        f"'{record.phase}'.",
        param="video_id",
        code="not_unresolved",
    )


async def _end(services: Services, record: VideoRecord) -> None:
    """Of two decisions at the same time, the first one is carried out."""
    decided = False

    def ended(current: VideoRecord) -> VideoRecord:
        nonlocal decided
        decided = _waits(current)
        return current.with_submit(given_up=True) if decided else current

    await services.records.update(record.owner, record.id, ended)
    if not decided:
        raise _not_waiting(record)


async def _adopt(
    services: Services, record: VideoRecord, deployment: Deployment, job_id: str | None
) -> None:
    if job_id and len(job_id) > _LONGEST_ID:
        raise InvalidRequest(
            f"Invalid 'job_id': no job's id has more than {_LONGEST_ID:,} characters.",
            param="job_id",
            code="invalid_value",
        )
    if not job_id:
        raise InvalidRequest(
            "Name the provider's job in 'job_id'.",
            param="job_id",
            code="missing_required_parameter",
        )
    outcome = await services.providers.adapter(deployment).status(job_id)
    if outcome.kind is not Kind.ACCEPTED or outcome.job is None:
        raise InvalidRequest(
            f"The provider of deployment '{deployment.name}' does not answer with a job of this id "
            f"({outcome.code}).",
            param="job_id",
            code="job_not_found",
        )
    # By the id that the provider gives it: one job must not be claimed under two names.
    job = replace(outcome.job, id=outcome.job.named or outcome.job.id)
    if not await adopt(services, record, deployment, job):
        now = await services.records.get(record.owner, record.id)
        if now is None or not _waits(now):
            raise _not_waiting(now or record)
        raise Conflict("The job belongs to another video.", param="job_id", code="job_taken")
