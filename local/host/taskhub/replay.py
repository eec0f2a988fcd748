"""Replay of an orchestrator's actions against its history.

An orchestrator function answers each turn with all actions of its generation so far. Azure's host
(``OutOfProcOrchestrationShim``) runs them anew on every turn through the Durable Task Framework:
top-level actions one after the other, numbering what they schedule; history completes them. This
module does the same, and so knows which actions are new and under which number.
"""

from __future__ import annotations

import json
import uuid
from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

from .actions import Known, OrchestrationFaultError, Outcome, Scheduled
from .history import Event, EventType

__all__ = ["replay"]

_REQUEST_NAMESPACE = uuid.UUID("4f8f3e0c-52d4-4f0e-8a3f-9a4cf1c2f1d7")


@dataclass(eq=False)
class _Task:
    parent: _Parent | None = None
    done: bool = False
    failed: bool = False


class _Parent(Protocol):
    parent: _Parent | None
    done: bool
    failed: bool

    def child_done(self, child: _Task) -> None: ...


@dataclass(eq=False)
class _Group(_Task):
    """``task_all`` (which waits for all even after a failure) or ``task_any``."""

    waits_for_all: bool = True
    children: Sequence[_Task] = ()
    replay: _Replay = field(kw_only=True)

    def child_done(self, child: _Task) -> None:
        if self.waits_for_all and not all(c.done for c in self.children):
            return
        if not self.done:
            self.replay.complete(self, failed=any(c.failed for c in self.children))


@dataclass(eq=False)
class _Retry(_Task):
    """Attempt, timer, attempt, …, and one timer without delay after the last failure."""

    action: Mapping[str, Any] = field(kw_only=True)
    replay: _Replay = field(kw_only=True)
    attempts: int = 0
    in_delay: bool = False

    def child_done(self, child: _Task) -> None:
        options: Mapping[str, Any] = self.action["retryOptions"]
        is_last = self.attempts >= int(options["maxNumberOfAttempts"])
        if self.in_delay:
            self.in_delay = False
            if is_last:
                self.replay.complete(self, failed=True)
            else:
                self.attempt()
        elif child.failed:
            self.in_delay = True
            delay = 0.0 if is_last else _retry_delay(options, self.attempts - 1)
            self.replay.open_timer(self.replay.now + delay).parent = self
        else:
            self.replay.complete(self)

    def attempt(self) -> None:
        """Schedule the task once more."""
        self.attempts += 1
        self.replay.open_call(self.action).parent = self


def _retry_delay(options: Mapping[str, Any], attempt: int) -> float:
    """Seconds before the next attempt."""
    delay = options["firstRetryIntervalInMilliseconds"] / 1000.0
    delay *= float(options.get("backoffCoefficient") or 1) ** attempt
    longest = options.get("maxRetryIntervalInMilliseconds")
    return float(min(delay, longest / 1000.0) if longest else delay)


def replay(
    execution_id: str,
    actions: Sequence[Mapping[str, Any]],
    events: Iterable[Event],
    known: Known,
) -> Outcome:
    """Run `actions` against the whole history of one generation, this turn's events included.

    :raises OrchestrationFaultError: an action cannot be carried out, or the history does not fit
        the actions (the orchestrator is not deterministic, or its code has changed).
    """
    run = _Replay(execution_id, actions, known)
    for event in events:
        run.process(event)
    return run.outcome()


class _Replay:
    def __init__(
        self, execution_id: str, actions: Sequence[Mapping[str, Any]], known: Known
    ) -> None:
        self.now = 0.0
        self._execution_id = execution_id
        self._actions = actions
        self._known = known
        self._position = 0
        self._current: _Task | None = None
        self._scheduled: list[Scheduled] = []
        self._confirmed: set[int] = set()
        self._open: dict[int, _Task] = {}
        self._waiting: defaultdict[str, list[_Task]] = defaultdict(list)
        self._buffered: defaultdict[str, deque[Event]] = defaultdict(deque)
        self._carried: list[Event] = []
        self._continues = False
        self._next_input: str | None = None

    # -- history ---------------------------------------------------------------------------

    def process(self, event: Event) -> None:
        """Apply one event of the history."""
        kind = event.type
        if kind in _COMPLETIONS:
            task = self._open.pop(event.ref if event.ref is not None else -1, None)
            if task is not None:
                self.complete(task, failed=kind in _FAILURES)
                self._advance()
        elif kind in _CONFIRMATIONS:
            self._confirm(event)
        elif kind is EventType.ORCHESTRATOR_STARTED:
            self.now = _seconds(event.fields["Timestamp"])
        elif kind is EventType.EXECUTION_STARTED:
            self._advance()
        elif kind is EventType.EVENT_RAISED:
            self._raise(event)

    def _confirm(self, event: Event) -> None:
        number = event.event_id
        made = self._scheduled[number] if 0 <= number < len(self._scheduled) else None
        differs = made is None or made.type is not event.type
        if made is not None and event.type in _NAMED:
            differs = differs or made.name != event.name
        if differs:
            found = "nothing" if made is None else f"{made.type.name} {made.name!r}"
            raise OrchestrationFaultError(
                f"Non-Deterministic workflow detected: a previous execution scheduled "
                f"{event.type.name} {event.name!r} with the sequence number {number}, but this "
                f"replay made {found}. Was the orchestrator changed while this instance was "
                "running?"
            )
        self._confirmed.add(number)

    def _raise(self, event: Event) -> None:
        name = event.name or ""
        if self._continues:
            self._carried.append(event)
        elif waiting := self._waiting.get(name):
            # As in Azure, the latest of several waits for one name is served first.
            self.complete(waiting.pop())
            self._advance()
        else:
            self._buffered[name].append(event)

    # -- tasks -----------------------------------------------------------------------------

    def complete(self, task: _Task, *, failed: bool = False) -> None:
        """Mark a task as done and tell the task that contains it."""
        task.done = True
        task.failed = failed
        if task.parent is not None:
            task.parent.child_done(task)

    def _advance(self) -> None:
        while self._current is None or self._current.done:
            if self._position == len(self._actions):
                return
            action = self._actions[self._position]
            self._position += 1
            self._current = self._invoke(action)

    def _invoke(self, action: Mapping[str, Any]) -> _Task:
        match int(action["actionType"]):
            case 0 | 2:
                return self.open_call(action)
            case 1 | 3:
                retry = _Retry(action=action, replay=self)
                retry.attempt()
                return retry
            case 4:
                self._continues = True
                self._next_input = json.dumps(action.get("input"))
                return _Task(done=True)
            case 5:
                timer = self.open_timer(_seconds(action["fireAt"]))
                if action.get("isCanceled"):
                    self._open.pop(len(self._scheduled) - 1)
                    timer.done = timer.failed = True
                return timer
            case 6:
                return self._wait_for(str(action["externalEventName"]))
            case 7 | 9 as kind:
                return self._message_entity(action, is_call=kind == 7)
            case 11 | 12 as kind:
                children = [self._invoke(child) for child in action["compoundActions"]]
                return self._group(children, waits_for_all=kind == 12)
            case 8:
                raise OrchestrationFaultError(
                    "call_http is not served by the local functions host: call an activity instead"
                )
            case other:
                raise OrchestrationFaultError(f"the orchestrator sent an unknown action ({other})")

    def _group(self, children: list[_Task], *, waits_for_all: bool) -> _Task:
        group = _Group(waits_for_all=waits_for_all, children=children, replay=self)
        for child in children:
            child.parent = group
        finished = [child.done for child in children]
        if all(finished) if waits_for_all else any(finished):
            group.done = True
        return group

    def open_call(self, action: Mapping[str, Any]) -> _Task:
        """Schedule an activity or a sub-orchestration."""
        name = str(action["functionName"])
        argument = action.get("input")
        if int(action["actionType"]) in (0, 1):
            self._known.check_activity(name)
            text = argument if argument is None or isinstance(argument, str) else None
            return self._schedule(
                EventType.TASK_SCHEDULED, name, json.dumps(argument) if text is None else text
            )
        self._known.check_orchestrator(name)
        target = action.get("instanceId") or f"{self._execution_id}:{len(self._scheduled)}"
        return self._schedule(
            EventType.SUB_ORCHESTRATION_CREATED, name, json.dumps(argument), target=target
        )

    def open_timer(self, fire_at: float) -> _Task:
        """Schedule a timer for a moment in seconds since the epoch."""
        return self._schedule(EventType.TIMER_CREATED, "", None, fire_at=fire_at)

    def _schedule(
        self,
        kind: EventType,
        name: str,
        argument: str | None,
        *,
        fire_at: float = 0.0,
        target: str | None = None,
    ) -> _Task:
        number = len(self._scheduled)
        self._scheduled.append(Scheduled(number, kind, name, argument, fire_at, target))
        task = self._open[number] = _Task()
        return task

    def _wait_for(self, name: str) -> _Task:
        task = _Task()
        if self._buffered.get(name):
            self._buffered[name].popleft()
            task.done = True
        else:
            self._waiting[name].append(task)
        return task

    def _message_entity(self, action: Mapping[str, Any], *, is_call: bool) -> _Task:
        target = str(action["instanceId"])
        self._known.check_entity(target.split("@", 2)[1])
        argument = action.get("input")
        number = len(self._scheduled)
        request = str(uuid.uuid5(_REQUEST_NAMESPACE, f"{self._execution_id}:{number}"))
        self._scheduled.append(
            Scheduled(
                number,
                EventType.EVENT_SENT,
                str(action["operation"]),
                None if argument is None else json.dumps(argument),
                target=target,
                request_id=request if is_call else None,
            )
        )
        return self._wait_for(request) if is_call else _Task(done=True)

    def outcome(self) -> Outcome:
        """The state after the last event."""
        return Outcome(
            new=[item for item in self._scheduled if item.id not in self._confirmed],
            all_awaited=self._position == len(self._actions)
            and (self._current is None or self._current.done),
            has_open_tasks=bool(self._open),
            continue_as_new=self._continues,
            next_input=self._next_input,
            carried=self._carried,
            buffered=[event.name or "" for queue in self._buffered.values() for event in queue],
        )


_FAILURES = {EventType.TASK_FAILED, EventType.SUB_ORCHESTRATION_FAILED}
_COMPLETIONS = _FAILURES | {
    EventType.TASK_COMPLETED,
    EventType.SUB_ORCHESTRATION_COMPLETED,
    EventType.TIMER_FIRED,
}
_NAMED = {EventType.TASK_SCHEDULED, EventType.SUB_ORCHESTRATION_CREATED}
_CONFIRMATIONS = {
    EventType.TASK_SCHEDULED,
    EventType.SUB_ORCHESTRATION_CREATED,
    EventType.TIMER_CREATED,
    EventType.EVENT_SENT,
}


def _seconds(text: str) -> float:
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
