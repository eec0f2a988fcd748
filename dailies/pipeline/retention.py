"""Let go of what is older than the operator wants to keep: files and records, with an event.

Off unless ``DAILIES_RETENTION_DAYS`` is set. A video's age counts from its end, so one that has not
ended is never touched. Removing is the same as a caller's delete, but for its reason: what storage
or the topic did not take is left to the sweeper, and nothing happens twice.
"""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncIterator

from azure.core.exceptions import AzureError

from dailies.pipeline.crowd import for_each
from dailies.pipeline.remove import remove_video
from dailies.services import Services
from dailies.stores.tombstones import Removal
from dailies.telemetry.logs import log_event
from dailies.video.errors import Conflict
from dailies.video.record import VideoRecord

__all__ = ["retire_videos"]

_DAY = 86_400.0
# Seconds of one run; the next goes on, well before a host's limit on a function's time.
_LONGEST_RUN = 1200.0
# Removing one is a dozen requests to storage and the topic, one after the other.
_AT_ONCE = 8


async def retire_videos(services: Services) -> int:
    """Remove the videos that ended longer ago than videos are kept; their number."""
    days = services.settings.retention_days
    if days is None:
        return 0
    retired = 0

    async def retire(record: VideoRecord) -> None:
        nonlocal retired
        try:
            retired += await remove_video(services, record.owner, record.id, Removal.EXPIRED)
        except (Conflict, AzureError) as error:
            log_event(
                "video_not_retired",
                level=logging.WARNING,
                video_id=record.id,
                reason=type(error).__name__,
            )

    await for_each(_expired(services, services.clock() - days * _DAY), retire, at_once=_AT_ONCE)
    return retired


async def _expired(services: Services, cutoff: float) -> AsyncIterator[VideoRecord]:
    """Those that ended before ``cutoff``, as many as one run has the time for."""
    until = time.monotonic() + _LONGEST_RUN
    async for record in services.records.all.created_before(cutoff):
        if time.monotonic() > until:
            return
        if record.is_final and record.completed_at is not None and record.completed_at < cutoff:
            yield record
