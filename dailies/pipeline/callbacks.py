"""What a provider tells by calling an address of ours: a hint that a job is worth a look.

The address is a video's own and holds a secret. Nothing that the call says is believed: the job is
asked for at the provider. So a lost answer to a create heals itself, and a video whose job has
ended is looked at at once.
"""

from __future__ import annotations

import hmac
import logging
import secrets
from collections.abc import Mapping

from dailies.catalogue import Deployment
from dailies.engine import Orchestrations, wake_video
from dailies.pipeline.reconcile import adopt
from dailies.providers.base import CallsBack, VideoProvider
from dailies.providers.outcomes import Kind
from dailies.services import Services
from dailies.stores.rows import is_video_id
from dailies.telemetry.logs import log_event
from dailies.video.basics import ID_PREFIX
from dailies.video.record import VideoRecord

__all__ = ["new_token", "receive_callback"]


def new_token(video_id: str) -> str:
    """The part of a callback's address that names a video, with a secret that nobody can guess."""
    return f"{video_id.removeprefix(ID_PREFIX)}-{secrets.token_hex(16)}"


async def receive_callback(
    services: Services,
    orchestrations: Orchestrations,
    provider: str,
    token: str,
    headers: Mapping[str, str],
    body: bytes,
) -> bool:
    """Take a provider's call; whether it was one. Headers are in lower case.

    Raises:
        Exception: as the durable client does where the orchestration can't be woken.
    """
    record = await _video_of(services, token)
    deployment = services.catalogue.deployment(record.submit.deployment or "") if record else None
    if record is None or deployment is None or deployment.provider != provider:
        return False
    adapter = services.providers.adapter(deployment)
    called = await adapter.called_back(headers, body) if isinstance(adapter, CallsBack) else None
    if called is None:
        log_event("callback_refused", video_id=record.id, provider=provider)
        return False
    job_id = called.job_id
    log_event("callback_received", video_id=record.id, provider=provider, job_id=job_id)
    if record.submit.job_id is None and not record.is_final:
        outcome = await adapter.status(job_id)
        if outcome.kind is not Kind.ACCEPTED or outcome.job is None:
            return False
        if not await adopt(services, record, deployment, outcome.job):
            return False
        log_event(
            "job_adopted", video_id=record.id, deployment=deployment.name, job_id=outcome.job.id
        )
    elif record.submit.job_id != job_id:
        await _tell_of_another(services, adapter, record, deployment, job_id)
        return True
    elif record.is_final or not called.is_over:
        return True
    await wake_video(orchestrations, record)
    return True


async def _tell_of_another(
    services: Services,
    adapter: VideoProvider,
    record: VideoRecord,
    deployment: Deployment,
    job_id: str,
) -> None:
    """The video has another job, or none any more: if this one is real, it is paid for nothing."""
    job = (await adapter.status(job_id)).job
    # A provider may know one job by two names.
    if job is None or (job.named or job.id) == record.submit.job_id:
        return
    if await services.claims.holder(deployment, job.id) in (None, record.id):
        log_event(
            "job_left_over",
            level=logging.WARNING,
            video_id=record.id,
            deployment=deployment.name,
            job_id=job.id,
        )


async def _video_of(services: Services, token: str) -> VideoRecord | None:
    """The video whose address it is, while something is left to do for it."""
    video_id = ID_PREFIX + token.partition("-")[0]
    owner = await services.records.open.owner_of(video_id) if is_video_id(video_id) else None
    record = None if owner is None else await services.records.get(owner, video_id)
    expected = None if record is None else record.submit.callback_token
    given = token.encode("utf-8", "surrogateescape")
    if expected is None or not hmac.compare_digest(expected.encode(), given):
        return None
    return record
