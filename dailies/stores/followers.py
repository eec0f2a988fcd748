"""Who follows videos as they come along, and how changes reach them.

A change that this process writes reaches its followers at once. What other processes write is
found by one task for all followers: it asks for the ETags of an owner's videos that have not ended,
in one query an owner however many follow, and reads what is another than before. The longer that
takes, the longer it rests: it works a fifth of the time at most.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress

from azure.core.exceptions import AzureError

from dailies.stores.records import RecordStore
from dailies.telemetry.logs import log_event
from dailies.video.basics import created_at, first_id
from dailies.video.record import VideoRecord

__all__ = ["Follower", "Followers", "TooManyFollowers"]

_PAUSE_SECONDS = 1.0
_REST = 4.0
"""How long the task rests, by how long it worked."""
_LONGEST_PAUSE_SECONDS = 15.0
_LATE_SECONDS = 90.0
"""A record may be written so much later than its id was made, while its inputs are stored."""
_MOST_CAUGHT_UP = 1000
"""Unfinished videos that a new follower is told of."""
_LONGEST_UNDER_WAY = 86_400.0
"""A video that ended meanwhile, seconds, was ordered no longer before."""
_AT_ONCE = 10
"""Records that are read at a time."""

Change = tuple[str, VideoRecord | None]
"""A video, by its id, and its record as it is now; None once it is gone."""


class TooManyFollowers(Exception):
    """This process follows as many as it may."""


class Follower:
    """What one caller has not been told yet. Of each video only the latest is kept.

    Attributes:
        seen_to: Unix seconds; all that changed before then was told to it, whoever wrote that.
    """

    def __init__(self, video_id: str | None) -> None:
        self.video_id = video_id
        self.seen_to = 0.0
        self._changes: dict[str, VideoRecord | None] = {}
        self._there = asyncio.Event()

    def tell(self, video_id: str, record: VideoRecord | None) -> None:
        """There is news of a video; of others than the one that is followed it is none."""
        if self.video_id in (None, video_id):
            self._changes[video_id] = record
            self._there.set()

    async def changes(self, *, within: float) -> list[Change]:
        """What has changed since the last time; empty when nothing has in so many seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within):
                await self._there.wait()
        self._there.clear()
        changes, self._changes = list(self._changes.items()), {}
        return changes


class Followers:
    """All followers of this process.

    Args:
        most: how many there may be.
    """

    def __init__(
        self, records: RecordStore, *, most: int, clock: Callable[[], float] = time.time
    ) -> None:
        self._records = records
        self._most = most
        self._clock = clock
        self._owners: dict[str, _Owner] = {}
        self._task: asyncio.Task[None] | None = None
        records.written = self._written

    @property
    def count(self) -> int:
        """How many there are."""
        return sum(len(owner.followers) for owner in self._owners.values())

    @contextmanager
    def follow(self, owner: str, video_id: str | None) -> Iterator[Follower]:
        """Follow one of the owner's videos, or all of them.

        Raises:
            TooManyFollowers: there are as many as there may be.
        """
        if self.count >= self._most:
            raise TooManyFollowers
        follower = Follower(video_id)
        followed = self._owners.setdefault(owner, _Owner(owner))
        followed.followers.append(follower)
        if self._task is None:
            self._task = asyncio.create_task(self._keep_looking())
        try:
            yield follower
        finally:
            followed.followers.remove(follower)
            if not followed.followers:
                self._owners.pop(owner, None)
            if not self._owners and self._task is not None:
                self._task.cancel()
                self._task = None

    async def catch_up(self, owner: str, follower: Follower, *, since: float | None) -> None:
        """Tell a follower how things stand: of each of its videos that has not ended, and of those
        that have, since a time (Unix seconds).

        Raises:
            azure.core.exceptions.AzureError: storage does not answer.
        """
        follower.seen_to = self._clock()
        if follower.video_id is not None:
            ids: Sequence[str] = [follower.video_id]
        else:
            ids = await self._records.unfinished(owner, up_to=_MOST_CAUGHT_UP)
            if since is not None:
                from_id = first_id(since - _LONGEST_UNDER_WAY)
                ended = self._records.etags(owner, since=from_id, changed_since=since)
                ids = sorted({*ids, *[video_id async for video_id, _ in ended]})
        followed = self._owners.get(owner)
        for start in range(0, len(ids), _AT_ONCE):
            some = ids[start : start + _AT_ONCE]
            for version in await asyncio.gather(*(self._records.read(owner, i) for i in some)):
                if version is None or version[0].is_withdrawn:
                    continue
                follower.tell(version[0].id, version[0])
                if followed is not None:
                    followed.know(*version)

    def _written(self, record: VideoRecord, etag: str) -> None:
        owner = self._owners.get(record.owner)
        if owner is not None:
            owner.seen(record, etag)

    async def look(self) -> None:
        """Look once for what others wrote, and tell it."""
        for owner in list(self._owners.values()):
            began = self._clock()
            try:
                await owner.look(self._records, began)
            except AzureError as error:
                log_event(
                    "followers_not_told",
                    level=logging.WARNING,
                    owner=owner.name,
                    reason=type(error).__name__,
                )
            else:
                for follower in owner.followers:
                    follower.seen_to = max(follower.seen_to, began)

    async def _keep_looking(self) -> None:
        """Look again and again, until nobody follows any more."""
        while self._owners:
            began = time.monotonic()
            await self.look()
            worked = time.monotonic() - began
            await asyncio.sleep(min(max(_PAUSE_SECONDS, _REST * worked), _LONGEST_PAUSE_SECONDS))


class _Owner:
    """The followers of one owner's videos, and what they know.

    ``_known``: the ETags of what was seen of videos that had not ended, or came a moment ago.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.followers: list[Follower] = []
        self._known: dict[str, str] = {}
        self._running: set[str] = set()

    def seen(self, record: VideoRecord, etag: str) -> None:
        """A record as it was just read or written."""
        if self._known.get(record.id) == etag or not self._concerns(record.id):
            return
        self.know(record, etag)
        self._tell(record.id, None if record.is_withdrawn else record)

    def know(self, record: VideoRecord, etag: str) -> None:
        """A record that is no news."""
        self._known[record.id] = etag
        if record.is_final:
            self._running.discard(record.id)
        else:
            self._running.add(record.id)

    def _concerns(self, video_id: str) -> bool:
        return any(each.video_id in (None, video_id) for each in self.followers)

    async def look(self, records: RecordStore, now: float) -> None:
        """Find what has changed, and tell it."""
        latest = first_id(now - _LATE_SECONDS)
        everything = any(follower.video_id is None for follower in self.followers)
        singles = {each.video_id for each in self.followers if each.video_id is not None}
        older = singles | self._running if everything else singles
        found: dict[str, str] = {}
        if everything:
            found = {i: etag async for i, etag in records.etags(self.name, since=latest)}
            older = {video_id for video_id in older if video_id < latest}
        running = {
            video_id: etag
            async for video_id, etag in _between(records, self.name, older)
            if everything or video_id in older
        }
        changed = [i for i, etag in (found | running).items() if self._known.get(i) != etag]
        # What has left those that run has ended, or was deleted.
        gone = {i for i in older if i in self._running and i not in running}
        await self._read(records, {*changed, *gone})
        self._forget(now, singles)

    async def _read(self, records: RecordStore, ids: Iterable[str]) -> None:
        wanted = sorted(ids)
        for start in range(0, len(wanted), _AT_ONCE):
            some = wanted[start : start + _AT_ONCE]
            read = await asyncio.gather(*(records.read(self.name, each) for each in some))
            for video_id, version in zip(some, read, strict=True):
                if version is not None:
                    self.seen(*version)
                elif self._known.pop(video_id, None) is not None:
                    self._running.discard(video_id)
                    self._tell(video_id, None)

    def _tell(self, video_id: str, record: VideoRecord | None) -> None:
        for follower in self.followers:
            follower.tell(video_id, record)

    def _forget(self, now: float, singles: set[str]) -> None:
        """Keep nothing of videos that can't be news any more."""
        for video_id in list(self._known):
            keep = video_id in self._running or video_id in singles
            if not keep and created_at(video_id) < now - 2 * _LATE_SECONDS:
                del self._known[video_id]


async def _between(
    records: RecordStore, owner: str, ids: set[str]
) -> AsyncIterator[tuple[str, str]]:
    """The ETags of what runs in the range of those."""
    if ids:
        async for each in records.etags(owner, since=min(ids), until=max(ids), running=True):
            yield each
