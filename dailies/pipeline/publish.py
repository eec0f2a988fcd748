"""Announce what has happened to a video and was not announced yet."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from azure.core.exceptions import AzureError

from dailies.announce.events import EventType, due_events, video_event
from dailies.engine import Step, VideoRef, done, wait
from dailies.pipeline.remove import remove_video
from dailies.services import Services
from dailies.stores.tombstones import Removal
from dailies.telemetry.logs import log_event
from dailies.video.record import VideoRecord

__all__ = ["publish_events"]

_LONGEST_PAUSE = 300.0


async def publish_events(services: Services, video: VideoRef) -> Step:
    """Publish every due event; a final video whose events are all out needs no more care, or is
    removed if its owner has deleted it meanwhile.

    A topic that does not answer is no fault of the video: the step asks to be called again, and
    what the orchestration leaves the sweeper publishes.
    """
    record = await services.records.get(video["owner"], video["id"])
    if record is None:
        return done()
    taken, fault = await _publish_all(services, record, due_events(record))
    if taken:
        # All in one write: what is told again after a crash has the same ids.
        await _note_published(services, record, taken)
    if fault is not None:
        pause = services.settings.retry_seconds * 2 ** min(video.get("attempt", 0), 8)
        return wait(min(pause, _LONGEST_PAUSE))
    if record.is_final and record.is_withdrawn:
        await remove_video(services, record.owner, record.id, Removal.DELETED)
    elif record.is_final:
        await services.records.open.close(record.id)
    return done()


async def _publish_all(
    services: Services, record: VideoRecord, due: Sequence[EventType]
) -> tuple[list[EventType], AzureError | None]:
    """Publish in order, up to the first that the topic does not take; those that it took, and why
    it took no more."""
    taken: list[EventType] = []
    urls = {name: services.files.url(file.blob) for name, file in record.all_files.items()}
    for kind in due:
        event = video_event(
            record,
            kind,
            source=services.settings.event_source,
            file_urls=urls,
            now=services.clock(),
        )
        try:
            await services.events.publish(event)
        except AzureError as error:
            log_event(
                "publish_failed",
                level=logging.WARNING,
                video_id=record.id,
                type=kind,
                fault=error,
            )
            return taken, error
        taken.append(kind)
        log_event("event_published", video_id=record.id, type=kind)
    return taken, None


async def _note_published(
    services: Services, record: VideoRecord, kinds: Sequence[EventType]
) -> None:
    def noted(current: VideoRecord) -> VideoRecord:
        new = tuple(kind.value for kind in kinds if kind.value not in current.published)
        return current.model_copy(update={"published": (*current.published, *new)})

    await services.records.update(record.owner, record.id, noted)
