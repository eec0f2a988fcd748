"""What the task hub's tables hold, as typed values."""

from __future__ import annotations

from dataclasses import dataclass

from .history import Event

__all__ = ["FINAL", "ActivityRow", "Instance", "Message", "Operation"]

FINAL = frozenset({"Completed", "Failed", "Terminated", "Canceled"})
"""Runtime statuses that an instance does not leave by itself."""


@dataclass(frozen=True, slots=True)
class Instance:
    """A row of ``instances``; times are seconds since the epoch, payloads JSON text."""

    instance_id: str
    execution_id: str
    name: str
    version: str
    input: str | None
    output: str | None
    custom_status: str | None
    status: str
    starting: bool
    """The generation has not had its first turn."""
    created_at: float
    updated_at: float
    parent_instance_id: str | None
    parent_execution_id: str | None
    parent_task_id: int | None
    traceparent: str

    @property
    def is_final(self) -> bool:
        """Whether the instance has ended."""
        return self.status in FINAL


@dataclass(frozen=True, slots=True)
class Message:
    """Something that waits for an instance's next turn."""

    id: int
    execution_id: str | None
    """The generation that it is meant for; None for any."""
    event: Event


@dataclass(frozen=True, slots=True)
class ActivityRow:
    """An activity that has not completed."""

    id: int
    instance_id: str
    execution_id: str
    task_id: int
    name: str
    input: str | None
    traceparent: str


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation that waits for an entity."""

    id: int
    operation: str
    input: str | None
    request_id: str | None
    parent_instance_id: str | None
    parent_execution_id: str | None
