"""Warn that a budget is used up, or soon will be: at 50, 80 and 100 per cent, once each.

What is due is written with what makes it so: an account is marked in the transaction that holds a
video on it. So no warning is lost with a process, and one that dies between the event and its note
tells it again with the same id.
"""

from __future__ import annotations

import logging

from azure.core.exceptions import AzureError

from dailies.announce.budgets import budget_event
from dailies.pipeline.crowd import for_each
from dailies.pipeline.handover import hand_over
from dailies.services import Services
from dailies.telemetry.logs import log_event
from dailies.video.errors import Conflict
from dailies.video.money import to_usd

__all__ = ["warn_of_budgets"]

# An owner has a query, and two requests more for each account of which something is to be told.
_AT_ONCE = 8


async def warn_of_budgets(services: Services) -> int:
    """Tell of all budgets what is due; how many warnings that were."""
    told = 0

    async def warn(owner: str) -> None:
        nonlocal told
        try:
            told += await _warn(services, owner)
        except (Conflict, AzureError) as error:
            # It stays due.
            log_event("budget_not_told", level=logging.WARNING, owner=owner, fault=error)

    await for_each(services.records.spend.owners(), warn, at_once=_AT_ONCE)
    return told


async def _warn(services: Services, owner: str) -> int:
    ledger = services.records.ledger
    told = 0
    for entry in await ledger.due(owner):
        warnings = entry.account.warnings()
        for warning in warnings:
            standing = warning.standing
            log_event(
                "budget_warning",
                level=logging.WARNING,
                owner=owner,
                scope=entry.account.scope,
                period=standing.period,
                percent=warning.percent,
                limit_usd=to_usd(standing.limit),
                left_usd=to_usd(standing.left),
            )
            event = budget_event(
                owner,
                entry.key,
                entry.account,
                warning,
                source=services.settings.event_source,
                now=services.clock(),
            )
            await hand_over(services, event, owner)
            await services.events.publish(event)
        await ledger.note_told(owner, entry, warnings)
        told += len(warnings)
    return told
