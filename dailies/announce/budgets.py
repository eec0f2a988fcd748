"""The event that warns that a budget is used up, or soon will be."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from azure.core.messaging import CloudEvent

from dailies.owners.budget import Account, BudgetWarning, Scope
from dailies.video.money import to_usd

__all__ = ["BUDGET_WARNING", "budget_event"]

BUDGET_WARNING = "dailies.budget.warning"


def budget_event(
    owner: str, key: str, account: Account, warning: BudgetWarning, *, source: str, now: float
) -> CloudEvent[dict[str, Any]]:
    """The event that tells that so many per cent of a limit are used.

    Args:
        key: tells the account from all others of the owner; no user's name.
    """
    standing = warning.standing
    renews_at = standing.renews_at
    return CloudEvent(
        source=source,
        type=BUDGET_WARNING,
        id=f"{owner}.{key}.{warning.label}.{standing.limit}.{warning.percent}",
        subject=f"/budgets/{owner}",
        time=datetime.fromtimestamp(now, UTC),
        data={
            "owner": owner,
            "scope": account.scope.value,
            "user": account.name if account.scope is Scope.USER else None,
            "key": account.name if account.scope is Scope.KEY else None,
            "period": standing.period.value,
            "of": warning.label,
            "percent": warning.percent,
            "limit_usd": to_usd(standing.limit),
            "spent_usd": to_usd(standing.counter.spent),
            "held_usd": to_usd(standing.counter.held),
            "left_usd": to_usd(standing.left),
            "renews_at": None if renews_at is None else int(renews_at),
        },
    )
