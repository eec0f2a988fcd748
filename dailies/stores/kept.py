"""Records that are read once for all that one call of an activity does.

Its steps each begin with the record. Within ``kept_records`` they are given the version that was
last read or written; what is decided by it is written with its ETag, so it is as safe as what is
decided by one just read: a write that comes too late reads anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from dailies.video.record import VideoRecord

__all__ = ["Version", "forget", "keep", "kept_records", "last_version"]

Version = tuple[VideoRecord, str]
"""A record as it was at some time, and its ETag then."""

_kept: ContextVar[dict[str, Version] | None] = ContextVar("kept records", default=None)


@contextmanager
def kept_records() -> Iterator[None]:
    """Keep the records that are read and written within."""
    token = _kept.set({})
    try:
        yield
    finally:
        _kept.reset(token)


def last_version(owner: str, video_id: str) -> Version | None:
    """The record as it was last read or written, where records are kept."""
    kept = _kept.get()
    found = None if kept is None else kept.get(video_id)
    return found if found is not None and found[0].owner == owner else None


def keep(record: VideoRecord, etag: str) -> None:
    """Remember this version, where records are kept."""
    if (kept := _kept.get()) is not None:
        kept[record.id] = (record, etag)


def forget(video_id: str) -> None:
    """The record is gone."""
    if (kept := _kept.get()) is not None:
        kept.pop(video_id, None)
