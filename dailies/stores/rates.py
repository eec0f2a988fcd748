"""How many requests of a key have come in this minute of the clock, on all instances together.

Each key that is limited has one row, with a minute and how much of its limit is taken. An instance
takes shares of a twentieth, each by a write that fails when another was faster, and lets requests
through out of its share without asking again. So in no minute do all instances together let through
more than the limit, ever. They may let through less: what others hold of their shares when nothing
is left to take, at most a share less one for each other instance.

Storage is asked twice for a twentieth of the limit, and no more once nothing is left. Of a limit
below 40 a share is one request.
"""

from __future__ import annotations

import asyncio
import math
from collections import OrderedDict
from dataclasses import dataclass, field

from azure.core.exceptions import ResourceExistsError, ResourceModifiedError
from azure.data.tables import UpdateMode
from azure.data.tables.aio import TableClient, TableServiceClient

from dailies.stores.rows import step_aside
from dailies.stores.tables import KEYS, etag_of, find_row, unchanged
from dailies.video.errors import Unavailable

__all__ = ["Rate", "RateStore", "share_of"]

_SECONDS = 60
_SHARES = 20
_PARTITION = "rates"
_MOST_SHARES_HELD = 2000
_MOST_TRIES = 12


@dataclass(frozen=True, slots=True)
class Rate:
    """Where a key stands after a request.

    Attributes:
        remaining: of the limit, in this minute, as this instance knows it.
        reset_seconds: until the next minute, when all of it is there again.
    """

    allowed: bool
    limit: int
    remaining: int
    reset_seconds: int


@dataclass(slots=True)
class _Share:
    """What this instance holds of a limit in one minute.

    ``untaken`` is what nobody had taken when that was last read.
    """

    limit: int = 0
    minute: int = -1
    left: int = 0
    untaken: int = 0
    taking: asyncio.Lock = field(default_factory=asyncio.Lock)

    def is_spent(self, limit: int, minute: int) -> bool:
        """Whether another share has to be taken, where there may be one."""
        if self.minute < minute or self.limit != limit:
            return True
        return self.left == 0 and self.untaken > 0


def share_of(limit: int) -> int:
    """How many requests an instance takes at a time."""
    return max(1, limit // _SHARES)


class RateStore:
    """The requests of all keys that are limited, with this instance's shares."""

    def __init__(self, service: TableServiceClient) -> None:
        self._table: TableClient = service.get_table_client(KEYS)
        self._shares: OrderedDict[str, _Share] = OrderedDict()

    async def take(self, key_id: str, limit: int, now: float) -> Rate:
        """Count one request, which is to be answered only where it is ``allowed``.

        Raises:
            Unavailable: others are faster again and again.
            azure.core.exceptions.AzureError: storage does not answer.
        """
        share = self._share(key_id)
        minute = int(now // _SECONDS)
        if share.is_spent(limit, minute):
            async with share.taking:
                # While this one waited, others of this instance may have taken some.
                if share.is_spent(limit, minute):
                    await self._take_share(share, key_id, limit, minute)
        allowed = share.left > 0
        share.left -= allowed
        ends = (max(share.minute, minute) + 1) * _SECONDS
        return Rate(allowed, limit, share.untaken + share.left, max(1, math.ceil(ends - now)))

    def _share(self, key_id: str) -> _Share:
        share = self._shares.setdefault(key_id, _Share())
        self._shares.move_to_end(key_id)
        if len(self._shares) > _MOST_SHARES_HELD:
            # What it held is lost, which lets through less and never more.
            self._shares.popitem(last=False)
        return share

    async def _take_share(self, share: _Share, key_id: str, limit: int, minute: int) -> None:
        for attempt in range(_MOST_TRIES):
            row = await find_row(self._table, _PARTITION, key_id)
            taken = 0
            if row is not None and minute <= int(row["Minute"]) <= minute + 1:
                # Another instance's clock may be a little ahead: then its minute is everybody's.
                minute, taken = int(row["Minute"]), int(row["Taken"])
            more = max(0, min(share_of(limit), limit - taken))
            entity = {
                "PartitionKey": _PARTITION,
                "RowKey": key_id,
                "Minute": minute,
                "Taken": taken + more,
            }
            try:
                if more == 0:
                    pass
                elif row is None:
                    await self._table.create_entity(entity)
                else:
                    await self._table.update_entity(
                        entity, mode=UpdateMode.REPLACE, **unchanged(etag_of(row))
                    )
            except (ResourceExistsError, ResourceModifiedError):
                await step_aside(attempt)
                continue
            # Of the same minute something may be left, where the limit was changed.
            kept = share.left if share.minute == minute else 0
            share.minute, share.limit = minute, limit
            share.left = kept + more
            share.untaken = max(0, limit - taken - more)
            return
        raise Unavailable(
            "Too many requests of this key come at once to count them; try again.",
            retry_after=1,
            code="busy",
        )
