"""History events in the form that the Durable SDK for Python replays.

Names and numbers are those of ``azure.durable_functions`` (``HistoryEventType``) and of the Durable
Task Framework that writes them in Azure.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum
from typing import Any

__all__ = ["Event", "EventType", "format_time", "new_event", "wire_history"]


class EventType(IntEnum):
    """The number of each kind of event."""

    EXECUTION_STARTED = 0
    EXECUTION_COMPLETED = 1
    EXECUTION_TERMINATED = 3
    TASK_SCHEDULED = 4
    TASK_COMPLETED = 5
    TASK_FAILED = 6
    SUB_ORCHESTRATION_CREATED = 7
    SUB_ORCHESTRATION_COMPLETED = 8
    SUB_ORCHESTRATION_FAILED = 9
    TIMER_CREATED = 10
    TIMER_FIRED = 11
    ORCHESTRATOR_STARTED = 12
    ORCHESTRATOR_COMPLETED = 13
    EVENT_SENT = 14
    EVENT_RAISED = 15
    CONTINUE_AS_NEW = 16
    EXECUTION_SUSPENDED = 19
    EXECUTION_RESUMED = 20


@dataclass(frozen=True, slots=True)
class Event:
    """One event, with the fields that the host itself needs beside the whole as JSON text."""

    type: EventType
    event_id: int
    """The sequence number of what was scheduled; -1 for everything else."""
    ref: int | None
    """The sequence number of the task or timer that this event completes."""
    name: str | None
    body: str
    """The JSON object sent to the worker, without ``IsPlayed``."""

    @property
    def fields(self) -> dict[str, Any]:
        """The JSON object as a dict."""
        fields: dict[str, Any] = json.loads(self.body)
        return fields


_REFERENCES = ("TaskScheduledId", "TimerId")


def new_event(kind: EventType, now: float, event_id: int = -1, **fields: Any) -> Event:
    """Make an event that happens at `now` (seconds since the epoch)."""
    document = {
        "EventType": int(kind),
        "EventId": event_id,
        "Timestamp": format_time(now),
        **fields,
    }
    ref = next((fields[key] for key in _REFERENCES if key in fields), None)
    return Event(kind, event_id, ref, fields.get("Name"), json.dumps(document))


def format_time(moment: float) -> str:
    """Seconds since the epoch as the SDK's ISO form, UTC with microseconds."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def wire_history(past: Iterable[str], new: Iterable[Event]) -> str:
    """The JSON array for the worker: past bodies are marked as played, new events are not."""
    parts = [f'{body[:-1]},"IsPlayed":true}}' for body in past]
    parts.extend(f'{event.body[:-1]},"IsPlayed":false}}' for event in new)
    return f"[{','.join(parts)}]"
