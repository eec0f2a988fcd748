"""Events as webhooks receive them: CloudEvents in their structured form, as Event Grid delivers
them, signed as Standard Webhooks has it.

Source: standard-webhooks/standard-webhooks, spec/standard-webhooks.md.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from azure.core.messaging import CloudEvent
from standardwebhooks import Webhook

from dailies.announce.batches import BATCH_COMPLETED
from dailies.announce.budgets import BUDGET_WARNING
from dailies.announce.events import EventType

__all__ = [
    "ALL_EVENTS",
    "FINAL_EVENTS",
    "OWNER_EVENTS",
    "TRIAL_EVENT",
    "body_of",
    "headers_of",
    "trial_event",
]

FINAL_EVENTS = tuple(
    kind.wire_name for kind in (EventType.COMPLETED, EventType.FAILED, EventType.CANCELLED)
)
"""What a webhook is told if it does not say what it wants: how videos end."""
ALL_EVENTS = tuple(kind.wire_name for kind in EventType if kind is not EventType.REJECTED)
"""What can happen to a video."""
OWNER_EVENTS = (*ALL_EVENTS, EventType.REJECTED.wire_name, BATCH_COMPLETED, BUDGET_WARNING)
"""What an owner's webhook may be told: of all videos, dropped images, batches and budgets."""

TRIAL_EVENT = "dailies.webhook.test"


def trial_event(owner: str, *, source: str, now: float) -> CloudEvent[dict[str, Any]]:
    """An event that tells of nothing, to try a webhook with."""
    return CloudEvent(
        source=source,
        type=TRIAL_EVENT,
        id=f"test_{uuid4().hex}",
        subject=f"/webhooks/{owner}",
        time=datetime.fromtimestamp(now, UTC),
        data={"owner": owner},
    )


def body_of(event: CloudEvent[Any]) -> str:
    """The event as JSON; never the same text twice, so it is written once and kept."""
    document = {
        "specversion": event.specversion,
        "id": event.id,
        "source": event.source,
        "type": event.type,
        "subject": event.subject,
        "time": event.time.isoformat() if event.time is not None else None,
        "datacontenttype": "application/json",
        **(event.extensions or {}),
        "data": event.data,
    }
    said = {name: value for name, value in document.items() if value is not None}
    return json.dumps(said, separators=(",", ":"))


def headers_of(event_id: str, body: str, secrets: Sequence[str], at: float) -> Mapping[str, str]:
    """What is sent with a body; signed with each of the secrets, so that a receiver that knows one
    of them can check it.

    Args:
        at: the time of the attempt, Unix seconds.
    """
    sent = datetime.fromtimestamp(int(at), UTC)
    signatures = [Webhook(secret).sign(event_id, sent, body) for secret in secrets]
    return {
        "Content-Type": "application/cloudevents+json; charset=utf-8",
        "User-Agent": "dailies",
        "webhook-id": event_id,
        "webhook-timestamp": str(int(at)),
        "webhook-signature": " ".join(signatures),
    }
