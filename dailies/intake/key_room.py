"""How many unfinished videos may have been made with one key."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager

from dailies.owners.key import Key
from dailies.services import Services
from dailies.video.errors import TooMany

__all__ = ["arriving_with", "check_key_room"]


@contextmanager
def arriving_with(services: Services, key: Key | None, video_id: str) -> Iterator[Collection[str]]:
    """Hold a place for a video until its record is written; the ids of those made with the same key
    that came before and do so too. Nothing where the key is not limited."""
    if key is None or key.limits.max_unfinished is None:
        yield ()
        return
    # An owner's name has no underscore, so none is taken for the id of a key.
    with services.room.arriving(f"of_{key.id}", video_id) as before:
        yield before


async def check_key_room(services: Services, key: Key | None, arriving: Collection[str]) -> None:
    """Whether one more may be made with the key, beside those that are ``arriving``; the owner's
    own limit is another.

    Raises:
        TooMany: not now.
    """
    if key is None or key.limits.max_unfinished is None:
        return
    most = key.limits.max_unfinished
    left = most - len(arriving)
    if left > 0:
        # Those that arrive may have their records by now, and count once.
        left -= await services.records.count_unfinished(
            key.owner, up_to=left, besides=arriving, key_id=key.id
        )
    if left <= 0:
        raise TooMany(
            f"Too many running tasks: {most} videos that were made with this key are unfinished, "
            "and more are not taken. Wait for one to end, or delete one.",
            code="too_many_running_tasks",
        )
