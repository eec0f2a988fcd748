"""Carries out what a turn decided, in one transaction."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from .actions import Scheduled
from .history import Event, EventType, format_time, new_event
from .pace import Pace
from .rows import Instance, Message
from .store import Store

__all__ = ["TurnCommit", "Wakers", "new_execution_id"]


def new_execution_id() -> str:
    """An id for a generation of an instance."""
    return uuid.uuid4().hex


@dataclass(frozen=True)
class _End:
    status: str
    output: str | None
    details: str | None


@dataclass(frozen=True)
class _Renewal:
    argument: str | None
    carried: Sequence[Event]


@dataclass(frozen=True)
class Wakers:
    """Whom a turn wakes once it is written."""

    instance: Callable[[str], None]
    entity: Callable[[str], None]
    activities: Callable[[], None]
    timers: Callable[[float], None]
    """Called with the time of each new timer, in seconds since the epoch."""


class TurnCommit:
    """Collects the changes of one turn, then applies them together."""

    def __init__(
        self,
        store: Store,
        wake: Wakers,
        pace: Pace,
        instance: Instance,
        now: float,
        past: Sequence[Event],
    ) -> None:
        self._store = store
        self._pace = pace
        self._wake = wake
        self._instance = instance
        self._now = now
        self._position = len(past)
        self._scheduled: Sequence[Scheduled] = ()
        self._end: _End | None = None
        self._renewal: _Renewal | None = None
        self.custom_status = instance.custom_status
        self.suspended_for: str | None = None
        """Why the instance is suspended (JSON text), which is its output meanwhile."""
        self._wake_instances: set[str] = set()
        self._wake_entities: set[str] = set()
        self._timers: list[float] = []

    # -- decisions -------------------------------------------------------------------------

    def schedule(self, items: Sequence[Scheduled]) -> None:
        """Activities, sub-orchestrations, timers and operations to start."""
        self._scheduled = items

    def end(self, status: str, output: str | None) -> None:
        """The instance ends; `output` is JSON text."""
        self._end = _End(status, output, None)

    def fail(self, message: str, details: str) -> None:
        """The instance ends as failed."""
        self._end = _End("Failed", _text(message), details)

    def continue_as_new(self, argument: str | None, carried: Sequence[Event]) -> None:
        """The instance starts over; `carried` events are delivered to the new generation."""
        self._renewal = _Renewal(argument, carried)

    # -- carrying out ----------------------------------------------------------------------

    def apply(self, status: str, taken: Sequence[Message], new: Sequence[Event]) -> bool:
        """Write everything, then wake whom it concerns.

        :returns: whether the instance has something to do at once. If it was purged or replaced
            while its function ran, nothing is written.
        """
        store = self._store
        instance = self._instance
        with store.transaction():
            current = store.instance(instance.instance_id)
            if current is None or current.execution_id != instance.execution_id:
                return current is not None
            store.delete_messages(message.id for message in taken)
            made = [self._carry_out(item) for item in self._scheduled]
            if self._renewal is not None:
                self._renew(self._renewal)
            else:
                self._record(status, [*new, *made])
        for instance_id in self._wake_instances:
            self._wake.instance(instance_id)
        for entity in self._wake_entities:
            self._wake.entity(entity)
        for fire_at in self._timers:
            self._wake.timers(fire_at)
        if self._scheduled:
            self._wake.activities()
        return self._renewal is not None

    def _record(self, status: str, events: list[Event]) -> None:
        store = self._store
        identity = self._instance.instance_id
        output = self.suspended_for
        if self._end is not None:
            status, output = self._end.status, self._end.output
            events.append(
                new_event(
                    EventType.EXECUTION_COMPLETED,
                    self._now,
                    OrchestrationStatus=status,
                    Result=output,
                )
            )
            store.delete_all_messages(identity)
            store.delete_timers(identity)
            self._tell_parent(self._end)
        events.append(new_event(EventType.ORCHESTRATOR_COMPLETED, self._now))
        store.append_history(identity, self._position, events)
        store.update_instance(
            identity,
            status=status,
            now=self._now,
            output=output,
            custom_status=self.custom_status,
        )

    def _renew(self, renewal: _Renewal) -> None:
        store = self._store
        identity = self._instance.instance_id
        store.renew_instance(
            identity,
            execution_id=new_execution_id(),
            argument=renewal.argument,
            custom_status=self.custom_status,
            now=self._now,
        )
        for event in renewal.carried:
            store.post(identity, None, event)

    def _tell_parent(self, end: _End) -> None:
        instance = self._instance
        if instance.parent_instance_id is None:
            return
        fields: dict[str, Any] = {"TaskScheduledId": instance.parent_task_id}
        if end.status == "Completed":
            kind = EventType.SUB_ORCHESTRATION_COMPLETED
            fields["Result"] = end.output
        else:
            kind = EventType.SUB_ORCHESTRATION_FAILED
            fields["Reason"] = _plain(end.output)
            fields["Details"] = end.details
        parent = instance.parent_instance_id
        event = new_event(kind, self._now, **fields)
        if self._store.post(parent, instance.parent_execution_id, event):
            self._wake_instances.add(parent)

    def _carry_out(self, item: Scheduled) -> Event:
        """Start one thing; returns the event that records it."""
        store = self._store
        if item.type is EventType.TASK_SCHEDULED:
            store.insert_activity(self._instance, item.id, item.name, item.input)
            return new_event(
                item.type, self._now, item.id, Name=item.name, Version="", Input=item.input
            )
        if item.type is EventType.TIMER_CREATED:
            fires_at = self._pace.timer(self._now, item.fire_at)
            store.insert_timer(self._instance, item.id, fires_at)
            self._timers.append(fires_at)
            return new_event(item.type, self._now, item.id, FireAt=format_time(item.fire_at))
        if item.type is EventType.SUB_ORCHESTRATION_CREATED:
            return self._start_child(item)
        target = item.target or ""
        caller = self._instance if item.request_id else None
        store.insert_operation(target, item.name, item.input, item.request_id, caller)
        self._wake_entities.add(target)
        request = {"op": item.name, "id": item.request_id or "", "signal": item.request_id is None}
        return new_event(
            item.type, self._now, item.id, InstanceId=target, Name="op", Input=_text(request)
        )

    def _start_child(self, item: Scheduled) -> Event:
        store = self._store
        child_id = item.target or ""
        existing = store.instance(child_id)
        created = new_event(
            item.type,
            self._now,
            item.id,
            Name=item.name,
            Version="",
            InstanceId=child_id,
            Input=item.input,
        )
        if existing is not None and not existing.is_final:
            refused = new_event(
                EventType.SUB_ORCHESTRATION_FAILED,
                self._now,
                TaskScheduledId=item.id,
                Reason=f"An Orchestration instance with the status {existing.status} already "
                f"exists with the id '{child_id}'.",
                Details=None,
            )
            store.post(self._instance.instance_id, self._instance.execution_id, refused)
            self._wake_instances.add(self._instance.instance_id)
            return created
        parent = self._instance
        store.insert_instance(
            Instance(
                instance_id=child_id,
                execution_id=new_execution_id(),
                name=item.name,
                version="",
                input=item.input,
                output=None,
                custom_status=None,
                status="Pending",
                starting=True,
                created_at=self._now,
                updated_at=self._now,
                parent_instance_id=parent.instance_id,
                parent_execution_id=parent.execution_id,
                parent_task_id=item.id,
                traceparent=parent.traceparent,
            )
        )
        self._wake_instances.add(child_id)
        return created


def _text(value: object) -> str:
    return json.dumps(value)


def _plain(output: str | None) -> str:
    """A failure's message out of the JSON text in which it is kept."""
    return "" if output is None else str(json.loads(output))
