"""The event that warns of a model's retirement."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

from azure.core.messaging import CloudEvent

__all__ = ["RETIRING", "retiring_event"]

RETIRING = "dailies.model.retiring"


def retiring_event(
    *,
    model: str,
    deployment: str,
    provider: str,
    retires_at: date,
    warning_days: int,
    left: Sequence[str],
    source: str,
    now: float,
) -> CloudEvent[dict[str, Any]]:
    """The event that tells that a deployment is gone in ``warning_days`` or less.

    Args:
        left: the deployments that can take its videos then.
    """
    return CloudEvent(
        source=source,
        type=RETIRING,
        id=f"{deployment}.{retires_at}.retiring.{warning_days}",
        subject=f"/models/{model}",
        time=datetime.fromtimestamp(now, UTC),
        data={
            "model": model,
            "deployment": deployment,
            "provider": provider,
            "retires_at": retires_at.isoformat(),
            "days_left": (retires_at - datetime.fromtimestamp(now, UTC).date()).days,
            "left": list(left),
        },
    )
