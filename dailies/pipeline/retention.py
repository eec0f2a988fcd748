"""Let go of what is older than the operator wants to keep: files and records, with an event.

Off unless ``DAILIES_RETENTION_DAYS`` is set. A video's age counts from its end, so one that has not
ended is never touched. Removing is the same as a caller's delete, but for its reason: what storage
or the topic did not take is left to the sweeper, and nothing happens twice.
"""

from __future__ import annotations

import logging

from azure.core.exceptions import AzureError

from dailies.pipeline.remove import remove_video
from dailies.services import Services
from dailies.stores.tombstones import Removal
from dailies.telemetry.logs import log_event
from dailies.video.errors import Conflict

__all__ = ["retire_videos"]

_DAY = 86_400.0
# In one run; the next goes on, well before a host's limit on a function's time.
_MOST_IN_A_RUN = 5_000


async def retire_videos(services: Services) -> int:
    """Remove the videos that ended longer ago than videos are kept; their number."""
    days = services.settings.retention_days
    if days is None:
        return 0
    cutoff = services.clock() - days * _DAY
    retired = 0
    async for record in services.records.created_before(cutoff):
        if record.completed_at is None or record.completed_at >= cutoff or not record.is_final:
            continue
        try:
            retired += await remove_video(services, record.owner, record.id, Removal.EXPIRED)
        except (Conflict, AzureError) as error:
            log_event(
                "video_not_retired",
                level=logging.WARNING,
                video_id=record.id,
                reason=type(error).__name__,
            )
        if retired >= _MOST_IN_A_RUN:
            break
    return retired
