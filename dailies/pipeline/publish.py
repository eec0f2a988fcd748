"""Announce what has happened to a video and was not announced yet."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from azure.core.exceptions import AzureError
from azure.core.messaging import CloudEvent

from dailies.announce.events import EventType, due_events, video_event
from dailies.engine import Step, VideoRef, done, wait
from dailies.pipeline.handover import hand_over
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
    due = [(kind, event_of(services, record, kind)) for kind in due_events(record)]
    handed = await hand_over_all(services, record, due)
    taken, fault = await _publish_all(services, record, due)
    if taken or handed:
        # All in one write: what is told again after a crash has the same ids.
        await _note(services, record, taken, handed)
    if fault is not None:
        pause = services.settings.retry_seconds * 2 ** min(video.get("attempt", 0), 8)
        return wait(min(pause, _LONGEST_PAUSE))
    if record.is_final and record.is_withdrawn:
        await remove_video(services, record.owner, record.id, Removal.DELETED)
    elif record.is_final:
        await services.records.open.close(record.id)
    return done()


def event_of(services: Services, record: VideoRecord, kind: EventType) -> CloudEvent[Any]:
    """The event that tells that this has happened to the video."""
    urls = {name: services.files.url(file.blob) for name, file in record.all_files.items()}
    return video_event(
        record,
        kind,
        source=services.settings.event_source,
        file_urls=urls,
        now=services.clock(),
    )


async def hand_over_all(
    services: Services, record: VideoRecord, due: Sequence[tuple[EventType, CloudEvent[Any]]]
) -> list[EventType]:
    """Hand over to webhooks what was not; those kinds of which there is something to deliver.

    Before they are published, so that what is noted as published was handed over as well.
    """
    return [
        kind
        for kind, event in due
        if kind.value not in record.handed_over
        and await hand_over(services, event, record.owner, record)
    ]


async def _publish_all(
    services: Services, record: VideoRecord, due: Sequence[tuple[EventType, CloudEvent[Any]]]
) -> tuple[list[EventType], AzureError | None]:
    """Publish in order, up to the first that the topic does not take; those that it took, and why
    it took no more."""
    taken: list[EventType] = []
    for kind, event in due:
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


async def _note(
    services: Services,
    record: VideoRecord,
    published: Sequence[EventType],
    handed: Sequence[EventType],
) -> None:
    def noted(current: VideoRecord) -> VideoRecord:
        return current.model_copy(
            update={
                "published": _with(current.published, published),
                "handed_over": _with(current.handed_over, handed),
            }
        )

    await services.records.update(record.owner, record.id, noted)


def _with(noted: tuple[str, ...], kinds: Sequence[EventType]) -> tuple[str, ...]:
    return (*noted, *(kind.value for kind in kinds if kind.value not in noted))
