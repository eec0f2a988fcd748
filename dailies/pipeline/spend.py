"""What has been spent: summed up from time to time, and told for one owner or for all."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Mapping
from enum import StrEnum

from azure.core.exceptions import AzureError

from dailies.owners.spend import Dimension, Interval, Tally
from dailies.pipeline.crowd import for_each
from dailies.services import Services
from dailies.telemetry.logs import log_event
from dailies.video.errors import Conflict

__all__ = ["GroupBy", "Spending", "spent", "sum_up"]

# A few requests to storage for each owner.
_AT_ONCE = 16

Spending = Mapping[tuple[str | None, str], Tally]
"""By the value (None: without one) and the label of the interval."""


class GroupBy(StrEnum):
    """What spend may be told by."""

    OWNER = "owner"
    KEY = "key"
    USER = "user"
    MODEL = "model"
    PROVIDER = "provider"
    TAG = "tag"
    DAY = "day"


async def sum_up(services: Services) -> int:
    """Sum up what is in the journals of all owners; how many rows that were."""
    summed = 0

    async def fold(owner: str) -> None:
        nonlocal summed
        try:
            summed += await services.records.spend.fold(owner)
        except (Conflict, AzureError) as error:
            # It stays in the journal, and is told from there.
            log_event("spend_not_summed", level=logging.WARNING, owner=owner, fault=error)

    await for_each(services.records.spend.owners(), fold, at_once=_AT_ONCE)
    if summed:
        log_event("spend_summed", number=summed)
    return summed


async def spent(
    services: Services,
    group_by: GroupBy,
    *,
    first: str,
    last: str,
    interval: Interval,
    owner: str | None = None,
) -> Spending:
    """What was spent on the days from ``first`` to ``last`` (``2026-11-29``), by an owner or all.

    Raises:
        Conflict: it was being summed up all the time.
    """
    sums: defaultdict[tuple[str | None, str], Tally] = defaultdict(Tally)
    store = services.records.spend
    if group_by is GroupBy.DAY:
        interval = Interval.DAY
    is_by_owner = group_by is GroupBy.OWNER
    dimension = Dimension.DAY if is_by_owner else Dimension(group_by.value)

    async def add(name: str) -> None:
        read = await store.read(name, dimension, first, last, interval)
        for (value, label), tally in read.items():
            if group_by is GroupBy.DAY:
                sums[label, ""] += tally
            else:
                sums[name if is_by_owner else value, label] += tally

    if owner is None:
        await for_each(store.owners(), add, at_once=_AT_ONCE)
    else:
        await add(owner)
    return sums
