"""What was stored of a video is noted in its record, unless nobody wants it any more."""

from __future__ import annotations

from collections.abc import Callable

from dailies.pipeline.remove import discard_if_unwanted
from dailies.services import Services
from dailies.video.record import VideoRecord

__all__ = ["noted"]


async def noted(
    services: Services, record: VideoRecord, change: Callable[[VideoRecord], VideoRecord]
) -> VideoRecord | None:
    """The record as ``change`` makes it; None when nobody wants its files any more, which are
    deleted then. An ended video stays as it is."""
    changed = await services.records.update(
        record.owner,
        record.id,
        lambda current: current if current.is_final else change(current),
    )
    return None if await discard_if_unwanted(services, record.id, changed) else changed
