"""What an orchestration schedules, and what a replay of its actions arrives at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from .history import Event, EventType

__all__ = ["Known", "OrchestrationFaultError", "Outcome", "Scheduled"]


class OrchestrationFaultError(Exception):
    """The orchestration cannot go on and fails with this message."""


class Known(Protocol):
    """Which functions exist; an action for another one fails the orchestration."""

    def check_activity(self, name: str) -> None:
        """:raises OrchestrationFaultError: there is no such activity."""

    def check_orchestrator(self, name: str) -> None:
        """:raises OrchestrationFaultError: there is no such orchestrator."""

    def check_entity(self, name: str) -> None:
        """:raises OrchestrationFaultError: there is no such entity."""


@dataclass(frozen=True, slots=True)
class Scheduled:
    """Something that the orchestration scheduled, with its sequence number."""

    id: int
    type: EventType
    name: str = ""
    input: str | None = None
    """Activities: the JSON text of the argument. Others: that text as a JSON string."""
    fire_at: float = 0.0
    target: str | None = None
    """Instance id of a sub-orchestration (None: derived), or ``@name@key`` of an entity."""
    request_id: str | None = None
    """Set when an entity is called rather than signalled."""


@dataclass
class Outcome:
    """What a replay arrived at."""

    new: list[Scheduled]
    """In the order of their numbers."""
    all_awaited: bool
    """Every top-level action has completed: the orchestrator's own result counts."""
    has_open_tasks: bool
    continue_as_new: bool
    next_input: str | None
    carried: list[Event]
    """External events that arrived after continue-as-new and belong to the next generation."""
    buffered: list[str]
    """Names of the external events that nobody has waited for."""
