"""Find what fell between the cracks, and put it right.

Every video with something left to do has a row in ``openvideos``. The sweeper looks at each and at
its orchestration (at some of them, where very many wait), and comes back to some that have ended.
All it does is safe to do twice, and all of it is logged.
"""

from __future__ import annotations

import logging
import random
from collections import Counter
from collections.abc import Awaitable, Callable

from dailies.engine import InstanceState, Orchestrations, VideoRef
from dailies.pipeline.cancel import cancel_upstream
from dailies.pipeline.costs import settle_cost
from dailies.pipeline.crowd import for_each
from dailies.pipeline.endings import CANCELLED
from dailies.pipeline.finish import finish_video
from dailies.pipeline.publish import publish_events
from dailies.pipeline.remove import settle_removal
from dailies.pipeline.start import start_video
from dailies.pipeline.stranded import wake_stranded
from dailies.pipeline.submit import submit_video
from dailies.pipeline.work import is_overdue
from dailies.routing.choose import serving
from dailies.services import Services
from dailies.stores.open_videos import OpenVideo
from dailies.telemetry.logs import log_event
from dailies.telemetry.spans import span
from dailies.video.basics import VideoError, created_at
from dailies.video.record import VideoRecord
from dailies.video.spans import note_record

__all__ = ["MOST_OLD", "sweep"]

_MOST_RESTARTS = 5
# A look is a question to the engine, and a hundred thousand may wait for their place.
_AT_ONCE = 8
# Videos that are older than this, in seconds, mostly wait.
_OLD = 3600.0
MOST_OLD = 20_000
"""So many of them are looked at in one sweep; of more, some by chance each time, or a sweep would
take longer than the next one waits."""
# No create is under way for longer, in seconds. Its row must not go before its record comes, or
# nobody looks after the video.
_LONGEST_CREATE = 3600.0


async def sweep(
    services: Services,
    orchestrations: Orchestrations,
    *,
    late: bool = False,
    draw: Callable[[], float] = random.random,
) -> Counter[str]:
    """Look at every open video once, or at many of those that wait; gives how often each thing was
    done.

    The line that ends it is written every time: that it is missing tells that no sweep came so far.

    Args:
        late: the timer fired after its time.
        draw: a number from 0 to 1, for the choice of those that are looked at.
    """
    actions: Counter[str] = Counter()
    grace = services.settings.sweep_grace_seconds
    ages: list[float] = []
    old = await services.records.open.count(before=services.clock() - _OLD)
    chance = min(1.0, MOST_OLD / max(old, 1))

    async def come_back(video: OpenVideo) -> None:
        await _do(actions, video, _come_back(services, video))

    async def tend(video: OpenVideo) -> None:
        age = services.clock() - created_at(video.id)
        ages.append(age)
        if age >= grace and (age < _OLD or chance == 1 or draw() < chance):
            await _do(actions, video, _tend(services, orchestrations, video))

    await for_each(services.records.open.reminders(), come_back, at_once=_AT_ONCE)
    await for_each(services.records.open.videos(), tend, at_once=_AT_ONCE)
    if woken := await wake_stranded(services, orchestrations):
        actions["rerouted"] += woken
    log_event(
        "sweep_done",
        late=late,
        open=len(ages),
        oldest_seconds=round(max(ages, default=0.0)),
        actions=dict(actions),
    )
    return actions


async def _do(actions: Counter[str], video: OpenVideo, work: Awaitable[str | None]) -> None:
    try:
        action = await work
    except Exception as error:  # noqa: BLE001 - the others must not wait for it
        log_event("sweep_failed", level=logging.ERROR, fault=error, video_id=video.id)
        action = "failed"
    if action is not None:
        actions[action] += 1
        log_event("swept", video_id=video.id, owner=video.owner, action=action)


async def _come_back(services: Services, video: OpenVideo) -> str | None:
    """Do what was left for some time after the video's end: its job may have gone on, its removal
    may have been broken off, and its request is remembered for a while after that."""
    if not await settle_cost(services, video.owner, video.id):
        return None
    tombstone = await services.tombstones.get(video.owner, video.id)
    if tombstone is not None and not await settle_removal(services, tombstone):
        return None
    if not await services.tombstones.forget_request(video.owner, video.id, services.clock()):
        return None
    await services.records.open.forget_reminder(video.id)
    return "settled"


async def _tend(services: Services, orchestrations: Orchestrations, video: OpenVideo) -> str | None:
    """Do what this video needs; the word for it, or None when it needs nothing."""
    # This first: of most videos it is all there is to know.
    state = await orchestrations.state(video.id)
    if state is InstanceState.RUNNING:
        return None
    record = await services.records.get(video.owner, video.id)
    if record is None:
        return await _gone(services, video)
    with span("sweep_video", parent=record.traceparent):
        note_record(record)
        return await _put_right(services, orchestrations, record, state)


async def _put_right(
    services: Services, orchestrations: Orchestrations, record: VideoRecord, state: InstanceState
) -> str | None:
    if record.is_final:
        return await _publish(services, record)
    if state is InstanceState.TERMINATED:
        return await _cancelled(services, orchestrations, record)
    return await _restart(services, orchestrations, record)


async def _gone(services: Services, video: OpenVideo) -> str | None:
    tombstone = await services.tombstones.get(video.owner, video.id)
    if tombstone is not None and not tombstone.is_settled:
        return "removed" if await settle_removal(services, tombstone) else None
    if tombstone is None:
        if services.clock() - created_at(video.id) < _LONGEST_CREATE:
            return None
        # The create broke off before its record: nothing was promised to anyone.
        await services.files.delete_folder(f"{video.id}/")
    await services.records.open.close(video.id)
    return "forgotten"


async def _publish(services: Services, record: VideoRecord) -> str | None:
    step = await publish_events(services, _ref(record))
    return "published" if step["kind"] == "done" else None


async def _cancelled(
    services: Services, orchestrations: Orchestrations, record: VideoRecord
) -> str:
    """An operator ended the orchestration: so ends the video, upstream too.

    A request that was under way may have made a job: it is looked for first, over as many sweeps as
    that takes.
    """
    if record.submit.sending_since is not None:
        found = await _find_job(services, record)
        if found is None:
            return "reconciling"
        record = found
    if not await cancel_upstream(services, record) and not is_overdue(services, record):
        return "cancelling"
    await _end(services, orchestrations, record, CANCELLED)
    return "cancelled"


async def _find_job(services: Services, record: VideoRecord) -> VideoRecord | None:
    """The record once it is known what became of its request; None to ask again later."""
    await services.records.update(
        record.owner,
        record.id,
        lambda current: current.model_copy(update={"cancel_requested": True}),
    )
    step = await submit_video(services, _ref(record))
    if step["kind"] == "wait":
        return None
    return await services.records.get(record.owner, record.id) or record


async def _restart(services: Services, orchestrations: Orchestrations, record: VideoRecord) -> str:
    """Start the orchestration of a video that has none, or whose orchestration failed."""
    if record.restarts >= _MOST_RESTARTS:
        await cancel_upstream(services, record)
        error = VideoError(
            "internal_error",
            "The video could not be finished after several starts. Create it again; the operator "
            "finds the reason in the logs under this video's id.",
        )
        await _end(services, orchestrations, record, error)
        return "given_up"
    changed = await services.records.update(
        record.owner,
        record.id,
        lambda current: (
            current
            if current.restarts != record.restarts
            else current.model_copy(update={"restarts": current.restarts + 1})
        ),
    )
    if changed is None or changed.is_final:
        return "ended_meanwhile"
    await start_video(services, orchestrations, changed)
    return "started"


async def _end(
    services: Services, orchestrations: Orchestrations, record: VideoRecord, error: VideoError
) -> None:
    cause = {"code": error.code, "message": error.message}
    await finish_video(services, {**_ref(record), "error": cause})
    # A video may hold a place of a deployment that it was never sent to.
    names = {deployment.name for deployment in serving(services.catalogue, record.request)}
    for name in sorted(names | {record.submit.deployment or ""} - {""}):
        await orchestrations.release_quota(name, record.id)
    await publish_events(services, _ref(record))


def _ref(record: VideoRecord) -> VideoRef:
    return {"id": record.id, "owner": record.owner}
