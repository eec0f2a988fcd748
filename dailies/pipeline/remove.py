"""Remove a video that has ended: out of sight at once, its files and its last event after that."""

from __future__ import annotations

import logging

from azure.core.exceptions import AzureError

from dailies.announce.events import EventType, due_events, video_event
from dailies.pipeline.handover import hand_over
from dailies.services import Services
from dailies.stores.tombstones import Removal, Tombstone
from dailies.telemetry.logs import log_event
from dailies.video.basics import Phase
from dailies.video.record import VideoRecord

__all__ = ["discard_if_unwanted", "remove_video", "settle_removal"]


async def remove_video(services: Services, owner: str, video_id: str, reason: Removal) -> bool:
    """Remove the owner's video; False when there is none.

    When this returns, no answer shows the video any more. What storage or the topic did not take
    by then, the sweeper sees to.

    Raises:
        Conflict: the video has not ended.
        azure.core.exceptions.AzureError: storage did not answer; nothing was removed.
    """
    tombstone = await services.tombstones.bury(owner, video_id, reason, services.clock())
    if tombstone is None:
        return False
    log_event("video_removed", video_id=video_id, owner=owner, reason=reason)
    await settle_removal(services, tombstone)
    return True


async def settle_removal(services: Services, tombstone: Tombstone) -> bool:
    """Delete the files and publish what was not published; False when the sweeper must again.

    Safe to run any number of times: events keep their ids, and deleting is idempotent.
    """
    record = tombstone.record
    if record is None:
        return True
    try:
        await _publish(services, record, tombstone)
        await services.files.delete_folder(f"{record.id}/")
        await services.tombstones.settle(tombstone)
    except AzureError as error:
        log_event(
            "removal_left_to_sweeper",
            level=logging.WARNING,
            video_id=tombstone.id,
            reason=type(error).__name__,
        )
        return False
    return True


async def discard_if_unwanted(
    services: Services, video_id: str, record: VideoRecord | None
) -> bool:
    """Delete the files of a video that was cancelled or removed while one of them was stored.

    What ended the video has deleted those that were there; an execution that was given up for dead
    may store another one afterwards. ``record`` is the video's as it was after that.
    """
    if record is not None and record.phase is not Phase.CANCELLED:
        return False
    await services.files.delete_folder(f"{video_id}/")
    return True


async def _publish(services: Services, record: VideoRecord, tombstone: Tombstone) -> None:
    """The end of the video first, if nobody heard of it yet, then that it is gone."""
    source = services.settings.event_source
    for kind in due_events(record):
        urls = {name: services.files.url(f.blob) for name, f in record.all_files.items()}
        event = video_event(record, kind, source=source, file_urls=urls, now=services.clock())
        await hand_over(services, event, record.owner, record)
        await services.events.publish(event)
    gone = record.model_copy(update={"files": {}, "generations": ()})
    event = video_event(
        gone,
        EventType.DELETED,
        source=source,
        file_urls={},
        now=services.clock(),
        reason=tombstone.reason.value,
    )
    await hand_over(services, event, record.owner, record)
    await services.events.publish(event)
    log_event("event_published", video_id=record.id, type=EventType.DELETED)
