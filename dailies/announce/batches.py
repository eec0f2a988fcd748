"""The event that tells that a batch has ended."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from azure.core.messaging import CloudEvent

from dailies.video.batch import Batch
from dailies.video.money import to_usd

__all__ = ["BATCH_COMPLETED", "batch_event"]

BATCH_COMPLETED = "dailies.batch.completed"


def batch_event(
    batch: Batch, *, source: str, results_url: str | None, now: float
) -> CloudEvent[dict[str, Any]]:
    """The event that tells that all shots of a batch have ended.

    ``results_url`` is an address without a token. A batch that is run again ends again, with
    another id of its event.
    """
    again = "" if batch.run == 1 else f".{batch.run}"
    return CloudEvent(
        source=source,
        type=BATCH_COMPLETED,
        id=f"{batch.id}.completed{again}",
        subject=f"/video_batches/{batch.id}",
        time=datetime.fromtimestamp(now, UTC),
        data={
            "id": batch.id,
            "owner": batch.owner,
            "name": batch.name,
            "status": batch.status.value,
            "counts": {
                "total": batch.total,
                "completed": batch.completed,
                "failed": batch.failed,
                "cancelled": batch.cancelled,
            },
            "cost_usd": to_usd(batch.spent_micros),
            "created_at": int(batch.created_at),
            "completed_at": None if batch.ended_at is None else int(batch.ended_at),
            "blob": batch.blob,
            "results_url": results_url,
            "error": None
            if batch.reason is None
            else {
                "code": batch.reason.code,
                "message": batch.reason.message,
            },
        },
        extensions={"traceparent": batch.traceparent} if batch.traceparent else None,
    )
